/** Services that refuse to tell of an answer in the background: when they are asked again, what it means, and how much work it is. */
import { describe, expect, it, vi } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Pull from "effect/Pull"
import { TestClock } from "effect/testing"
import { type LlmError, type LlmProvider, type LlmRequest, OpenAi, withRetry } from "../../src/index.ts"
import { inBackground } from "../../src/transport/Background.ts"
import type { Exchange } from "../../src/transport/Transport.ts"
import { ask, open, outcomeOf, serve } from "../contract/Ask.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { inTurn } from "../faults/FaultServer.ts"
import { stream, whole } from "../faults/HttpText.ts"
import { growthOf, WorkMeter } from "../protocols/Work.ts"

const request: LlmRequest = {
  messages: [{ role: "user", content: "Think long." }],
  providerOptions: { openai: { background: true } },
}
const message = { type: "message", role: "assistant", content: [{ type: "output_text", text: "It is warm." }] }
const response = (status: string, output: ReadonlyArray<object> = []) =>
  JSON.stringify({ id: "resp_1", object: "response", status, model: "gpt-5-mini", output, error: null, usage: null })
const queued = whole(response("queued"))
const completed = whole(response("completed", [message]))
const opening = `data: ${JSON.stringify({ type: "response.queued", sequence_number: 0, response: { id: "resp_1", status: "queued" } })}\n\n`

/** A call whose waits take no time, and how long they were. */
const askQuickly = (layer: Layer.Layer<LlmProvider, LlmError>, call: CallName) =>
  Effect.gen(function* () {
    const llm = yield* open(layer)
    const fiber = yield* Effect.forkChild(ask(llm, call, request))
    let waitedMs = 0
    while (fiber.pollUnsafe() === undefined) {
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("100 millis")
      waitedMs += 100
    }
    return { seen: yield* Fiber.join(fiber), waitedMs }
  })

const openAi = (url: string) =>
  OpenAi.layer({ apiKey: "key", apiBase: `${url}/v1`, model: "gpt-5-mini", wireApi: "responses" })

describe("an answer in the background", () => {
  it.effect.each([
    ["retry-after", "40", 429],
    ["retry-after-ms", "40000", 503],
  ] as const)("is not asked for before the service wants to be asked again (%s)", ([name, value, status]) =>
    Effect.gen(function* () {
      const server = yield* serve(inTurn(queued, whole("{}", status, { [name]: value }), completed))
      const { seen, waitedMs } = yield* askQuickly(openAi(server.url), "generate")
      expect(seen.text).toBe("It is warm.")
      expect(server.requests).toHaveLength(3)
      expect(waitedMs).toBeGreaterThanOrEqual(40_500)
    }),
  )

  it.effect.each([
    ["AuthenticationError", whole("<html>Sign in</html>", 401)],
    ["PermissionDeniedError", whole("{}", 403)],
    ["ModelNotFoundError", whole('{"detail":"Not Found"}', 404)],
    ["ModelNotFoundError", whole("<html>Not Found</html>", 404)],
  ] as const)("that is refused means what its status means, and is not ordered again: %s", ([outcome, refusal]) =>
    Effect.gen(function* () {
      for (const call of ["generate", "stream"] as const) {
        const server = yield* serve(inTurn(call === "generate" ? queued : stream(opening), refusal))
        const { seen } = yield* askQuickly(openAi(server.url).pipe(withRetry({ times: 3 })), call)
        expect(outcomeOf(seen)).toBe(outcome)
        expect(server.requests.filter(({ method }) => method === "POST")).toHaveLength(1)
      }
    }),
  )

  it("is read in proportion to its length, however small the pieces of one event are", () => {
    const bytes = new TextEncoder().encode("x".repeat(8))
    const read = (pieces: number) => {
      let next = 0
      const exchange: Exchange = {
        head: Effect.succeed({ status: 200, headers: {} }),
        read: Effect.suspend(() => (next++ < pieces ? Effect.succeed([bytes] as const) : Cause.done())),
        close: () => undefined,
      }
      const answer = { pending: () => undefined, note: () => {}, resume: () => undefined }
      const wire = { url: "https://api.test/v1/responses", headers: {} }
      const all = inBackground(() => exchange, wire, answer, { maxBodyBytes: 1e9, maxEventLength: 1e9 }, true)
      using searching = vi.spyOn(String.prototype, "lastIndexOf")
      const end: Effect.Effect<string, unknown> = Pull.matchEffect(all.read, {
        onSuccess: () => end,
        onFailure: (cause) => Effect.failCause(cause),
        onDone: () => Effect.succeed("read"),
      })
      expect(Effect.runSync(end)).toBe("read")
      const searched = searching.mock.contexts.reduce<number>((sum, text) => sum + String(text).length, 0)
      return searched
    }
    expect(read(4000)).toBeLessThan(2.2 * read(2000))
    using meter = new WorkMeter()
    expect(growthOf(meter, read, 500)).toBeLessThan(2.7)
  })
})
