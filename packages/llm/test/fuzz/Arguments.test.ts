/** Law 20: whatever a caller passes, and wherever, every call resolves: with an answer, or with the field that is wrong. */
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { type GenerateResponse, LLMInterface } from "../../src/index.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { patient, runs } from "./Fuzzing.ts"
import { effectSurface } from "./Surfaces.ts"

const circle: Record<string, unknown> = {}
circle["again"] = { circle }

const deep = (depth: number): unknown => {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const boom = (): never => {
  throw new Error("boom")
}

const revoked = (): object => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

/** Values that JSON cannot hold, or that do something when they are read. */
const odd: Readonly<Record<string, unknown>> = {
  "a BigInt": 1n,
  "a circle": circle,
  "20,000 levels": deep(20_000),
  "a getter that throws": Object.defineProperty({}, "x", { enumerable: true, get: boom }),
  "a toJSON that throws": { toJSON: boom },
  "a toJSON that gives itself": (() => {
    const value: Record<string, unknown> = {}
    value["toJSON"] = () => value
    return value
  })(),
  "a proxy whose traps throw": new Proxy({}, { get: boom, has: boom, ownKeys: boom, getPrototypeOf: boom }),
  "a revoked proxy": revoked(),
  "a symbol": Symbol("x"),
  "a function": boom,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "a date that is none": new Date(Number.NaN),
  "a Map": new Map([[1, 1]]),
  null: null,
  undefined,
  "a list with holes": Array(3),
  "no prototype": Object.create(null),
  "a long text": "x".repeat(100_000),
  "half a character": "\ud800",
}

const messages = [{ role: "user", content: "hello" }]
const tool = (parameters: unknown) => ({ messages, tools: [{ name: "f", parameters }] })

/** Where a value may stand. */
const places: Readonly<Record<string, (value: unknown) => unknown>> = {
  "the whole request": (value) => value,
  messages: (value) => ({ messages: value }),
  "a message": (value) => ({ messages: [value] }),
  content: (value) => ({ messages: [{ role: "user", content: value }] }),
  "a part": (value) => ({ messages: [{ role: "user", content: [value] }] }),
  "a text": (value) => ({ messages: [{ role: "user", content: [{ type: "text", text: value }] }] }),
  "an assistant's part": (value) => ({
    messages: [
      ...messages,
      { role: "assistant", content: [{ type: "other", provider: "chat-completions", value }] },
      ...messages,
    ],
  }),
  arguments: (value) => ({
    messages: [
      ...messages,
      { role: "assistant", content: [{ type: "tool-call", id: "a", name: "f", arguments: value }] },
      { role: "tool", content: [{ type: "tool-result", toolCallId: "a", content: "b" }] },
    ],
  }),
  model: (value) => ({ messages, model: value }),
  "all provider options": (value) => ({ messages, providerOptions: value }),
  "provider options": (value) => ({ messages, providerOptions: { openai: value, anthropic: value } }),
  "a provider option": (value) => ({ messages, providerOptions: { openai: { x: value }, anthropic: { x: value } } }),
  tools: (value) => ({ messages, tools: value }),
  "a tool": (value) => ({ messages, tools: [value] }),
  "a tool's parameters": tool,
  "a property": (value) => tool({ type: "object", properties: { a: value } }),
  "a schema": (value) => ({ messages, responseFormat: { type: "json-schema", name: "a", schema: value } }),
  temperature: (value) => ({ messages, temperature: value }),
  maxTokens: (value) => ({ messages, maxTokens: value }),
  stop: (value) => ({ messages, stop: value }),
  toolChoice: (value) => ({ ...tool({}), toolChoice: value }),
  user: (value) => ({ messages, user: value }),
  "a field with a long name": (value) => ({ messages, ["a".repeat(100_000)]: value }),
  signal: (value) => ({ messages, signal: value }),
  timeout: (value) => ({ messages, timeout: value }),
  headers: (value) => ({ messages, headers: value }),
  "a header": (value) => ({ messages, headers: { "x-a": value } }),
}

/** Programs without types may pass anything. */
const anything = (value: unknown): LlmRequest => {
  const holder: { readonly request: LlmRequest } = JSON.parse('{"request":{}}')
  return Reflect.set(holder, "request", value) ? holder.request : holder.request
}

/** How many requests a response tells of: those that were answered, and those that a deadline ended, sent or not. */
const toldBy = ({ metadata: { attempts } }: GenerateResponse) => ({
  answered: attempts.filter(({ status }) => status !== undefined).length,
  unclear: attempts.filter(
    ({ errorType, status }) => status === undefined && (errorType === undefined || errorType === "TimeoutError"),
  ).length,
})

const check = (response: GenerateResponse): string => {
  // Nothing is asked twice: retries and repairs are switched off.
  const { answered, unclear } = toldBy(response)
  expect(answered + unclear).toBeLessThanOrEqual(1)
  JSON.stringify(response)
  if (!("error" in response)) return "answered"
  expect(["InvalidRequestError", "TimeoutError", "ConfigurationError", "InvalidResponseError"]).toContain(
    response.errorType,
  )
  expect(response.error.length).toBeLessThan(1200)
  expect((response.parameter ?? "").length).toBeLessThanOrEqual(300)
  return response.errorType
}

describe.each(oneOfEachWire)("a request of $name", patient, (provider) => {
  const connect = async () => {
    const server = await FaultServer.start((request) => goodAnswer(provider.wire, callOf(request)))
    const llm = new LLMInterface({ ...provider.options(server.url), maxRetries: 0, logger: false })
    const totals = { answered: 0, unclear: 0 }
    const ask = async (value: unknown) => {
      const request = anything(value)
      const promised = [
        await llm.generate(request),
        await llm.stream(request).response,
        await llm.runTools({ ...base(request), tools: [] }),
        await llm.generateObject({ ...base(request), schema: { type: "string" }, repairs: 0 }),
      ]
      const layer = provider.layer(server.url)
      const [generated, streamed] = await Promise.all(effectSurface.map((ask) => ask(layer, request)))
      if (generated === undefined || streamed === undefined) throw new Error("no surface")
      expect(check(streamed)).toBe(check(generated))
      const names = promised.map(check)
      // A BigInt is a duration too, of nanoseconds: whether a call is quicker is for the machine to say.
      if (!names.includes("TimeoutError")) expect(names[1]).toBe(names[0])
      for (const response of [...promised, generated, streamed]) {
        const { answered, unclear } = toldBy(response)
        totals.answered += answered
        totals.unclear += unclear
      }
    }
    /** One that a deadline ended may arrive while the next value is tried: what is exact is the sum. */
    const told = () => ({
      requests: server.requests.length,
      least: totals.answered,
      most: totals.answered + totals.unclear,
    })
    return {
      ask,
      told,
      [Symbol.asyncDispose]: async () => {
        await llm.dispose()
        await server.close()
      },
    }
  }

  it("with an odd value anywhere resolves, and names the field where it is refused, and each request is told", async () => {
    await using setup = await connect()
    for (const [place, put] of Object.entries(places)) {
      for (const [name, value] of Object.entries(odd)) {
        await expect(setup.ask(put(value)), `${name} as ${place}`).resolves.toBeUndefined()
      }
    }
    const { least, most, requests } = setup.told()
    expect(requests).toBeGreaterThanOrEqual(least)
    expect(requests).toBeLessThanOrEqual(most)
  })

  it("of any value at all resolves, and each request is told once", async () => {
    await using setup = await connect()
    const value = fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true })
    const property = fc.asyncProperty(fc.constantFrom(...Object.values(places)), value, async (put, value) => {
      await setup.ask(put(value))
    })
    await fc.assert(property, runs(60))
    const { least, most, requests } = setup.told()
    expect(requests).toBeGreaterThanOrEqual(least)
    expect(requests).toBeLessThanOrEqual(most)
  })
})

/** The request's own fields, where it has some that can be read. */
const base = (request: LlmRequest): LlmRequest => {
  try {
    return { ...request }
  } catch {
    return { messages: [] }
  }
}
