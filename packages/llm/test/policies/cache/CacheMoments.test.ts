/** A cache in rare moments: processes that delete one entry at once, streams that are closed before they begin, odd events. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import * as CacheStore from "../../../src/policies/cache/CacheStore.ts"
import { openStream } from "../../../src/policies/Policy.ts"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import * as Provider from "../../../src/call/Provider.ts"
import { ask, callNames, hello } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "cache-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true })),
)

describe("a folder of entries", () => {
  it.live("has no entry where its time is over, for each of many that find and delete it in the same moment", () =>
    Effect.gen(function* () {
      const path = yield* folder
      const nextTurn = Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
      for (let time = 0; time < 40; time++) {
        yield* CacheStore.folder(path).set("old", "text", Duration.millis(1))
        yield* Effect.sleep(3)
        // Each begins a turn later, so that some have read the entry when another deletes it.
        const gets = Array.from({ length: 12 }, (_, turns) =>
          Effect.andThen(Effect.repeat(nextTurn, { times: turns }), CacheStore.folder(path).get("old")),
        )
        const found = yield* Effect.all(gets, { concurrency: "unbounded" })
        expect(found.every(Option.isNone)).toBe(true)
        expect(readdirSync(path)).toEqual([])
      }
    }),
  )

  it.live.skipIf(process.platform !== "linux")(
    "that takes no files says so, and not that a draft of its own is missing",
    () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(CacheStore.folder("/proc/self").set("key", "text", Duration.hours(1)))
        expect(String(error)).toMatch(/\bopen\b/)
      }),
  )
})

describe("a cached stream", () => {
  it.effect("asks nobody where its scope was closed before it was opened", () => {
    const upstream = new Upstream(() => "hello")
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Effect.exit(Effect.flatten(openStream(llm.stream(hello), scope)))
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      yield* TestClock.adjust("1 minute")
      expect(upstream.asked).toHaveLength(0)
      // The question is free for the next call.
      expect((yield* ask("stream")).text).toBe("hello")
    }).pipe(Effect.provide(upstream.layer.pipe(withCache())))
  })

  it.effect("hands on an event that cannot be copied as it is, and is not kept", () => {
    const part = {
      type: "other",
      provider: "odd",
      get value(): unknown {
        throw new Error("no value")
      },
    } as const
    let asked = 0
    const odd = Provider.layer({
      name: "odd",
      model: "m",
      stream: () => {
        asked += 1
        return Stream.fromIterable<Provider.ReplyPiece>([
          { type: "part-end", index: 0, part },
          { type: "end", finishReason: "stop" },
        ])
      },
    })
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const events: Array<LlmEvent> = []
      const reading = Stream.runForEach(llm.stream(hello), (event) => Effect.sync(() => void events.push(event)))
      yield* reading
      yield* reading
      expect(events.flatMap((event) => (event.type === "part-end" ? [event.part] : []))).toEqual([part, part])
      expect(asked).toBe(2)
    }).pipe(Effect.provide(odd.pipe(withCache())))
  })
})

it.effect.each(callNames)(
  "an attempt that a call takes over from one that left takes its place at a rate: %s",
  (name) => {
    const upstream = new Upstream(() => ({ text: "hello", delay: 1000 }))
    return Effect.gen(function* () {
      const leaving = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(100)
      const staying = yield* Effect.forkChild(ask(name))
      yield* TestClock.adjust(100)
      yield* Fiber.interrupt(leaving)
      yield* TestClock.adjust(1000)
      expect((yield* Fiber.join(staying)).metadata.attempts).toHaveLength(1)
      const third = yield* Effect.forkChild(ask(name, { ...hello, seed: 7 }))
      yield* TestClock.adjust("5 minutes")
      yield* Fiber.join(third)
      // The one that left counts as sent too: both places are taken until a minute has passed.
      expect(upstream.arrivals).toEqual([0, 60_000])
    }).pipe(Effect.provide(upstream.layer.pipe(withCache(), withRateLimit({ rpm: 2 }))))
  },
)
