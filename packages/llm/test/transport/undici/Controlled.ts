/** An exchange in the hands of a test that speaks as undici does, step by step. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type { Dispatcher } from "undici"
import { expect } from "vitest"
import { UndiciExchange } from "../../../src/transport/undici/UndiciExchange.ts"

/** undici's side of a request, and what the exchange asked of it. */
export const controlled = () => {
  const told: Array<string> = []
  const controller: Dispatcher.DispatchController = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason) => void told.push(`abort: ${reason.message}`),
    pause: () => void told.push("pause"),
    resume: () => void told.push("resume"),
  }
  return { controller, told }
}

/** An exchange whose request has begun. */
export const begun = (
  ...reads: ReadonlyArray<(exchange: UndiciExchange, controller: Dispatcher.DispatchController) => void>
) => {
  const { controller, told } = controlled()
  const exchange = new UndiciExchange((sent) => {
    sent.onRequestStart(controller)
    for (const read of reads) read(sent, controller)
    return undefined
  })
  return { exchange, controller, told }
}
const bytes = (text: string) => new TextEncoder().encode(text)
export const start =
  (status = 200, headers: Record<string, string | Array<string>> = {}) =>
  (exchange: UndiciExchange, controller: Dispatcher.DispatchController) =>
    exchange.onResponseStart(controller, status, headers)
export const data = (text: string) => (exchange: UndiciExchange, controller: Dispatcher.DispatchController) =>
  exchange.onResponseData(controller, bytes(text))
export const end = (exchange: UndiciExchange) => exchange.onResponseEnd()

/** What one read gives: its chunks as texts, `done`, or the failure. */
export const read = (exchange: UndiciExchange): Effect.Effect<unknown> =>
  Pull.matchEffect(exchange.read, {
    onSuccess: (chunks) => Effect.succeed(chunks.map((chunk) => new TextDecoder().decode(chunk))),
    onFailure: (cause) => Effect.succeed(Cause.squash(cause)),
    onDone: () => Effect.succeed("done"),
  })
export const failed = (message: string) => ({ _tag: "Broken", cause: expect.objectContaining({ message }) })
/** Until everything that is due in this turn of the event loop has happened. */
export const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
