/** A budget of money or tokens: what is reserved and used never passes it, whatever happens to the requests. */
import { describe, expect, it } from "@effect/vitest"
import * as Channel from "effect/Channel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { tagStream, tagCalls } from "../../../src/call/CallOptions.ts"
import * as Provider from "../../../src/call/Provider.ts"
import { EmbeddingProvider } from "../../../src/model/EmbeddingProvider.ts"
import type { BudgetExceededError, LlmError, LlmErrorReason } from "../../../src/model/LlmError.ts"
import { LlmProvider } from "../../../src/model/LlmProvider.ts"
import { withBatches } from "../../../src/policies/Batches.ts"
import { withCircuitBreaker } from "../../../src/policies/CircuitBreaker.ts"
import { withFallback } from "../../../src/policies/Fallback.ts"
import { withCache } from "../../../src/policies/cache/Cache.ts"
import { withBalance } from "../../../src/policies/balance/Balance.ts"
import { withHedge } from "../../../src/policies/traffic/Hedge.ts"
import { withRateLimit } from "../../../src/policies/traffic/RateLimit.ts"
import { withRetry } from "../../../src/policies/Retry.ts"
import { type BudgetOptions, withBudget } from "../../../src/policies/usage/Budget.ts"
import * as Scripted from "../../../src/testing/Scripted.ts"
import { layerEmbeddings } from "../../../src/testing/ScriptedEmbeddings.ts"
import { ask, callNames, hello, reasons } from "../Calls.ts"

/** A dollar a million tokens in, ten out: 100 output tokens cost 0.001. */
const prices = { m: { input: 1, output: 10 } }

/** A request that reserves exactly `outputTokens`, and its few input tokens. */
const asking = (maxTokens: number) => ({ ...hello, maxTokens })

/** What `hello` is estimated to read: 28 characters of text, role and all. */
const helloTokens = 4

type Say = { readonly delayMs?: number } & (
  | { readonly outputTokens: number; readonly fails?: undefined }
  | { readonly fails: LlmErrorReason }
  | { readonly dies: true }
)

/** A priced provider that does what `say` says, counting what it was asked. */
const pricedBy = (say: (index: number) => Say, name = "priced") => {
  const asked = { count: 0 }
  const replyOf = (): Effect.Effect<Provider.Reply, LlmErrorReason> =>
    Effect.suspend(() => {
      const said = say(asked.count)
      asked.count += 1
      const reply: Effect.Effect<Provider.Reply, LlmErrorReason> =
        "dies" in said
          ? Effect.die("a bug")
          : said.fails !== undefined
            ? Effect.fail(said.fails)
            : Effect.succeed({
                parts: [{ type: "text", text: "hello" }],
                finishReason: "stop",
                usage: { inputTokens: 0, outputTokens: said.outputTokens },
              })
      return said.delayMs === undefined ? reply : Effect.andThen(Effect.sleep(said.delayMs), reply)
    })
  return { asked, layer: Provider.layer({ name, model: "m", prices, generate: replyOf }) }
}

const reasonOf = (exit: Exit.Exit<unknown, LlmError>): LlmErrorReason | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  const [first] = exit.cause.reasons
  return first?._tag === "Fail" ? first.error.reason : undefined
}

const refused = (exit: Exit.Exit<unknown, LlmError>): BudgetExceededError => {
  const reason = reasonOf(exit)
  if (reason?._tag !== "BudgetExceededError") throw new Error(`not refused: ${reason?._tag ?? "answered"}`)
  return reason
}

