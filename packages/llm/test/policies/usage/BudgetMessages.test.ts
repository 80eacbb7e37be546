/** What a person reads of a budget: what is wrong with its options, and why a request was not made. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { tagCalls } from "../../../src/call/CallOptions.ts"
import * as Provider from "../../../src/call/Provider.ts"
import type { BudgetExceededError } from "../../../src/model/LlmError.ts"
import { type BudgetOptions, budgetProblem, withBudget } from "../../../src/policies/usage/Budget.ts"
import { ask, callNames, hello } from "../Calls.ts"

const untyped = (value: unknown): any => value

describe("options of a budget", () => {
  it.each<BudgetOptions>([
    { usd: 0.001 },
    { tokens: 1 },
    {
      usd: 1,
      tokens: 5,
      per: 1,
      tag: "t",
      name: "x".repeat(256),
      outputTokens: 1,
      unpriced: "allow",
    },
    { usd: 1, per: "1 day", unpriced: "refuse" },
  ])("%j are right", (options) => {
    expect(budgetProblem(options)).toBeUndefined()
  })

  it.each<readonly [unknown, string]>([
    [7, "it is not a plain object: write for example { usd: 10 }"],
    [null, "it is not a plain object"],
    [{ usd: 1, token: 5 }, "token"],
    [{}, "it needs usd or tokens"],
    [{ per: "1 day" }, "it needs usd or tokens"],
    [{ usd: 0 }, "usd must be a number above 0, not 0"],
    [{ usd: Number.POSITIVE_INFINITY }, "usd must be a number above 0, not Infinity"],
    [{ usd: "1" }, "usd must be a number above 0"],
    [{ tokens: 0.9 }, "tokens must be a number, 1 or more, not 0.9"],
    [{ tokens: Number.POSITIVE_INFINITY }, "tokens must be a number, 1 or more, not Infinity"],
    [{ usd: 1, outputTokens: 0 }, "outputTokens must be a number, 1 or more, not 0"],
    [{ usd: 1, per: 0 }, 'per must be a duration, above 0, not 0: write for example "10 seconds", or milliseconds'],
    [{ usd: 1, per: "a day" }, "per must be a duration, above 0, not "],
    [{ usd: 1, name: "" }, "name must be a text of 1 to 256 characters"],
    [{ usd: 1, name: "x".repeat(257) }, "name must be a text of 1 to 256 characters"],
    [{ usd: 1, tag: ["a"] }, "tag must be a text of 1 to 256 characters"],
    [{ usd: 1, tag: 7 }, "tag must be a text of 1 to 256 characters"],
    [{ usd: 1, unpriced: "maybe" }, 'unpriced must be "allow" or "refuse"'],
  ])("%j: %s", (options, problem) => {
    expect(budgetProblem(untyped(options))).toContain(problem)
  })
})

/** Each answer takes 100 output tokens, a dollar a million tokens in and ten out. */
const layer = Provider.layer({
  name: "own",
  model: "m",
  prices: { m: { input: 1, output: 10 } },
  generate: () => Effect.succeed({ parts: [], finishReason: "stop", usage: { inputTokens: 0, outputTokens: 100 } }),
})

/** The second of two calls, each of which reserves 100 tokens of output and four of input. */
const refusal = (name: (typeof callNames)[number], options: BudgetOptions, tags: Record<string, string> = {}) =>
  Effect.gen(function* () {
    const asked = tagCalls(tags)(ask(name, { ...hello, maxTokens: 100 }))
    yield* Effect.exit(asked)
    const { message, reason } = yield* Effect.flip(asked)
    return { message, reason: reason as BudgetExceededError }
  }).pipe(Effect.provide(layer.pipe(withBudget(options))))

describe.each(callNames)("a request (%s) that is not made", (name) => {
  it.effect("says what it may take, of which budget, and what of it is used", () =>
    Effect.gen(function* () {
      const tokens = yield* refusal(name, { tokens: 150 })
      expect(tokens.message).toContain(
        "no request made: it may take 104 tokens, and of the 150 tokens of the budget 100 are used and 0 reserved",
      )
      expect(tokens.reason).toMatchObject({
        budget: "budget",
        unit: "tokens",
        limit: 150,
        used: 100,
        reserved: 0,
        estimate: 104,
      })
      expect(tokens.reason.tag).toBeUndefined()
      const usd = yield* refusal(name, { usd: 0.0015, name: "day" })
      expect(usd.message).toContain(
        'it may take 0.001004 USD, and of the 0.0015 USD of the budget "day" 0.001 are used and 0 reserved',
      )
      expect(usd.reason).toMatchObject({ budget: "day", unit: "usd", estimate: 0.001004 })
    }),
  )

  it.effect("says of which value of a tag the budget is, or that the call has none", () =>
    Effect.gen(function* () {
      const tagged = yield* refusal(name, { tokens: 150, tag: "user" }, { user: 'a"b' })
      expect(tagged.message).toContain('of the budget of user "a\\"b" 100 are used')
      expect(tagged.reason).toMatchObject({ budget: "user", tag: { name: "user", value: 'a"b' } })
      const untagged = yield* refusal(name, { tokens: 150, tag: "user", name: "day" })
      expect(untagged.message).toContain('of the budget "day" of calls without the tag user 100 are used')
      expect(untagged.reason).toMatchObject({ budget: "day", tag: { name: "user" } })
    }),
  )

  it.effect("says that its price is not known, of which model, and what to write", () =>
    Effect.gen(function* () {
      const unpriced = (model: string | undefined) =>
        Provider.layer({
          name: "free",
          ...(model === undefined ? {} : { model }),
          generate: () => Effect.succeed({ parts: [], finishReason: "stop" }),
        })
      const failure = (model: string | undefined) =>
        Effect.flip(Effect.provide(ask(name), unpriced(model).pipe(withBudget({ usd: 2, name: "day" }))))
      const { message, reason } = yield* failure("x")
      for (const words of ['the budget "day" counts dollars', "the price of free/x is not known", "give prices"])
        expect(message).toContain(words)
      expect(message).toContain('unpriced: "allow"')
      expect(reason).toMatchObject({ budget: "day", unit: "usd", limit: 2, used: 0, reserved: 0 })
      expect(reason).not.toHaveProperty("estimate")
      expect((yield* failure(undefined)).message).toContain("the price of free is not known")
    }),
  )

  it.effect("says that it may take any sum, where the price is not known and all is used", () =>
    Effect.gen(function* () {
      const told = Provider.layer({
        name: "own",
        model: "m",
        generate: () => Effect.succeed({ parts: [], finishReason: "stop", billing: { costUsd: 2 } }),
      })
      const { message } = yield* Effect.flip(
        Effect.provide(
          Effect.andThen(ask(name), ask(name)),
          told.pipe(withBudget({ usd: 2, tokens: 5000, unpriced: "allow" })),
        ),
      )
      expect(message).toContain("it may take any sum, and of the 2 USD of the budget 2 are used and 0 reserved")
    }),
  )
})
