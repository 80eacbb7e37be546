/** What is held around an answer: told once of its beginning, its first output and its end, whatever becomes of it. */
import { describe, expect, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { joinStream } from "../../../src/call/CallContext.ts"
import { CallOptions } from "../../../src/call/CallOptions.ts"
import { LlmError } from "../../../src/model/LlmError.ts"
import type { LlmEvent } from "../../../src/model/LlmEvent.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import * as Policy from "../../../src/policies/Policy.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"
import { Upstream } from "../Upstream.ts"

const refused = new LlmError({ reason: reasons.CircuitOpenError(), provider: "p", attempts: [] })

/** A policy that notes what it is told; it refuses where `refuses` says so. */
const noting = (own: Partial<Policy.Holding<string>> = {}) => {
  const told: Array<string> = []
  const policy = Policy.mechanism(() =>
    Effect.succeed(
      Policy.aroundAnswer<string>({
        begin: (_context, _request, _fiber, isStream) => {
          told.push(isStream ? "stream begins" : "answer begins")
          return Result.succeed("held")
        },
        end: (held, outcome) => {
          told.push(`${held} ${outcome._tag}`)
          return undefined
        },
        ...own,
      }),
    ),
  )
  return { policy, told }
}

const piece = (delta: string): LlmEvent => ({ type: "text-delta", index: 0, delta })

/** A provider whose stream brings these reads. */
const bringing = (...reads: ReadonlyArray<readonly [LlmEvent, ...ReadonlyArray<LlmEvent>]>) =>
  Layer.succeed(LlmProvider, {
    name: "p",
    generate: () => Effect.never,
    stream: () => Stream.flatMap(Stream.fromIterable(reads), (events) => Stream.fromArray(events)),
  })

describe.each(callNames)("what is held around %s", (name) => {
  it.effect("knows which of the two it is, and that it was answered", () => {
    const { policy, told } = noting()
    return Effect.gen(function* () {
      yield* ask(name)
      expect(told).toEqual([name === "stream" ? "stream begins" : "answer begins", "held Answered"])
    }).pipe(Effect.provide(policy(new Upstream(() => "hello").layer)))
  })

  it.effect("says at DEBUG what it refuses, and of what type the error is", () => {
    const lines: Array<unknown> = []
    const logger = Logger.make(({ logLevel, message }) => lines.push([logLevel, message]))
    const { policy } = noting({ begin: () => Result.fail(refused) })
    return Effect.gen(function* () {
      expect(yield* Effect.flip(ask(name))).toBe(refused)
      expect(lines).toEqual([["Debug", [refused.message, { errorType: "CircuitOpenError" }]]])
    }).pipe(
      Effect.provide(policy(new Upstream(() => "hello").layer)),
      Effect.provide(Logger.layer([logger])),
      Effect.provideService(References.MinimumLogLevel, "Debug"),
    )
  })
})

describe("what is held around a stream", () => {
  it.effect("is told of the first output once, also where it comes in one read with what is none", () => {
    const outputs: Array<string> = []
    const { policy } = noting({ output: (held) => void outputs.push(held) })
    const reads = bringing([{ type: "response-start" }], [{ type: "response-start" }, piece("a")], [piece("b")])
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pull = yield* Policy.openStream(llm.stream(hello), yield* Scope.make())
      const told: Array<number> = []
      for (let read = 0; read < 3; read++) {
        yield* pull
        told.push(outputs.length)
      }
      expect(told).toEqual([0, 1, 1])
    }).pipe(Effect.provide(policy(reads)))
  })

  it.effect("is told of each read with all that it brought, and of no output apart from that", () => {
    const reads: Array<string> = []
    const { policy } = noting({
      pieces: (held, events) => void reads.push(`${held}: ${events.map(({ type }) => type).join(" ")}`),
      output: () => void reads.push("output"),
    })
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      yield* Stream.runDrain(llm.stream(hello))
      expect(reads).toEqual(["held: response-start text-delta", "held: text-delta"])
    }).pipe(Effect.provide(policy(bringing([{ type: "response-start" }, piece("a")], [piece("b")]))))
  })

  it.effect("surrounds the opening and each read", () => {
    let surrounded = 0
    const { policy } = noting({
      inside: (effect) =>
        Effect.suspend(() => {
          surrounded += 1
          return effect
        }),
    })
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const pull = yield* Policy.openStream(llm.stream(hello), yield* Scope.make())
      expect(surrounded).toBe(1)
      yield* pull
      yield* pull
      expect(surrounded).toBe(3)
    }).pipe(Effect.provide(policy(bringing([piece("a")], [piece("b")]))))
  })

  it.effect("is handed down also where that is done in a fiber of its own", () => {
    const headers: Array<unknown> = []
    const { policy } = noting({
      inside: (effect) =>
        Effect.timeoutOrElse(Effect.provideService(effect, CallOptions, { headers: { a: "b" } }), {
          duration: "5 seconds",
          orElse: () => Effect.never,
        }),
    })
    const within = Policy.mechanism(() =>
      Effect.succeed(
        Policy.aroundStart((begin, _context, _request, fiber) => {
          headers.push(fiber.getRef(CallOptions).headers)
          return begin
        }),
      ),
    )
    return Effect.gen(function* () {
      yield* ask("generate")
      yield* ask("stream")
      expect(headers).toEqual([{ a: "b" }, { a: "b" }])
    }).pipe(Effect.provide(policy(within(new Upstream(() => "hello").layer))))
  })

  it.effect("ends as failed where what is inside refuses the answer", () => {
    const { policy, told } = noting({ inside: () => Effect.fail(refused) })
    return Effect.gen(function* () {
      for (const name of callNames) expect(yield* Effect.flip(ask(name))).toBe(refused)
      expect(told).toEqual(["answer begins", "held Failed", "stream begins", "held Failed"])
    }).pipe(Effect.provide(policy(new Upstream(() => "hello").layer)))
  })

  it.effect("does not begin where the stream's scope is closed already", () => {
    const { policy, told } = noting()
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      const scope = yield* Scope.make()
      yield* Scope.close(scope, Exit.void)
      const pull = Policy.openStream(llm.stream(hello), scope)
      const exit = yield* Effect.exit(Effect.flatten(pull))
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect(told).toEqual([])
    }).pipe(Effect.provide(policy(new Upstream(() => "hello").layer)))
  })

  it.effect.each([
    { tag: "Failed", opening: () => Effect.fail(refused) },
    { tag: "Died", opening: () => Effect.die(new Error("a bug")) },
    {
      tag: "Died",
      opening: () => {
        throw new Error("a bug")
      },
    },
  ])("is told, at each policy and once, of a stream that cannot be opened ($tag: $opening)", ({ opening, tag }) => {
    const outer = noting()
    const inner = noting()
    const provider = Layer.succeed(LlmProvider, {
      name: "p",
      generate: () => Effect.never,
      stream: () => joinStream(opening),
    })
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      expect(Exit.isFailure(yield* Effect.exit(Stream.runDrain(llm.stream(hello))))).toBe(true)
      expect([outer.told, inner.told]).toEqual([
        ["stream begins", `held ${tag}`],
        ["stream begins", `held ${tag}`],
      ])
    }).pipe(Effect.provide(outer.policy(inner.policy(provider))))
  })

  it.effect("is told that a policy within died that throws where it should make a stream", () => {
    const { policy, told } = noting()
    const throwing = Policy.mechanism(() =>
      Effect.succeed({
        effect: (request, run) => run(request),
        stream: () => {
          throw new Error("a bug")
        },
      }),
    )
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      expect(Exit.isFailure(yield* Effect.exit(Stream.runDrain(llm.stream(hello))))).toBe(true)
      expect(told).toEqual(["stream begins", "held Died"])
    }).pipe(Effect.provide(policy(throwing(new Upstream(() => "hello").layer))))
  })

  it.effect("ends once, with the last event of an answer, and not again when its scope closes", () => {
    const { policy, told } = noting()
    return Effect.gen(function* () {
      const llm = yield* LlmProvider
      yield* Effect.scoped(Stream.runDrain(llm.stream(hello)))
      expect(told).toEqual(["stream begins", "held Answered"])
    }).pipe(Effect.provide(policy(new Upstream(() => "hello").layer)))
  })
})
