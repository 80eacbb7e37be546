/** Law 2: a service's own words mean the same as a status, in a body under 200 and in a stream, on every protocol. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withFallback } from "../../src/index.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { type Answer, inTurn } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import { fullText } from "../faults/WireText.ts"
import { type ServiceExample, serviceExamples } from "../protocols/failures/ServiceExamples.ts"
import { ask, open, patient, quickRetry, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { anthropic, openai } from "./Providers.ts"

const textOf = ({ body }: ServiceExample): string => (typeof body === "string" ? body : JSON.stringify(body))

/** Without its status a page, or an error that says nothing but its status, says something else. */
const saysItself = ({ body, status }: ServiceExample): boolean => typeof body !== "string" && status !== 410

const disguises = {
  "generate, as a status": (one) => whole(textOf(one), one.status),
  "stream, as a status": (one) => whole(textOf(one), one.status),
  "generate, as a body under 200": (one) => whole(textOf(one)),
  "stream, as a body under 200": (one) => whole(textOf(one)),
  "stream, as the first event": (one) => stream(`data: ${textOf(one)}\n\n`),
  "stream, as an event named error": (one) => stream(`event: error\ndata: ${textOf(one)}\n\n`),
} satisfies Record<string, (one: ServiceExample) => Answer>

const forms = Object.keys(disguises) as ReadonlyArray<keyof typeof disguises>

const callOf = (form: string) => (form.startsWith("stream") ? "stream" : "generate")

const named = (name: string): ServiceExample => {
  const found = serviceExamples.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no example is named ${name}`)
  return found
}

describe.concurrent(law[2], patient, () => {
  it.live.each([openai, anthropic].flatMap((provider) => forms.map((form) => ({ provider, form, on: provider.name }))))(
    "every service's words: $form ($on)",
    Effect.fnUntraced(function* ({ form, provider }) {
      const said = serviceExamples.filter((one) => form.endsWith("as a status") || saysItself(one))
      const server = yield* serve(inTurn(...said.map(disguises[form])))
      const llm = yield* open(provider.layer(server.url))
      for (const { errorType, name } of said) {
        const { error } = yield* ask(llm, callOf(form))
        expect([name, error?.reason._tag]).toEqual([name, errorType])
      }
    }),
  )

  it.live.each(
    [
      { name: "Gemini: cancelled", requests: 1 + times },
      { name: "Groq: slip of the model", requests: 2 },
      { name: "Groq, larger than the limit of a minute: too long", requests: 1 },
      { name: "OpenAI, larger than the limit of a minute: too long", requests: 1 },
      { name: "LiteLLM: no such model", requests: 1 },
      { name: "Gemini: key expired", requests: 1 },
      { name: "Z.ai: no money", requests: 1 },
      { name: "DeepSeek: filtered", requests: 1 },
    ].flatMap((one) => forms.map((form) => ({ ...one, form }))),
  )(
    "$name makes $requests requests, and then the fallback is asked: $form",
    Effect.fnUntraced(function* ({ form, name, requests }) {
      const failing = yield* serve(() => disguises[form](named(name)))
      const second = yield* serve(inTurn(goodAnswer(openai.wire, callOf(form))))
      const llm = yield* open(openai.layer(failing.url).pipe(quickRetry, withFallback(openai.layer(second.url))))
      const { text } = yield* ask(llm, callOf(form))
      expect(text).toBe(fullText)
      expect([failing.requests.length, second.requests.length]).toEqual([requests, 1])
    }),
  )
})
