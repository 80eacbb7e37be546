/** What people print by accident: something short, without options, keys or megabytes. */
import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LLMInterface, LlmError, LlmProvider, LlmStack, OpenAi, unwrap } from "../../src/index.ts"
import { RateLimitError } from "../../src/model/LlmError.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { chat } from "../faults/WireText.ts"

useBareEnvironment("none")

const canary = "sk-canary-7f3a9c1e5b2d8046"

const printed = (value: unknown): ReadonlyArray<string> => [
  JSON.stringify(value) ?? "",
  inspect(value),
  inspect({ value }),
  inspect(value, { depth: 8 }),
  String(value),
]

/** Short, and without the key. */
const expectSafe = (value: unknown): void => {
  for (const text of printed(value)) {
    expect(text.length).toBeLessThan(3000)
    expect(text).not.toContain("canary")
  }
  try {
    expect(inspect(structuredClone(value))).not.toContain("canary")
  } catch (error) {
    expect(error).toMatchObject({ name: "DataCloneError" })
  }
}

describe("the promise surface", () => {
  it("prints its name, before and after its stack is built", async () => {
    await using server = await FaultServer.start(() => whole(chat.answer("Hello")))
    const options = { provider: "openai", apiKey: canary, apiBase: server.url, model: "m" } as const
    await using llm = new LLMInterface(options)
    const messages = [{ role: "user", content: "Hi" }] as const
    for (let built = 0; built < 2; built++) {
      expectSafe(llm)
      expect(JSON.stringify(llm)).toBe('{"type":"LLMInterface"}')
      const stream = llm.stream({ messages })
      expectSafe(stream)
      const response = await llm.generate({ messages })
      expectSafe(response)
      expect(structuredClone(response)).toEqual(response)
      for await (const event of stream) expectSafe(event)
      expectSafe(stream)
    }
  })
})

describe("layers and services", () => {
  it.live("print no option", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const layer = OpenAi.layer({ apiKey: canary, model: "m", headers: { "x-key": canary } })
        for (const printedLayer of [layer, LlmStack.layerConfig()]) expectSafe(printedLayer)
        const context = yield* Layer.build(layer)
        expectSafe(context)
        expectSafe(Context.get(context, LlmProvider))
      }),
    ),
  )
})

describe("an error", () => {
  const error = new LlmError({
    reason: new RateLimitError({
      message: "slow down",
      status: 429,
      requestId: "req_1",
      retryAfterMs: 20,
      body: "x".repeat(2000),
    }),
    provider: "openai",
    model: "m",
    attempts: [],
    text: "x".repeat(1_000_000),
  })

  it("prints what there is to know, whatever it holds", () => {
    const text = inspect(error)
    expect(text.length).toBeLessThan(3000)
    for (const fact of ["LlmError: slow down", "RateLimitError", "openai", "429", "req_1", "1000000 characters"]) {
      expect(text).toContain(fact)
    }
    expect(inspect({ deep: { deeper: { error } } })).toContain("LlmError")
  })

  it("is printed by a program that throws it", async () => {
    await using server = await FaultServer.start(() => whole(JSON.stringify({ error: { message: "no" } }), 401))
    await using llm = new LLMInterface({ provider: "openai", apiKey: canary, apiBase: server.url, model: "m" })
    const response = await llm.generate({ messages: [{ role: "user", content: "Hi" }] })
    let thrown: unknown
    try {
      unwrap(response)
    } catch (caught) {
      thrown = caught
    }
    expectSafe(thrown)
    expect(inspect(thrown)).toContain("AuthenticationError")
  })
})
