/** A service of embeddings on the loopback interface: it embeds by a rule that tests know, in the form that is asked for. */
import * as Effect from "effect/Effect"
import { FaultServer, type RecordedRequest, type Script } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

/** The vector of a text: numbers that 32 bits hold exactly. */
export const vectorOf = (text: string, dimensions = 3): Array<number> =>
  Array.from({ length: dimensions }, (_, place) => (text.codePointAt(place) ?? 0) / 4 + text.length)

export interface AskedBody {
  readonly model: string
  readonly input: ReadonlyArray<string>
  readonly encoding_format?: string
  readonly dimensions?: number
  readonly output_dimension?: number
}

/** What was asked for. */
export const asked = ({ json }: RecordedRequest): AskedBody => json as AskedBody

const base64 = (numbers: ReadonlyArray<number>): string =>
  Buffer.from(new Float32Array(numbers).buffer).toString("base64")

/** The answer to a request, last vector first; `form` stands in for the one that was asked for. */
export const answerTo = (request: RecordedRequest, form?: "base64" | "float"): string => {
  const { dimensions, encoding_format: wanted, input, model, output_dimension: length } = asked(request)
  const isBase64 = (form ?? wanted) === "base64"
  const data = input.map((text, index) => {
    const vector = vectorOf(text, dimensions ?? length)
    return { object: "embedding", index, embedding: isBase64 ? base64(vector) : vector }
  })
  const tokens = input.reduce((sum, text) => sum + text.length, 0)
  return JSON.stringify({
    object: "list",
    data: data.toReversed(),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

/** Embeds whatever it is asked to. */
export const embeds: Script = (request) => whole(answerTo(request))

/** A server until the end of the test. */
export const serve = (script: Script = embeds) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )
