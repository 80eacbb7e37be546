/** Options of a wrong kind, as programs without types pass them: a typed error, never a defect, and nothing is sent. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { LLMInterface, LlmProvider } from "../../src/index.ts"
import { patient } from "../contract/Ask.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { type ContractProvider, defaultKey, openai, providers } from "../contract/Providers.ts"

useBareEnvironment("none")

/** Whatever JavaScript has. */
const odd: Readonly<Record<string, unknown>> = {
  "a number": 42,
  "an object": {},
  "a list": [],
  null: null,
  true: true,
  "a symbol": Symbol("x"),
  "a function that throws": () => {
    throw new Error("thrown")
  },
  "an invalid date": new Date(Number.NaN),
  "half a character": "\ud800",
  "an empty text": "",
}

const options = ["apiKey", "keyHeader", "apiBase", "apiVersion", "model", "name", "wireApi", "headers"]
const cases = Object.entries(odd).flatMap(([what, value]) => options.map((option) => ({ what, value, option })))
const hello = { messages: [{ role: "user", content: "Hi" }] } as const

/** What a program without types passes. */
const untyped = (provider: ContractProvider, option: string, value: unknown) =>
  Object.assign({ ...provider.optionsAt("http://127.0.0.1:1"), apiKey: defaultKey }, { [option]: value })

describe("an option of a wrong kind", patient, () => {
  it.live.each(cases)(
    "is never a defect: $option is $what",
    Effect.fnUntraced(function* ({ option, value }) {
      for (const provider of providers) {
        const exit = yield* Effect.flatMap(LlmProvider, ({ generate }) => generate(hello)).pipe(
          Effect.provide(provider.module.layer(untyped(provider, option, value))),
          Effect.exit,
        )
        expect(Exit.isFailure(exit) && !Cause.hasDies(exit.cause)).toBe(true)
      }
    }),
  )

  it.each(
    Object.entries(odd).flatMap(([what, value]) =>
      ["fallbacks", "provider"].map((option) => ({ what, value, option })),
    ),
  )("of the promise surface resolves with an error: $option is $what", async ({ option, value }) => {
    const given = { provider: "openai", ...untyped(openai, option, value), maxRetries: 0 } as const
    await using llm = new LLMInterface(given)
    for (const response of [await llm.generate(hello), await llm.stream(hello).response]) {
      expect(response).toHaveProperty("errorType")
    }
  })

  it.each(Object.entries(odd).map(([what, value]) => ({ what, value })))(
    "as the model of a request under routing resolves with an error: $what",
    async ({ value }) => {
      await using llm = new LLMInterface({ provider: "litellm", model: "gpt-5-mini", maxRetries: 0 })
      const request = Object.assign({ ...hello }, Object.fromEntries([["model", value]]))
      for (const response of [await llm.generate(request), await llm.stream(request).response]) {
        expect(response).toHaveProperty("errorType")
      }
    },
  )
})
