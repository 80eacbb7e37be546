/** What the stack fills in, and what it leaves alone. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withDefaults } from "../../src/policies/Defaults.ts"
import { withFallback } from "../../src/policies/Fallback.ts"
import * as Scripted from "../../src/testing/Scripted.ts"
import { ask, callNames, hello, reasons } from "./Calls.ts"

describe.each(callNames)("defaults of %s", (name) => {
  it.effect("fill in what a request leaves open; the request's own always win, a zero too", () => {
    const script = Scripted.layer(["one", "two"])
    return Effect.gen(function* () {
      const first = yield* ask(name)
      const second = yield* ask(name, { ...hello, temperature: 0, maxTokens: 7 })
      expect(script.requests).toMatchObject([
        { temperature: 0.7, maxTokens: 100 },
        { temperature: 0, maxTokens: 7 },
      ])
      expect(first.metadata).toMatchObject({ temperature: 0.7, maxTokens: 100 })
      expect(second.metadata).toMatchObject({ temperature: 0, maxTokens: 7 })
    }).pipe(Effect.provide(script.pipe(withDefaults({ temperature: 0.7, maxTokens: 100 }))))
  })

  it.effect("leave a request that cannot be read to the check, which names the field", () => {
    const request = {
      ...hello,
      get temperature(): number {
        throw new Error("unreadable")
      },
    }
    return Effect.gen(function* () {
      const { reason } = yield* Effect.flip(ask(name, request))
      expect(reason).toMatchObject({ _tag: "InvalidRequestError", parameter: "temperature" })
    }).pipe(Effect.provide(Scripted.layer(["one"]).pipe(withDefaults({ temperature: 0.7 }))))
  })

  it.effect("add nothing where there are none, and change nothing else", () => {
    const script = Scripted.layer(["one"])
    const request = { ...hello, model: "m", stop: ["."], providerOptions: { openai: { service_tier: "flex" } } }
    return Effect.gen(function* () {
      yield* ask(name, request)
      expect(script.requests).toEqual([request])
    }).pipe(Effect.provide(script.pipe(withDefaults({ temperature: undefined, maxTokens: undefined }))))
  })

  it.effect.each([
    [{ temperature: 0.7 }, [0.7, undefined]],
    [{ maxTokens: 100 }, [undefined, 100]],
  ] as const)("fill in %j alone", ([defaults, expected]) => {
    const script = Scripted.layer(["one"])
    return Effect.gen(function* () {
      yield* ask(name)
      expect([script.requests[0]?.temperature, script.requests[0]?.maxTokens]).toEqual(expected)
    }).pipe(Effect.provide(script.pipe(withDefaults(defaults))))
  })

  it.effect("reach every target of a fallback", () => {
    const first = Scripted.layer([{ error: reasons.ServerError() }])
    const second = Scripted.layer(["hello"])
    return Effect.gen(function* () {
      yield* ask(name)
      expect([first.requests[0]?.maxTokens, second.requests[0]?.maxTokens]).toEqual([100, 100])
    }).pipe(Effect.provide(first.pipe(withFallback(second), withDefaults({ temperature: undefined, maxTokens: 100 }))))
  })
})