describe.each(callNames)("a budget around %s", (name) => {
  it.effect("refuses the request that would pass it, before anything is sent, and says what is left", () => {
    const { asked, layer } = pricedBy(() => ({ outputTokens: 100 }))
    return Effect.gen(function* () {
      yield* ask(name, asking(100))
      const exit = yield* Effect.exit(ask(name, asking(100)))
      const reason = refused(exit)
      expect(asked.count).toBe(1)
      expect(reason).toMatchObject({ budget: "budget", unit: "usd", limit: 0.0015, used: 0.001, reserved: 0 })
      expect(reason.estimate).toBeGreaterThan(0.001)
      expect(reason.retryAfterMs).toBeUndefined()
      const error = yield* Effect.flip(ask(name, asking(100)))
      expect(error.attempts).toMatchObject([{ provider: "priced", model: "m", errorType: "BudgetExceededError" }])
      expect(error.isRetryable).toBe(false)
      // A smaller one fits.
      yield* ask(name, asking(40))
      expect(asked.count).toBe(2)
    }).pipe(Effect.provide(layer.pipe(withBudget({ usd: 0.0015 }))))
  })

  it.effect("gives back what an answer did not use, and counts tokens as it counts money", () => {
    const { asked, layer } = pricedBy(() => ({ outputTokens: 10 }))
    return Effect.gen(function* () {
      // 80 are reserved each time, and 10 of them used: the fifth finds only 74 left.
      for (let call = 0; call < 4; call++) yield* ask(name, asking(80))
      const reason = refused(yield* Effect.exit(ask(name, asking(80))))
      expect([asked.count, reason.unit, reason.used, reason.estimate]).toEqual([4, "tokens", 40, 80 + helloTokens])
    }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 110 + helloTokens, usd: 10 }))))
  })

  it.effect("charges retries, and nothing for requests that failed before any output", () => {
    const { asked, layer } = pricedBy((index) =>
      index < 2
        ? { fails: reasons.ServerError() }
        : index === 2
          ? { fails: reasons.TimeoutError() }
          : { outputTokens: 100 },
    )
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.exit(ask(name, asking(100))))
      yield* TestClock.adjust("5 minutes")
      expect(Exit.isSuccess(yield* Fiber.join(fiber))).toBe(true)
      expect(asked.count).toBe(4)
      // The time-out may have been answered: it paid its estimate, the answer what it used.
      const reason = refused(yield* Effect.exit(ask(name, asking(1000))))
      expect([reason.used >= 200, reason.used < 220, reason.reserved]).toEqual([true, true, 0])
    }).pipe(Effect.provide(layer.pipe(withRetry({ times: 5 }), withBudget({ tokens: 1000 }))))
  })

  it.effect("lets a cheaper target answer where this one has no room, and opens no circuit", () => {
    const dear = pricedBy(() => ({ outputTokens: 1 }), "dear")
    const cheap = Provider.layer({
      name: "cheap",
      model: "m",
      prices: { m: { input: 0, output: 0 } },
      generate: () => Effect.succeed({ parts: [{ type: "text", text: "cheap" }], finishReason: "stop", usage: {} }),
    })
    const stack = dear.layer.pipe(
      withRetry({ times: 2 }),
      withCircuitBreaker({ failures: 1 }),
      withFallback(cheap),
      withBudget({ usd: 0.0001 }),
    )
    return Effect.gen(function* () {
      for (let call = 0; call < 3; call++) {
        const { metadata, text } = yield* ask(name, asking(100))
        expect([text, metadata.attempts.map(({ errorType }) => errorType)]).toEqual([
          "cheap",
          ["BudgetExceededError", undefined],
        ])
      }
      expect(dear.asked.count).toBe(0)
    }).pipe(Effect.provide(stack))
  })

  it.effect("says nothing against a deployment, and takes no turn of a rate, where it has no room", () => {
    const first = pricedBy(() => ({ outputTokens: 100 }), "first")
    const other = pricedBy(() => ({ outputTokens: 100 }), "other")
    const budgeted = first.layer.pipe(withRateLimit({ rpm: 2 }), withBudget({ tokens: 250, tag: "user", per: "1 day" }))
    const stack = withBalance(
      [
        { name: "first", layer: budgeted, weight: 1_000_000 },
        { name: "other", layer: other.layer },
      ],
      { strategy: "weighted", failures: 1 },
    )
    return Effect.gen(function* () {
      const as = (user: string, maxTokens: number) => tagCalls({ user })(ask(name, asking(maxTokens)))
      yield* as("a", 100)
      // Refused there, with the time to wait; the other deployment answers.
      const { attempts } = (yield* as("a", 200)).metadata
      expect(attempts.map(({ errorType, provider }) => [provider, errorType])).toEqual([
        ["first", "BudgetExceededError"],
        ["other", undefined],
      ])
      // The clock stands still: neither a pause nor a third turn would let this one go.
      yield* as("b", 100)
      expect([first.asked.count, other.asked.count]).toEqual([2, 1])
    }).pipe(Effect.provide(stack))
  })

  it.effect("pays nothing for an answer from the cache, also once nothing is left", () => {
    const { asked, layer } = pricedBy(() => ({ outputTokens: 100 }))
    return Effect.gen(function* () {
      yield* ask(name, asking(100))
      refused(yield* Effect.exit(ask(name, { ...asking(100), seed: 1 })))
      expect((yield* ask(name, asking(100))).text).toBe("hello")
      expect(asked.count).toBe(1)
    }).pipe(Effect.provide(layer.pipe(withCache(), withBudget({ tokens: 150 }))))
  })

  it.effect("has room for a second request where the first is slow, or none is sent", () =>
    Effect.gen(function* () {
      for (const [tokens, sent] of [
        [150, 2],
        [250, 3],
      ] as const) {
        const { asked, layer } = pricedBy((index) =>
          index === 0 ? { outputTokens: 0 } : { outputTokens: 100, delayMs: 5000 },
        )
        const stack = layer.pipe(withHedge({ after: "1 second", maxRequests: 1 }), withBudget({ tokens }))
        // The first answer earns a second request for the next.
        const both = Effect.andThen(ask(name, asking(100)), ask(name, asking(100)))
        const fiber = yield* Effect.forkChild(Effect.provide(both, stack))
        yield* TestClock.adjust("1 minute")
        expect((yield* Fiber.join(fiber)).text).toBe("hello")
        expect(asked.count).toBe(sent)
      }
    }),
  )

  it.effect("keeps the budgets of a tag's values apart, and that of calls without the tag", () => {
    const { asked, layer } = pricedBy(() => ({ outputTokens: 100 }))
    return Effect.gen(function* () {
      const as = (user: string) => Effect.exit(tagCalls({ user, team: "search" })(ask(name, asking(100))))
      expect([(yield* as("a"))._tag, (yield* as("b"))._tag]).toEqual(["Success", "Success"])
      expect(refused(yield* as("a"))).toMatchObject({ budget: "per user", tag: { name: "user", value: "a" } })
      yield* ask(name, asking(100))
      expect(refused(yield* Effect.exit(ask(name, asking(100))))).toMatchObject({ tag: { name: "user" } })
      expect(asked.count).toBe(3)
    }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 150, tag: "user", name: "per user" }))))
  })

  it.effect("shares one budget among the values of a tag beyond the first thousand", () => {
    const { asked, layer } = pricedBy(() => ({ outputTokens: 100 }))
    return Effect.gen(function* () {
      const as = (user: number) => Effect.exit(tagCalls({ user: `u${user}` })(ask(name, asking(100))))
      for (let user = 0; user < 1000; user++) yield* as(user)
      expect((yield* as(1000))._tag).toBe("Success")
      expect(refused(yield* as(1001)).tag).toEqual({ name: "user", value: "u1001" })
      expect(asked.count).toBe(1001)
    }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 150, tag: "user" }))))
  })

  it.effect("forgets none of a thousand values whose requests are under way and reserved nothing", () => {
    const told = Provider.layer({
      name: "own",
      model: "m",
      prices: { p: { input: 1, output: 10 } },
      generate: () =>
        Effect.delay(
          Effect.succeed({ parts: [], finishReason: "stop" as const, usage: {}, billing: { costUsd: 1 } }),
          1000,
        ),
    })
    const options = { usd: 1, tag: "user", unpriced: "allow" } as const
    return Effect.gen(function* () {
      const as = (user: number) => Effect.exit(tagCalls({ user: `u${user}` })(ask(name)))
      const users = Array.from({ length: 1001 }, (_, user) => user)
      const calls = yield* Effect.forkChild(Effect.forEach(users, as, { concurrency: "unbounded" }))
      yield* TestClock.adjust(1000)
      yield* Fiber.join(calls)
      const priced = { ...asking(1), model: "p" }
      const again = yield* Effect.forkChild(Effect.exit(tagCalls({ user: "u0" })(ask(name, priced))))
      yield* TestClock.adjust(1000)
      expect(refused(yield* Fiber.join(again))).toMatchObject({ used: 1, tag: { value: "u0" } })
    }).pipe(Effect.provide(told.pipe(withBudget(options))))
  })

  it.effect("frees what was used once its time is over, and says when", () => {
    const { layer } = pricedBy(() => ({ outputTokens: 100 }))
    return Effect.gen(function* () {
      yield* ask(name, asking(100))
      yield* TestClock.adjust("10 minutes")
      const error = yield* Effect.flip(ask(name, asking(100)))
      const waitMs = Duration.toMillis(error.retryAfter ?? Duration.zero)
      // An hour after it was used, and up to a hundredth of that later.
      expect([waitMs >= 50 * 60_000, waitMs <= 50 * 60_000 + 36_000, error.isRetryable]).toEqual([true, true, true])
      yield* TestClock.adjust(waitMs - 1)
      refused(yield* Effect.exit(ask(name, asking(100))))
      yield* TestClock.adjust(1)
      yield* ask(name, asking(100))
    }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 150, per: "1 hour" }))))
  })

  it.effect("refuses a request whose price is not known, unless it is told to allow it", () =>
    Effect.gen(function* () {
      const unpriced = Scripted.layer(["one", "two"], { name: "free", model: "x" })
      const error = yield* Effect.flip(Effect.provide(ask(name), unpriced.pipe(withBudget({ usd: 1 }))))
      expect(error.message).toContain("the price of free/x is not known")
      const allowed = unpriced.pipe(withBudget({ usd: 1, unpriced: "allow" }))
      expect((yield* Effect.provide(ask(name), allowed)).text).toBe("one")
    }),
  )

  it.effect("takes a price function that throws for a price that is not known", () =>
    Effect.gen(function* () {
      const broken = Provider.layer({
        name: "own",
        model: "m",
        prices: () => {
          throw new Error("a bug")
        },
        generate: () => Effect.die("never asked"),
      })
      const error = yield* Effect.flip(Effect.provide(ask(name), broken.pipe(withBudget({ usd: 1 }))))
      expect(error.message).toContain("the price of own/m is not known")
    }),
  )

  it.effect("counts what a service says an answer cost, where nothing was known before", () => {
    const told = Provider.layer({
      name: "own",
      model: "m",
      generate: () =>
        Effect.succeed({ parts: [], finishReason: "stop", usage: { inputTokens: 1 }, billing: { costUsd: 0.6 } }),
    })
    return Effect.gen(function* () {
      yield* ask(name)
      yield* ask(name)
      // Nothing is reserved for it, so it is let go; what is used is known all the same.
      const limited = yield* Effect.exit(Effect.provide(ask(name), told.pipe(withBudget({ usd: 1 }))))
      expect(refused(limited).used).toBe(0)
    }).pipe(Effect.provide(told.pipe(withBudget({ usd: 1, unpriced: "allow" }))))
  })
})

