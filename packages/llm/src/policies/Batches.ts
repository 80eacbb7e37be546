/**
 * Many texts in as many requests as they need: split by what the service accepts in one request, sent side by side, and put
 * together in the order of the inputs. Each request is an embedding of its own to every policy within.
 *
 * Put it outside `withRetry` and `withConcurrency`: each request then has its own retries and its own permit, and one that
 * fails is sent again alone. Put it inside the call's `total` clock and `withTelemetry`, which are for the whole.
 */
import * as Effect from "effect/Effect"
import { type CallContext, joinCall } from "../call/CallContext.ts"
import { monotonicMs } from "../call/Time.ts"
import { totalOf } from "../call/Totals.ts"
import type { BatchLimits, EmbeddingProvider, EmbeddingRequest, EmbeddingResponse } from "../model/EmbeddingProvider.ts"
import { InvalidResponseError, LlmError } from "../model/LlmError.ts"
import { failureOf } from "./mechanisms/Bounded.ts"
import * as Policy from "./Policy.ts"

/** How texts are split. */
export interface BatchOptions {
  /** The most requests of one call at once. Default 5. What `withConcurrency` permits within counts as well. */
  readonly concurrency?: number | undefined
  /** How much one request may hold. Default: what the service accepts. */
  readonly limits?: BatchLimits | undefined
}

/**
 * Sends as many requests as the inputs need. Usage and cost are those of all of them, and `attempts` tells of each. Where one
 * request fails in the end, the call fails with its error and the others are aborted.
 */
export const withBatches = (options: BatchOptions = {}): Policy.EmbeddingPolicy<LlmError> => {
  const { concurrency = 5, limits } = options
  const wrong = refusedNumber(options)
  return wrong === undefined
    ? Policy.makeEmbedding((inner) =>
        Effect.succeed({
          name: inner.name,
          embed: (request) => embed(inner, request, limits ?? limitsOf(inner, request), concurrency),
        }),
      )
    : Policy.refused("withBatches", wrong)
}

const refusedNumber = ({ concurrency, limits }: BatchOptions): string | undefined => {
  for (const [name, value] of Object.entries({
    concurrency,
    "limits.inputs": limits?.inputs,
    "limits.tokens": limits?.tokens,
  })) {
    if (value !== undefined && !(value >= 1)) return `${name} must be 1 or more, not ${value}`
  }
  return undefined
}

type Service = EmbeddingProvider["Service"]

const limitsOf = ({ batchLimits, model }: Service, request: EmbeddingRequest): BatchLimits | undefined =>
  batchLimits?.(request.model ?? model)

const embed = (
  inner: Service,
  request: EmbeddingRequest,
  limits: BatchLimits | undefined,
  concurrency: number,
): Effect.Effect<EmbeddingResponse, LlmError> => {
  const { inputs } = request
  // Types forbid anything else; the provider within says what is wrong with it.
  const batches = limits === undefined || !Array.isArray(inputs) ? [] : batchesOf(inputs, limits)
  if (batches.length <= 1) return inner.embed(request)
  return joinCall((context, fiber) =>
    Effect.forEach(batches, (batch) => inner.embed({ ...request, inputs: batch }), { concurrency }).pipe(
      Effect.flatMap((responses) => joined(responses, context, monotonicMs(fiber) - context.ledger.startedMs)),
      // The others were still running when one failed: the ledger knows how they ended.
      Effect.mapError((error) => failureOf(error, context)),
    ),
  )
}

const joined = (
  responses: ReadonlyArray<EmbeddingResponse>,
  { ledger }: CallContext,
  latencyMs: number,
): Effect.Effect<EmbeddingResponse, LlmError> => {
  const embeddings = responses.flatMap((response) => response.embeddings)
  const last = responses.at(-1)
  if (last === undefined) return Effect.die("no batch was asked for")
  const { model, provider } = last.metadata
  const lengths = new Set(embeddings.map(({ length }) => length))
  if (lengths.size > 1) {
    // A gateway that asks several models under one name: their vectors cannot be compared.
    const message = `the vectors of one call have different lengths (${[...lengths].join(", ")}): several models answered`
    return Effect.fail(
      new LlmError({ reason: new InvalidResponseError({ message }), provider, model, attempts: ledger.attempts() }),
    )
  }
  const metadata = { ...totalOf(responses, last, Math.round(latencyMs)), attempts: ledger.attempts() }
  return Effect.succeed({ embeddings, metadata })
}

/**
 * More tokens than a text has, of nearly every text: half of its bytes in UTF-8. English has four bytes a token, Chinese
 * about three, code and figures between two and three. Splitting needs no tokenizer, and too small a part costs little.
 */
export const tokensAtMost = (text: string): number => {
  let bytes = text.length
  for (let at = 0; at < text.length; at++) {
    const point = text.codePointAt(at) ?? 0
    // A pair of surrogates is four bytes in two units; half a pair is sent as U+FFFD.
    if (point > 0xffff) at++
    if (point >= 0x80) bytes += point < 0x800 ? 1 : 2
  }
  return Math.ceil(bytes / 2)
}

/** The inputs in order, in parts that a service accepts. One text that is too long for it stands alone. */
export const batchesOf = (
  inputs: ReadonlyArray<string>,
  { inputs: most, tokens: mostTokens }: BatchLimits,
): ReadonlyArray<ReadonlyArray<string>> => {
  const batches: Array<Array<string>> = []
  let batch: Array<string> = []
  let tokens = 0
  for (const input of inputs) {
    const more = mostTokens === undefined || typeof input !== "string" ? 0 : tokensAtMost(input)
    if (batch.length > 0 && (batch.length >= most || (mostTokens !== undefined && tokens + more > mostTokens))) {
      batches.push(batch)
      batch = []
      tokens = 0
    }
    batch.push(input)
    tokens += more
  }
  if (batch.length > 0) batches.push(batch)
  return batches
}
