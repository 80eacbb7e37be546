/** Keys that are asked for: before each request, and again after a refusal; and what becomes of a key that cannot be had. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { AzureOpenAi, type LlmError, LLMInterface, type LlmProvider, withRetry } from "../../src/index.ts"
import type { Credential } from "../../src/providers/Credential.ts"
import { ask, open, outcomeOf, patient, serve } from "../contract/Ask.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { Exposure } from "../contract/Exposure.ts"
import { keyOf, type LayerOptions, openai, providers } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import type { Script } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat, fullText, type WireText } from "../faults/WireText.ts"

useBareEnvironment("none")

interface Provider {
  readonly name: string
  readonly wire: WireText
  readonly layer: (
    url: string,
    credential: Credential,
    more?: Partial<LayerOptions>,
  ) => Layer.Layer<LlmProvider, LlmError>
}

const layers: ReadonlyArray<Provider> = [
  ...providers.map(({ layerOf, name, wire }) => ({
    name,
    wire,
    layer: (url: string, apiKey: Credential, more?: Partial<LayerOptions>) => layerOf(url, { ...more, apiKey }),
  })),
  {
    name: "azure with Entra",
    wire: chat,
    layer: (apiBase, entraToken, more) => AzureOpenAi.layer({ ...more, entraToken, apiBase, model: "m" }),
  },
]

const cells = layers.flatMap((one) =>
  (["generate", "stream"] as const).map((call) => ({ ...one, call, on: `${call}, ${one.name}` })),
)

/** Keys in turn; the last one stays. */
const turns = (...keys: readonly [string, ...Array<string>]) => {
  let asked = 0
  const next = (): string => keys[Math.min(asked++, keys.length - 1)] ?? keys[0]
  return { next, asked: () => asked }
}

const forms: Readonly<Record<string, (next: () => string) => Credential>> = {
  "an Effect of a Redacted": (next) => Effect.sync(() => Redacted.make(next())),
  "an Effect of a text": (next) => Effect.sync(next),
  "a function": (next) => next,
  "a function of a Redacted": (next) => () => Redacted.make(next()),
  "a function of a promise": (next) => async () => next(),
}

/** Accepts one key, and refuses every other. */
const accepting =
  (wire: WireText, accepted: string): Script =>
  (request) =>
    keyOf(request) === accepted
      ? goodAnswer(wire, callOf(request))
      : whole(JSON.stringify({ error: { message: `no such key: ${keyOf(request)}` } }), 401)

const retrying = withRetry({ times: 3, schedule: Schedule.spaced("1 millis") })