/** How one of many calls goes. */
const Fate = Schema.Struct({
  ends: Schema.Literals(["answers", "fails", "times out", "dies", "is aborted", "is dropped"]),
  outputTokens: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100 })),
  delayMs: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })),
  isStream: Schema.Boolean,
})

const manyAtOnce = (fates: ReadonlyArray<typeof Fate.Type>, calls: number, options: BudgetOptions) => {
  const now = { used: 0, reserved: 0, most: 0, sent: 0 }
  // The provider keeps account itself: what is in flight may come to 100 output tokens each, and what is done came to this.
  const sayOf = (request: { readonly user?: string | undefined }) => fates[Number(request.user) % fates.length]
  const note = () => {
    now.most = Math.max(now.most, now.used + now.reserved)
  }
  const layer = Provider.layer({
    name: "own",
    model: "m",
    prices: { m: { input: 0, output: 10 } },
    stream: (request) => {
      const fate = sayOf(request)
      if (fate === undefined) return Stream.die("no fate")
      now.sent += 1
      now.reserved += 100
      note()
      let isOpen = true
      const done = (used: number) => {
        if (!isOpen) return
        isOpen = false
        now.reserved -= 100
        now.used += used
      }
      const end: Stream.Stream<Provider.ReplyPiece, LlmErrorReason> =
        fate.ends === "fails"
          ? Stream.fail(reasons.ServerError())
          : fate.ends === "times out"
            ? Stream.fail(reasons.TimeoutError())
            : fate.ends === "dies"
              ? Stream.die("a bug")
              : fate.ends === "answers"
                ? Stream.make<ReadonlyArray<Provider.ReplyPiece>>(
                    { type: "text-delta", index: 0, delta: "a" },
                    { type: "end", finishReason: "stop", usage: { inputTokens: 0, outputTokens: fate.outputTokens } },
                  )
                : Stream.concat(
                    Stream.make<ReadonlyArray<Provider.ReplyPiece>>({ type: "text-delta", index: 0, delta: "a" }),
                    Stream.never,
                  )
      const reply = Stream.concat(Stream.fromEffectDrain(Effect.sleep(fate.delayMs)), end)
      // What the budget cannot know of is the whole estimate.
      return Stream.ensuring(
        reply,
        Effect.sync(() => done(fate.ends === "answers" ? fate.outputTokens : fate.ends === "fails" ? 0 : 100)),
      )
    },
  }).pipe(withBudget(options))
  const one = (index: number) => {
    const fate = fates[index % fates.length]
    const request = { ...asking(100), user: String(index) }
    const call =
      fate?.isStream === true || fate?.ends === "is dropped"
        ? Effect.flatMap(LlmProvider, (llm) =>
            Stream.runDrain(
              fate.ends === "is dropped"
                ? Stream.takeUntil(llm.stream(request), (event) => event.type === "text-delta")
                : llm.stream(request),
            ),
          )
        : ask("generate", request)
    return fate?.ends === "is aborted" ? Effect.timeoutOption(call, 5000) : call
  }
  return Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.provide(
        Effect.gen(function* () {
          const exits = yield* Effect.forEach(
            Array.from({ length: calls }, (_, index) => index),
            (index) => Effect.exit(one(index)),
            {
              concurrency: "unbounded",
            },
          )
          // Everything has ended: what is reserved now would never be given back.
          const last = yield* Effect.flip(ask("generate", { ...asking(1_000_000), user: "0" }))
          return { exits, last }
        }),
        layer,
      ),
    )
    yield* TestClock.adjust("1 minute")
    return { now, ...(yield* Fiber.join(fiber)) }
  })
}

