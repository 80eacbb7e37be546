/** What waits for the end of a call keeps nothing that only its beginning needed. */
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { endingWith } from "../../src/call/CallContext.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** A beginning that holds something large, and waits; `large` tells whether it is still held. */
const waitingFor = (answer: Deferred.Deferred<string>) => {
  const body = { text: "x".repeat(1000) }
  const large = new WeakRef(body)
  const begin = () => (body.text === "" ? Effect.succeed("") : Deferred.await(answer))
  return { begin, large }
}

describe("an effect with an end", () => {
  it.effect("lets go of its beginning while it waits, and then ends with its exit", () =>
    Effect.gen(function* () {
      const answer = yield* Deferred.make<string>()
      const ends: Array<string> = []
      const started = yield* Effect.sync(() => {
        const { begin, large } = waitingFor(answer)
        const effect = endingWith(begin, (exit) => {
          ends.push(exit._tag)
          return undefined
        })
        return { large, fiber: Effect.runFork(effect) }
      })
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      collect()
      expect(started.large.deref()).toBeUndefined()
      yield* Deferred.succeed(answer, "hello")
      expect(yield* Fiber.join(started.fiber)).toBe("hello")
      expect(ends).toEqual(["Success"])
    }),
  )

  it.effect("is a defect where it is run again", () =>
    Effect.gen(function* () {
      const effect = endingWith(
        () => Effect.succeed("once"),
        () => undefined,
      )
      expect(yield* effect).toBe("once")
      expect(String(yield* Effect.exit(effect))).toContain("an effect that runs once was run again")
    }),
  )
})