describe("a key that is asked for", patient, () => {
  it.live.each(Object.entries(forms).flatMap(([form, make]) => cells.map((cell) => ({ ...cell, form, make }))))(
    "is asked for before each request and not kept: $form ($on)",
    Effect.fnUntraced(function* ({ call, layer, make, wire }) {
      const server = yield* serve((request) => goodAnswer(wire, callOf(request)))
      const { asked, next } = turns("key-one", "key-two", "key-three")
      const llm = yield* open(layer(server.url, make(next)))
      expect(asked()).toBe(0)
      for (let turn = 0; turn < 3; turn++) expect((yield* ask(llm, call)).text).toBe(fullText)
      expect(server.requests.map(keyOf)).toEqual(["key-one", "key-two", "key-three"])
    }),
  )

  it.live.each(cells)(
    "is asked for again when it is refused, and the request is sent once more with another one ($on)",
    Effect.fnUntraced(function* ({ call, layer, wire }) {
      const server = yield* serve(accepting(wire, "key-new"))
      const { next } = turns("key-old", "key-new")
      const llm = yield* open(layer(server.url, next).pipe(retrying))
      const seen = yield* ask(llm, call)
      expect(seen.text).toBe(fullText)
      expect(server.requests.map(keyOf)).toEqual(["key-old", "key-new"])
      expect(seen.response?.metadata.attempts.map(({ errorType }) => errorType)).toEqual([
        "AuthenticationError",
        undefined,
      ])
    }),
  )

  it.live.each(cells)(
    "that stays the same is refused once, and nothing is repeated ($on)",
    Effect.fnUntraced(function* ({ call, layer, wire }) {
      const server = yield* serve(accepting(wire, "key-right"))
      const { next } = turns("key-wrong")
      const headers = { "X-Team": "blue" }
      const seen = yield* ask(yield* open(layer(server.url, next, { headers }).pipe(retrying)), call)
      expect(outcomeOf(seen)).toBe("AuthenticationError")
      expect(seen.error?.isRetryable).toBe(false)
      expect(server.requests).toHaveLength(1)
    }),
  )

  it.live.each(cells)(
    "that is another one each time is tried twice and no more ($on)",
    Effect.fnUntraced(function* ({ call, layer, wire }) {
      const server = yield* serve(accepting(wire, "key-right"))
      const keys = Array.from({ length: 20 }, (_, index) => `key-${index}`)
      const { next } = turns("key-first", ...keys)
      const seen = yield* ask(yield* open(layer(server.url, next).pipe(retrying)), call)
      expect(outcomeOf(seen)).toBe("AuthenticationError")
      expect(server.requests).toHaveLength(2)
    }),
  )

  const failing: Readonly<Record<string, Credential>> = {
    // Whatever a program fails with.
    // @effect-diagnostics-next-line globalErrorInEffectFailure:off
    "an Effect that fails": Effect.fail(new Error("canary-vault-word")),
    "a function that throws": () => {
      throw new Error("canary-vault-word")
    },
    "a function that rejects": () => Promise.reject(new Error("canary-vault-word")),
    "a function that gives nothing": () => "",
    "a function that gives two lines": () => "canary-vault-word\nmore",
  }
  it.live.each(Object.entries(failing).flatMap(([form, key]) => cells.map((cell) => ({ ...cell, form, key }))))(
    "that cannot be had is an AuthenticationError, and nothing is sent: $form ($on)",
    Effect.fnUntraced(function* ({ call, key, layer, wire }) {
      const server = yield* serve((request) => goodAnswer(wire, callOf(request)))
      const exposure = new Exposure()
      const seen = yield* ask(yield* open(layer(server.url, key)), call)
      expect(outcomeOf(seen)).toBe("AuthenticationError")
      exposure.showFailure(seen.error)
      expect(exposure.all()).not.toContain("canary-vault-word")
      expect(server.connections).toEqual([])
    }),
  )

  it.live.each(cells)(
    "is shown by no error, whichever request it was sent with ($on)",
    Effect.fnUntraced(function* ({ call, layer, wire }) {
      const server = yield* serve(accepting(wire, "nothing"))
      const { next } = turns("sk-canary-aaaa1111bbbb", "sk-canary-cccc2222dddd", "sk-canary-eeee3333ffff")
      const llm = yield* open(layer(server.url, next))
      const exposure = new Exposure()
      for (let turn = 0; turn < 3; turn++) exposure.showFailure((yield* ask(llm, call)).error)
      expect(server.requests).toHaveLength(3)
      expect(exposure.all()).not.toMatch(/canary-(aaaa|cccc|eeee)/)
    }),
  )
})

describe("the promise surface", patient, () => {
  it.live.each([
    { form: "a function", make: (next: () => string) => next },
    { form: "a function of a promise", make: (next: () => string) => async () => next() },
  ])(
    "takes $form as apiKey, for each provider, and asks again when it is refused",
    Effect.fnUntraced(function* ({ make }) {
      const groq = { ...openai, options: (url: string) => ({ ...openai.options(url), provider: "groq" }) as const }
      for (const { options, wire } of [...providers, groq]) {
        const server = yield* serve(accepting(wire, "key-new"))
        const { next } = turns("key-old", "key-new")
        const llm = new LLMInterface({ ...options(server.url), apiKey: make(next) })
        const response = yield* Effect.promise(() => llm.generate({ messages: [{ role: "user", content: "Hi" }] }))
        expect(response).toMatchObject({ text: fullText })
        expect(server.requests.map(keyOf)).toEqual(["key-old", "key-new"])
        yield* Effect.promise(() => llm.dispose())
      }
    }),
  )
})