describe("many calls at once", () => {
  it.effect.prop(
    "never pass the budget, and leave nothing reserved, however they end",
    { fates: Schema.Array(Fate).check(Schema.isMinLength(1), Schema.isMaxLength(12)) },
    ({ fates }) =>
      Effect.gen(function* () {
        // Output only is priced: 100 tokens are 0.001 dollars, and ten of those fit.
        const { exits, last, now } = yield* manyAtOnce(fates, 60, { usd: 0.01 })
        expect(now.most).toBeLessThanOrEqual(1000)
        expect(last.reason).toMatchObject({ _tag: "BudgetExceededError", reserved: 0 })
        expect(last.reason._tag === "BudgetExceededError" ? Math.round(last.reason.used * 1e5) : -1).toBe(now.used)
        const sent = exits.filter((exit) => reasonOf(exit)?._tag !== "BudgetExceededError").length
        expect(sent).toBe(now.sent)
      }),
  )

  it.effect("a thousand of them let as many go as fit, and no more", () =>
    Effect.gen(function* () {
      const fates = [
        { ends: "answers", outputTokens: 100, delayMs: 10, isStream: true },
        { ends: "answers", outputTokens: 100, delayMs: 20, isStream: false },
      ] as const
      const { last, now } = yield* manyAtOnce(fates, 1000, { usd: 0.25 })
      expect([now.sent, now.most, now.used]).toEqual([250, 25_000, 25_000])
      expect(last.reason).toMatchObject({ used: 0.25, reserved: 0, limit: 0.25 })
    }),
  )
})

