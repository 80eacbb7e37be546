/** Laws of the cache as properties: no answer to another question, and nothing kept but whole answers. */
import { createHash } from "node:crypto"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as fc from "fast-check"
import type { ErrorType } from "../../../src/model/LlmError.ts"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { canonicalJson, keyOf } from "../../../src/policies/cache/CacheKey.ts"
import { sha256 } from "../../../src/policies/cache/Sha256.ts"
import { ask, callNames, errorTypes, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const identity = { name: "openai", model: "gpt-5-mini" }

/** The same value with the keys of every object in another order. */
const permuted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(permuted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, inner]) => [key, permuted(inner)]),
  )
}

/** Requests of every kind of content. */
const anyRequest = fc.record(
  {
    messages: fc.array(
      fc.oneof(
        fc.record({ role: fc.constant("user"), content: fc.string({ unit: "binary" }) }),
        fc.record({
          role: fc.constant("user"),
          content: fc.array(
            fc.oneof(
              fc.record({ type: fc.constant("text"), text: fc.string() }),
              fc.record({ type: fc.constant("image"), data: fc.base64String(), mediaType: fc.constant("image/png") }),
            ),
          ),
        }),
        fc.record({ role: fc.constant("system"), content: fc.string() }),
      ),
      { minLength: 1, maxLength: 3 },
    ),
    model: fc.constantFrom("a", "b", "gpt-5-mini"),
    temperature: fc.constantFrom(0, 0.5, 1),
    maxTokens: fc.integer({ min: 1, max: 3 }),
    seed: fc.integer({ min: 0, max: 2 }),
    stop: fc.array(fc.string(), { maxLength: 2 }),
    tools: fc.array(
      fc.record({
        name: fc.constantFrom("f", "g"),
        parameters: fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 2 }),
      }),
      { maxLength: 2 },
    ),
    user: fc.constantFrom("u1", "u2"),
    providerOptions: fc.constantFrom({ openai: { a: 1 } }, { openai: { a: "1" } }, { openai: { a: [1] } }, {}),
  },
  { requiredKeys: ["messages"] },
)

const requestOf = (value: unknown): LlmRequest =>
  Schema.decodeUnknownSync(Schema.declare((input): input is LlmRequest => typeof input === "object"))(value)

/** What is sent for a request, however it is written. */
const questionOf = (request: { readonly model?: string }): string =>
  canonicalJson(permuted({ ...request, model: request.model ?? identity.model }))

describe("the key of a request", () => {
  it("is the same for requests that differ in the order of their keys alone, and in what is undefined", () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        const key = keyOf(requestOf(request), identity)
        expect(key).toMatch(/^[0-9a-f]{64}$/)
        expect(keyOf(requestOf({ ...Object(permuted(request)), stop: request.stop, topP: undefined }), identity)).toBe(
          key,
        )
      }),
    )
  })

  it("is another one wherever the question differs", () => {
    fc.assert(
      fc.property(anyRequest, anyRequest, (one, another) => {
        const same = keyOf(requestOf(one), identity) === keyOf(requestOf(another), identity)
        expect(same).toBe(questionOf(one) === questionOf(another))
      }),
      { numRuns: 500 },
    )
  })

  it("is another one wherever any one value of the request is changed, added or left out", () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), fc.string(), (request, at, text) => {
        const copy: Record<string, unknown> = structuredClone(request)
        const names = Object.keys(copy)
        const name = names[at % names.length] ?? "messages"
        const before = keyOf(requestOf(request), identity)
        if (name !== "model" || request.model !== identity.model) {
          const { [name]: _, ...without } = copy
          if (name !== "messages") expect(keyOf(requestOf(without), identity)).not.toBe(before)
        }
        expect(keyOf(requestOf({ ...copy, [name]: [copy[name], text] }), identity)).not.toBe(before)
        expect(keyOf(requestOf({ ...copy, [`x${text}`]: text }), identity)).not.toBe(before)
      }),
    )
  })

  it("tells providers, default models, namespaces and headers apart", () => {
    const keys = [
      keyOf(hello, identity),
      keyOf(hello, { ...identity, name: "azure" }),
      keyOf(hello, { ...identity, model: "gpt-5" }),
      keyOf(hello, { name: "openai" }),
      keyOf(hello, identity, { namespace: "n" }),
      keyOf(hello, identity, { headers: { tenant: "a" } }),
      keyOf({ inputs: ["Say hello."] }, identity),
      keyOf(hello, identity, { own: () => "own" }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
    expect(keyOf({ ...hello, model: "gpt-5-mini" }, identity)).toBe(keyOf(hello, identity))
    expect(keyOf(hello, identity, { own: () => undefined })).toBeUndefined()
  })

  it("is the SHA-256 that Node computes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        expect(sha256(text)).toBe(createHash("sha256").update(text).digest("hex"))
      }),
    )
  })
})

/** What a provider may do with one request. */
const ending = Schema.Union([
  Schema.Literals(["stop", "length", "content-filter", "pause", "other", "cut", "interrupted"]),
  Schema.Literals(errorTypes),
])

const isError = (end: typeof ending.Type): end is ErrorType => errorTypes.some((type) => type === end)

describe.each(callNames)("calls (%s) of a few questions, in any order, with any ends", (name) => {
  it.effect.prop(
    "get the answer to their own question, and a kept one only after a whole one",
    {
      calls: Schema.Array(Schema.Struct({ question: Schema.Literals([0, 1, 2]), end: ending })).check(
        Schema.isMinLength(1),
        Schema.isMaxLength(12),
      ),
    },
    ({ calls }) => {
      const now: { end: typeof ending.Type } = { end: "stop" }
      const upstream = new Upstream(({ request }) => {
        const text = [`answer to `, `${request.seed}`]
        const { end } = now
        if (end === "interrupted") return { text, delay: 10, pause: 10, stall: true }
        if (end === "cut") return { text, error: reasons.StreamInterruptedError() }
        return isError(end) ? { error: reasons[end]() } : { text, finishReason: end }
      })
      return Effect.gen(function* () {
        const kept = new Set<number>()
        for (const { end, question } of calls) {
          now.end = end
          const before = upstream.asked.length
          const call = yield* Effect.forkChild(Effect.exit(ask(name, { ...hello, seed: question })))
          yield* TestClock.adjust(100)
          if (end === "interrupted") yield* Fiber.interrupt(call)
          const exit = yield* Effect.exit(Fiber.join(call))
          expect(upstream.asked.length - before).toBe(kept.has(question) ? 0 : 1)
          if (Exit.isSuccess(exit) && Exit.isSuccess(exit.value)) {
            expect(exit.value.value.text).toBe(`answer to ${question}`)
            if (end === "stop") kept.add(question)
          }
          expect(upstream.inFlight).toBe(0)
        }
      }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
    },
  )
})
