/**
 * A deployment of a model as its callers see it: it answers after some seconds, refuses what passes its limits of requests and
 * tokens a minute with 429 and a time to wait, and for a while it is out of order. It counts what it was asked.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { type LlmProvider, OverloadedError, Provider, RateLimitError } from "@wiseflow/llm"
import { randomOf } from "./Day.ts"

/** What a deployment is like. */
export interface DeploymentFacts {
  readonly name: string
  readonly model: string
  /** Requests and tokens that it takes within any 60 seconds. */
  readonly rpm: number
  readonly tpm: number
  /** How long half of its answers take at most, in milliseconds. */
  readonly medianMs: number
  /** When it is out of order, in milliseconds of the day: it hangs, or says 503. */
  readonly outage?: readonly [fromMs: number, toMs: number] | undefined
}

/** What a deployment was asked. */
export interface DeploymentCount {
  requests: number
  refused: number
  failed: number
}

const minuteMs = 60_000

/** How long a request hangs during an outage before its connection is lost. */
const hangMs = 20_000

/** What came within the last minute. */
class Window {
  private readonly came: Array<readonly [atMs: number, tokens: number]> = []
  private first = 0
  private tokens = 0

  /** How long until a request of so many tokens is taken; 0 where it is. */
  waitMs(nowMs: number, tokens: number, rpm: number, tpm: number): number {
    let oldest = this.came[this.first]
    while (oldest !== undefined && oldest[0] + minuteMs <= nowMs) {
      this.tokens -= oldest[1]
      this.first += 1
      oldest = this.came[this.first]
    }
    const requests = this.came.length - this.first
    if (requests < rpm && this.tokens + tokens <= tpm) return 0
    return oldest === undefined ? 0 : oldest[0] + minuteMs - nowMs
  }

  add(nowMs: number, tokens: number): void {
    this.came.push([nowMs, tokens])
    this.tokens += tokens
  }
}

/** A Layer of the deployment, and what it counts. */
export const simulated = (
  facts: DeploymentFacts,
  seed: number,
): { readonly layer: Layer.Layer<LlmProvider>; readonly count: DeploymentCount } => {
  const random = randomOf(seed)
  const count: DeploymentCount = { requests: 0, refused: 0, failed: 0 }
  const window = new Window()
  const layer = Provider.layer({
    name: facts.name,
    model: facts.model,
    prices,
    generate: (request) =>
      Effect.gen(function* () {
        const nowMs = yield* Clock.currentTimeMillis
        const { outage } = facts
        count.requests += 1
        if (outage !== undefined && nowMs >= outage[0] && nowMs < outage[1]) {
          count.failed += 1
          yield* Effect.sleep(random() < 0.5 ? hangMs : 50)
          return yield* new OverloadedError({ message: "503 Service Unavailable" })
        }
        // A text has about a token for each four characters, more or less.
        const inputTokens = Math.round((charactersOf(request) / 4) * (0.85 + 0.3 * random()))
        const outputTokens = 80 + Math.round(240 * random())
        const waitMs = window.waitMs(nowMs, inputTokens + outputTokens, facts.rpm, facts.tpm)
        if (waitMs > 0) {
          count.refused += 1
          yield* Effect.sleep(50)
          return yield* new RateLimitError({ message: "429 Too Many Requests", retryAfterMs: waitMs })
        }
        window.add(nowMs, inputTokens + outputTokens)
        yield* Effect.sleep(facts.medianMs * (0.6 + 0.8 * random() + 3 * random() ** 8))
        return {
          parts: [{ type: "text", text: `summary of ${charactersOf(request)} characters` }],
          finishReason: "stop",
          usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
        }
      }),
  })
  return { layer, count }
}

/** US dollars for a million tokens. */
const prices = {
  "gpt-5-mini": { input: 0.25, output: 2 },
  "gpt-5-nano": { input: 0.05, output: 0.4 },
}

const charactersOf = ({ messages }: { readonly messages: ReadonlyArray<{ readonly content: unknown }> }): number =>
  messages.reduce((sum, { content }) => sum + (typeof content === "string" ? content.length : 0), 0)
