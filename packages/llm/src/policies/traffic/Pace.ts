/**
 * The line before a rate limit, first come first served. The first in line goes as soon as the windows, what the service
 * said is left, and a wait that it asked for allow; one timer wakes it. It counts and waits; it sends nothing.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { monotonicMs } from "../../call/Time.ts"
import { Line, type Standing } from "../../model/Line.ts"
import type { RateLimit, RateLimits } from "../../model/LlmResponse.ts"
import { longestToldMs } from "../mechanisms/Judgement.ts"
import { SlidingWindow, type Use } from "./SlidingWindow.ts"
import { ToldLimit } from "./ToldLimit.ts"
import { startTimer, stopTimer, type Timer } from "../../call/Timer.ts"

/** What a caller has: nothing yet, a place in the line, or the right to send. */
export interface Place {
  /** What it is expected to use. */
  readonly tokens: number
  /** Until when it can wait; monotonic milliseconds. */
  readonly endsMs: number
  /** What it took, once it may send. */
  taken?: Taken
}

/** What a request that was let go has taken. */
interface Taken {
  readonly requests: Use
  readonly tokens: Use
  readonly running: Standing<Place>
  /** The limits of which it asks whether they hold. */
  readonly probed: ReadonlyArray<ToldLimit>
}

/** A place in the line. */
interface Waiting {
  readonly place: Place
  /** Who waits: its clock is the one that counts. */
  readonly fiber: Fiber.Fiber<unknown, unknown>
  /** Lets it send, or tells it how long it would have to wait. */
  readonly wake: (waitMs: number | undefined) => void
}

/** How a request ended: what it used, its tokens only where they are known. */
export interface Ended {
  readonly requests: number
  readonly tokens: number | undefined
  /** How long the service asked to wait; 0 where it did not. */
  readonly retryAfterMs: number
  /** True where the service answered what it was asked. */
  readonly isAnswered: boolean
}

export class Pace {
  private readonly requests: SlidingWindow
  private readonly tokens: SlidingWindow
  private readonly line = new Line<Waiting>()
  private readonly running = new Line<Place>()
  private lineTokens = 0
  private toldRequests: ToldLimit | undefined
  private toldTokens: ToldLimit | undefined
  private pausedUntilMs = Number.NEGATIVE_INFINITY
  private timer: Timer | undefined

  /** The most tokens that one request can reserve. */
  readonly tokensPerMinute: number

  constructor(requestsPerMinute = Number.POSITIVE_INFINITY, tokensPerMinute = Number.POSITIVE_INFINITY) {
    this.tokensPerMinute = tokensPerMinute
    this.requests = new SlidingWindow(requestsPerMinute)
    this.tokens = new SlidingWindow(tokensPerMinute)
  }

  /**
   * Succeeds with `undefined` when the place may send, and with milliseconds where it would have to wait longer than it
   * can: at once where that is known at once.
   */
  enter(place: Place): Effect.Effect<number | undefined> {
    return Effect.withFiber((fiber) => {
      const nowMs = monotonicMs(fiber)
      if (this.line.size === 0 && this.waitMs(nowMs, place.tokens) <= 0) {
        this.take(place, nowMs)
        return Effect.succeed(undefined)
      }
      if (Number.isFinite(place.endsMs)) {
        const waitMs = this.waitMs(nowMs, this.lineTokens + place.tokens, this.line.size + 1, place.tokens)
        if (nowMs + waitMs > place.endsMs) return Effect.succeed(waitMs)
      }
      return Effect.callback<number | undefined>((resume) => {
        const standing = this.line.add({ place, fiber, wake: (waitMs) => resume(Effect.succeed(waitMs)) })
        this.lineTokens += place.tokens
        this.pump()
        return Effect.sync(() => {
          if (this.line.remove(standing)) this.lineTokens -= place.tokens
          this.pump()
        })
      })
    })
  }

  /** Milliseconds until a request of so many tokens would be sent, behind those that wait already. */
  expectedWaitMs(nowMs: number, tokens: number): number {
    return this.waitMs(nowMs, this.lineTokens + tokens, this.line.size + 1, tokens)
  }

