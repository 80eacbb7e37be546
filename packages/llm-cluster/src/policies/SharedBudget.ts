/**
 * A sum of money that all processes may spend in a time. Each call holds `reserve` before it begins and pays what it cost at
 * its end, so that calls in flight pass the budget by no more than what they cost above `reserve`. A call of unknown cost
 * pays what it held; what a killed process held stays held until the time is over. One that does not fit is not made, and
 * fails with `BudgetExceededError`, whose `used` holds what calls in flight hold.
 */
import { BudgetExceededError, LlmError, OverloadedError, Policy } from "@wiseflow/llm"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redis from "effect/persistence/Redis"
import { SharedStore } from "../store/SharedStore.ts"
import { aroundShared } from "./SharedAnswer.ts"

/** How much may be spent, and in which time. */
export interface SharedBudgetOptions {
  /** What shares the budget: the same name in every process. */
  readonly key: string
  /** US dollars in `per`. */
  readonly usd: number
  /** The time for which the budget holds, counted from 1970-01-01 UTC. Default 1 day. */
  readonly per?: Duration.Input | undefined
  /** US dollars that each call holds while it runs; at least what the dearest costs keeps the budget. Default 0. */
  readonly reserve?: number | undefined
  /** How many processes share the budget: each takes its part of it while the store is away. Default 1. */
  readonly processes?: number | undefined
}

/** Takes what fits and says 1; otherwise takes nothing and says what is spent, below 0. Amounts are whole billionths of a dollar. */
const spend = Redis.script((key: string, amount: number, limit: number, ttlMs: number) => [key, amount, limit, ttlMs], {
  numberOfKeys: 1,
  lua: `
local spent = tonumber(redis.call("GET", KEYS[1]) or "0")
local amount = tonumber(ARGV[1])
local limit = tonumber(ARGV[2])
if limit >= 0 and (spent >= limit or spent + amount > limit) then
  return -spent
end
redis.call("INCRBY", KEYS[1], string.format("%.0f", amount))
redis.call("PEXPIRE", KEYS[1], ARGV[3])
return 1
`,
}).withReturnType<number>()

const unlimited = -1
const taken = 1
const billionths = (usd: number): number => Math.round(usd * 1e9)

/** What a call holds: how much, in which time, and where it is written. */
interface Held {
  readonly period: number
  readonly isLocal: boolean
}

/** One budget for all processes that name the same key. */
export const withSharedBudget = (options: SharedBudgetOptions): Policy.ServicePolicy<LlmError, SharedStore> => {
  const { processes = 1, reserve = 0, usd } = options
  if (!(usd > 0)) return Policy.refused("withSharedBudget", `usd must be above 0, not ${usd}`)
  if (!(reserve >= 0)) return Policy.refused("withSharedBudget", `reserve must be 0 or more, not ${reserve}`)
  if (!(processes > 0)) return Policy.refused("withSharedBudget", `processes must be above 0, not ${processes}`)
  const wrong = Policy.refusedDuration("withSharedBudget", { per: options.per }, "above 0 and finite")
  return wrong ?? Policy.mechanism((inner) => Effect.map(budget(options, inner), aroundShared))
}

const budget = ({ key, per = "1 day", processes = 1, reserve = 0, usd }: SharedBudgetOptions, inner: Policy.Identity) =>
  Effect.gen(function* () {
    const { access, redis, whenAway } = yield* SharedStore
    const perMs = Duration.toMillis(Duration.fromInputUnsafe(per))
    const run = redis.eval(spend)
    const own = { period: 0, spent: 0 }

    const shared = (period: number, amount: number, limit: number) =>
      access(run(`wiseflow:budget:${key}:${period}`, amount, limit, Math.ceil(2 * perMs)))

    const local = (period: number, amount: number, limit: number): number => {
      if (own.period !== period) Object.assign(own, { period, spent: 0 })
      if (limit !== unlimited && (own.spent >= limit || own.spent + amount > limit)) return -own.spent
      own.spent += amount
      return taken
    }

    const failed = (request: Policy.Asked, reason: BudgetExceededError | OverloadedError) =>
      Effect.fail(new LlmError({ reason, provider: inner.name, model: request.model ?? inner.model, attempts: [] }))

    return {
      begin: (request: Policy.Asked): Effect.Effect<Held | undefined, LlmError> => {
        // What takes no tokens costs nothing: it is let go also where nothing is left.
        if (!Policy.traitsOf(request).usesTokens) return Effect.succeed(undefined)
        return Effect.flatMap(Clock.currentTimeMillis, (nowMs) => {
          const period = Math.floor(nowMs / perMs)
          const holding = (held: Held, said: number, limitUsd: number) => {
            if (said === taken) return Effect.succeed(held)
            const reason = new BudgetExceededError({
              message: `no request made: the shared budget of ${limitUsd} USD is used up`,
              budget: key,
              unit: "usd",
              limit: limitUsd,
              used: -said / 1e9,
              reserved: 0,
              estimate: reserve,
              retryAfterMs: Math.ceil((period + 1) * perMs - nowMs),
            })
            return failed(request, reason)
          }
          return Effect.matchEffect(shared(period, billionths(reserve), billionths(usd)), {
            onSuccess: (said) => holding({ period, isLocal: false }, said, usd),
            onFailure: () => {
              if (whenAway === "refuse") {
                const message = "no request made: the shared budget does not answer"
                return failed(request, new OverloadedError({ message }))
              }
              const share = usd / processes
              return holding({ period, isLocal: true }, local(period, billionths(reserve), billionths(share)), share)
            },
          })
        })
      },
      end: (held: Held | undefined, outcome: Policy.Outcome): Effect.Effect<void> => {
        if (held === undefined) return Effect.void
        const { isLocal, period } = held
        const cost = outcome._tag === "Answered" ? (outcome.metadata.costUsd ?? reserve) : 0
        const amount = billionths(cost) - billionths(reserve)
        if (amount === 0) return Effect.void
        return isLocal
          ? Effect.sync(() => void local(period, amount, unlimited))
          : Effect.ignore(shared(period, amount, unlimited))
      },
    }
  })
