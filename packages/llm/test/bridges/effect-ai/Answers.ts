/** Providers that say exactly what a test wants said, parts that no script has among it, and remember what they were asked. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import type { LlmRequest, ToolCallPart } from "../../../src/model/LlmRequest.ts"
import { validateRequest } from "../../../src/model/RequestValidation.ts"
import { fromParts, type ResponseMetadata, type ResponsePart } from "../../../src/model/LlmResponse.ts"

export const metadata: ResponseMetadata = {
  provider: "test",
  model: "asked",
  servedModel: "served",
  usage: {},
  usageStatus: "unknown",
  latencyMs: 5,
  timestamp: "2026-01-02T03:04:05.000Z",
  requestId: "req_1",
  costUsd: 0.25,
  attempts: [],
  warnings: ["temperature was dropped"],
  degraded: false,
}

const eventsOf = (part: ResponsePart, index: number): ReadonlyArray<LlmEvent> => {
  switch (part.type) {
    case "text":
      return pieces(part.text).map((delta) => ({ type: "text-delta", index, delta }))
    case "refusal":
      return pieces(part.text).map((delta) => ({ type: "refusal-delta", index, delta }))
    case "reasoning":
      return [
        ...pieces(part.text).map((delta): LlmEvent => ({ type: "reasoning-delta", index, delta })),
        { type: "part-end", index, part },
      ]
    case "image":
    case "other":
      return [{ type: "part-end", index, part }]
    case "tool-call":
      return [
        { type: "tool-call-start", index, id: part.id, name: part.name },
        { type: "tool-call-delta", index, delta: JSON.stringify(part.arguments) },
        { type: "tool-call-end", index, id: part.id, name: part.name, arguments: part.arguments, ...dataOf(part) },
      ]
  }
}

const dataOf = ({ protocolData }: ToolCallPart) => (protocolData === undefined ? {} : { protocolData })

/** Two pieces, the first of which may be empty. */
const pieces = (text: string): ReadonlyArray<string> => [text.slice(0, text.length / 2), text.slice(text.length / 2)]

/** A stream that says these parts. */
export const streamOf = (parts: ReadonlyArray<ResponsePart>, told = metadata): ReadonlyArray<LlmEvent> => [
  { type: "response-start", servedModel: "served" },
  ...parts.flatMap(eventsOf),
  { type: "response-finish", finishReason: "stop", metadata: told },
]

export interface AnsweringLayer extends Layer.Layer<LlmProvider> {
  readonly requests: ReadonlyArray<LlmRequest>
}

/** Answers every valid request with these parts. */
export const answering = (
  parts: ReadonlyArray<ResponsePart>,
  events: ReadonlyArray<LlmEvent> | undefined = undefined,
  told = metadata,
): AnsweringLayer => {
  const requests: Array<LlmRequest> = []
  const note = (request: LlmRequest) =>
    Effect.fromResult(validateRequest(request)).pipe(
      Effect.orDie,
      Effect.map((valid) => requests.push(valid)),
    )
  const layer = Layer.succeed(LlmProvider, {
    name: "test",
    generate: (request) => Effect.as(note(request), fromParts(parts, "stop", told)),
    stream: (request) => Stream.unwrap(Effect.as(note(request), Stream.fromArray(events ?? streamOf(parts, told)))),
  })
  return Object.assign(layer, { requests })
}