  /** The place's request has ended: what it used, and what the service said, count before the next one goes. */
  leave(
    place: Place,
    { isAnswered, requests, retryAfterMs, tokens }: Ended,
    fiber: Fiber.Fiber<unknown, unknown>,
  ): void {
    const { taken } = place
    if (taken === undefined) return
    const nowMs = monotonicMs(fiber)
    this.running.remove(taken.running)
    if (requests === 0 && this.toldRequests !== undefined) this.toldRequests.left += 1
    if (tokens !== undefined && this.toldTokens !== undefined) this.toldTokens.left += place.tokens - tokens
    this.requests.correct(taken.requests, requests, nowMs)
    if (tokens !== undefined) this.tokens.correct(taken.tokens, tokens, nowMs)
    // An answer that came although a limit was said to be used up, and tells no other: it does not hold.
    if (isAnswered) for (const limit of taken.probed) this.forget(limit)
    if (retryAfterMs <= longestToldMs) this.pausedUntilMs = Math.max(this.pausedUntilMs, nowMs + retryAfterMs)
    else this.toldRequests = new ToldLimit(0, retryAfterMs, nowMs)
    this.pump()
  }

  /**
   * The service said what is left, with the head of the response to `place`. What others are asking at this moment may not be
   * counted in it, so it is taken off.
   */
  told({ inputTokens, outputTokens, requests, tokens }: RateLimits, place: Place, nowMs: number): void {
    const least = [tokens, inputTokens, outputTokens].reduce(fewer, undefined)
    let runningTokens = 0
    for (const other of this.running) if (other !== place) runningTokens += other.tokens
    const others = this.running.size - (place.taken !== undefined && this.running.has(place.taken.running) ? 1 : 0)
    this.toldRequests = toldBy(requests, others, nowMs) ?? this.toldRequests
    this.toldTokens = toldBy(least, runningTokens, nowMs) ?? this.toldTokens
  }

  /** Milliseconds until so much may be sent, if nothing else is. */
  private waitMs(nowMs: number, tokens: number, requests = 1, firstTokens = tokens): number {
    return Math.max(
      this.pausedUntilMs - nowMs,
      this.requests.waitMs(nowMs, requests),
      // What takes no tokens waits for none, not even where more were used than there are.
      tokens > 0 ? this.tokens.waitMs(nowMs, tokens) : 0,
      this.toldRequests?.waitMs(1, nowMs) ?? 0,
      (firstTokens > 0 ? this.toldTokens?.waitMs(firstTokens, nowMs) : undefined) ?? 0,
    )
  }

  private forget(limit: ToldLimit): void {
    if (this.toldRequests === limit) this.toldRequests = undefined
    if (this.toldTokens === limit) this.toldTokens = undefined
  }

  private take(place: Place, nowMs: number): void {
    const { toldRequests, toldTokens } = this
    let probed = none
    if (toldRequests?.take(1, nowMs) === true) probed = [toldRequests]
    if (toldTokens?.take(place.tokens, nowMs) === true) probed = [...probed, toldTokens]
    place.taken = {
      requests: this.requests.take(nowMs, 1),
      tokens: this.tokens.take(nowMs, place.tokens),
      running: this.running.add(place),
      probed,
    }
  }

  /** Lets those go that may, refuses the first if it can wait no longer, and sets the timer for the one that stays. */
  private pump(): void {
    stopTimer(this.timer)
    this.timer = undefined
    for (let first = this.line.head; first !== undefined; first = this.line.head) {
      // A fiber that has ended has no clock any more; one that waits in the line has.
      const { fiber, place, wake } = first
      const nowMs = monotonicMs(fiber)
      const waitMs = this.waitMs(nowMs, place.tokens)
      if (waitMs > 0 && nowMs + waitMs <= place.endsMs) {
        this.timer = startTimer(fiber, Math.ceil(waitMs), () => {
          this.timer = undefined
          this.pump()
        })
        return
      }
      this.line.shift()
      this.lineTokens -= place.tokens
      if (waitMs <= 0) this.take(place, nowMs)
      wake(waitMs <= 0 ? undefined : waitMs)
    }
  }
}

const fewer = (one: RateLimit | undefined, other: RateLimit | undefined): RateLimit | undefined =>
  other?.remaining === undefined || (one?.remaining ?? Number.POSITIVE_INFINITY) <= other.remaining ? one : other

const toldBy = (limit: RateLimit | undefined, running: number, nowMs: number): ToldLimit | undefined =>
  limit?.remaining === undefined ? undefined : new ToldLimit(limit.remaining - running, limit.resetMs, nowMs)

const none: ReadonlyArray<ToldLimit> = []