describe("a budget around embeddings", () => {
  it.effect("reserves the texts of each request alone, and counts what they took", () => {
    const embeddings = layerEmbeddings(undefined, { name: "embedder", model: "e" })
    const stack = embeddings.pipe(withBatches({ limits: { inputs: 1 } }), withBudget({ tokens: 30 }))
    return Effect.gen(function* () {
      const provider = yield* EmbeddingProvider
      yield* provider.embed({ inputs: ["a text of twenty-four c.", "b"] })
      const exit = yield* Effect.exit(provider.embed({ inputs: ["x".repeat(120)] }))
      expect(refused(exit)).toMatchObject({ unit: "tokens", limit: 30, reserved: 0 })
      expect(embeddings.requests).toHaveLength(2)
    }).pipe(Effect.provide(stack))
  })
})

describe("tags", () => {
  it.effect("that are too many, too long or no texts fail before anything runs", () =>
    Effect.gen(function* () {
      const untyped: any = { team: 7 }
      const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`t${index}`, ""]))
      const wrong: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [untyped, 'tags["team"]'],
        [many, "tags"],
        [{ team: "x".repeat(257) }, 'tags["team"]'],
        [{ ["n".repeat(65)]: "" }, `tags["${"n".repeat(64)}"]`],
        [{ "": "x" }, 'tags[""]'],
      ]
      for (const [tags, parameter] of wrong) {
        for (const run of [tagCalls(tags)(Effect.die("ran")), Stream.runDrain(tagStream(tags)(Stream.die("ran")))]) {
          expect((yield* Effect.flip(run)).reason).toMatchObject({ _tag: "InvalidRequestError", parameter })
        }
      }
    }),
  )
})

it.effect("a stream that is closed elsewhere than it was opened is paid for by the clock of its call", () => {
  const layer = Provider.layer({
    name: "own",
    model: "m",
    stream: () => Stream.concat(Stream.succeed({ type: "text-delta" as const, index: 0, delta: "a" }), Stream.never),
  })
  return Effect.gen(function* () {
    const llm = yield* LlmProvider
    const scope = yield* Scope.make()
    const opened = yield* Effect.forkChild(Channel.toPullScoped(llm.stream(asking(100)).channel, scope))
    const pull = yield* Fiber.join(opened)
    yield* pull
    yield* TestClock.adjust("1 hour")
    yield* Scope.close(scope, Exit.void)
    const waitMs = (yield* Effect.flip(ask("stream", asking(100)))).retryAfter
    expect(Math.round(Duration.toMinutes(waitMs ?? Duration.zero))).toBe(61)
  }).pipe(Effect.provide(layer.pipe(withBudget({ tokens: 150, per: "1 hour" }))))
})
