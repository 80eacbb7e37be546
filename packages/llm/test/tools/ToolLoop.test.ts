/** Runs of tools, on every wire and in every form, against an upstream that holds them to the provider's rules. */
import { setTimeout as sleep } from "node:timers/promises"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { describe, expect, it } from "vitest"
import { isLlmError, LLMInterface, Tool, tool, ToolLoop } from "../../src/index.ts"
import { Scripted } from "../../src/testing/index.ts"
import { openai } from "../contract/Providers.ts"
import { forms, type PlainTool } from "./Forms.ts"
import { listen, type Play, resultsIn, type Turn } from "./ToolUpstream.ts"

const Add = Schema.Struct({ a: Schema.Finite, b: Schema.Finite })

const adding = (counts: { runs: number } = { runs: 0 }): PlainTool => ({
  name: "add",
  parameters: Add,
  execute: ({ a, b }) => {
    counts.runs += 1
    return { sum: a + b }
  },
})

const add = (a: number, b: number) => ({ name: "add", arguments: { a, b } })

/** Calls `add` in so many turns, then answers. */
const steps =
  (count: number): Play =>
  (index) =>
    index < count ? { calls: [add(index, 1)] } : { text: "done" }

const inTurn =
  (...turns: ReadonlyArray<Turn>): Play =>
  (index) =>
    turns[Math.min(index, turns.length - 1)] ?? { text: "done" }

describe.each(forms)("$name", ({ name, run, wire }) => {
  it.each([0, 2, 19])("asks again after each of %i tool calls, until the model answers", async (count) => {
    await using server = await listen(wire, steps(count))
    const counts = { runs: 0 }
    const ended = await run(server.url, { tools: [adding(counts)], maxSteps: 20 })
    expect(server.refusals).toEqual([])
    expect(ended).toMatchObject({ text: "done", finishReason: "stop", errorType: undefined })
    expect(counts.runs).toBe(count)
    expect(server.requests).toHaveLength(count + 1)
    expect(ended.steps).toHaveLength(count + 1)
    expect(ended.attempts).toHaveLength(count + 1)
    expect(ended.messages).toHaveLength(2 + 2 * count)
    expect(ended.metadata).toMatchObject({ usage: { inputTokens: 10 * (count + 1) }, usageStatus: "reported" })
    if (count > 0) expect(resultsIn(server.requests.at(-1))).toEqual([JSON.stringify({ sum: count })])
  })

  it("runs the calls of one answer side by side, as many as allowed, and tells their results in order", async () => {
    const calls = Array.from({ length: 5 }, (_, place) => add(place, place))
    await using server = await listen(wire, inTurn({ text: "Let me see.", calls }, { text: "done" }))
    let inFlight = 0
    let most = 0
    const slow: PlainTool = {
      ...adding(),
      execute: async ({ a, b }) => {
        inFlight += 1
        most = Math.max(most, inFlight)
        await sleep(1)
        inFlight -= 1
        return a + b
      },
    }
    const ended = await run(server.url, { tools: [slow], concurrency: 2 })
    expect(ended.text).toBe("done")
    expect(most).toBe(2)
    expect(resultsIn(server.requests[1])).toEqual(["0", "2", "4", "6", "8"])
    expect(server.refusals).toEqual([])
  })

  it("ends after maxSteps with every call answered, and the next run goes on from there", async () => {
    await using server = await listen(wire, steps(3))
    const counts = { runs: 0 }
    const ended = await run(server.url, { tools: [adding(counts)], maxSteps: 2 })
    expect(ended).toMatchObject({ finishReason: "tool-calls", errorType: undefined })
    expect(counts.runs).toBe(2)
    const further = await run(server.url, { tools: [adding(counts)], messages: ended.messages })
    expect(further.text).toBe("done")
    expect(counts.runs).toBe(3)
    expect(server.refusals).toEqual([])
  })

  it("ends where stopWhen says so", async () => {
    await using server = await listen(wire, steps(5))
    const ended = await run(server.url, { tools: [adding()], stopWhen: (steps) => steps.length === 2 })
    expect(ended.steps).toHaveLength(2)
    expect(server.requests).toHaveLength(2)
  })

  it("tells the model of wrong arguments, unknown tools and arguments that are not JSON, and runs none", async () => {
    const wrong: ReadonlyArray<Turn["calls"]> = [
      [{ name: "add", arguments: { a: 1, b: "two" } }],
      [{ name: "subtract", arguments: {} }],
    ]
    // Messages sends arguments as JSON, broken or not only in a stream.
    const broken = [{ name: "add", arguments: "{a: 1" }]
    for (const calls of wire === "messages" && !name.includes("tream") ? wrong : [...wrong, broken]) {
      await using server = await listen(wire, inTurn({ calls: calls ?? [] }, { text: "sorry" }))
      const counts = { runs: 0 }
      const ended = await run(server.url, { tools: [adding(counts)] })
      expect(ended.text).toBe("sorry")
      expect(counts.runs).toBe(0)
      expect(resultsIn(server.requests[1]).join()).toMatch(/do not fit.*b|no tool "subtract".*add|not valid JSON/)
      expect(server.refusals).toEqual([])
    }
  })

  it("gives up on a model that does nothing but call wrongly", async () => {
    await using server = await listen(wire, () => ({ calls: [{ name: "nothing", arguments: {} }] }))
    const ended = await run(server.url, { tools: [adding()], maxMistakes: 2 })
    expect(ended.errorType).toBe("InvalidResponseError")
    expect(ended.error).toContain("2 steps")
    expect(server.requests).toHaveLength(2)
    expect(ended.attempts).toHaveLength(2)
  })

  it("tells the model of a tool that fails", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { text: "sorry" }))
    const failing = { ...adding(), execute: () => Promise.reject(new Error("the abacus broke")) }
    const ended = await run(server.url, { tools: [failing] })
    expect(ended.text).toBe("sorry")
    expect(resultsIn(server.requests[1]).join()).toContain("the abacus broke")
  })

  it("ends with ToolError where a tool's failure is to end the run, with steps and messages so far", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { calls: [add(3, 4)] }))
    let runs = 0
    const failing = {
      ...adding(),
      execute: () => {
        runs += 1
        if (runs === 2) throw new Error("the abacus broke")
        return "3"
      },
    }
    const ended = await run(server.url, { tools: [failing], onToolError: "fail" })
    expect(ended).toMatchObject({ errorType: "ToolError", text: "" })
    expect(ended.error).toContain("the abacus broke")
    expect(ended.steps).toHaveLength(2)
    expect(ended.attempts).toHaveLength(2)
    expect(ended.messages.map(({ role }) => role)).toEqual(["user", "assistant", "tool", "assistant", "tool"])
  })

  it("tells the model of a tool that takes too long", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { text: "sorry" }))
    const hanging = { ...adding(), timeout: 5, execute: () => new Promise(() => {}) }
    const ended = await run(server.url, { tools: [hanging] })
    expect(ended.text).toBe("sorry")
    expect(resultsIn(server.requests[1]).join()).toContain("took longer than 5")
  })

  it("bounds a tool over all its calls", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 1), add(2, 2), add(3, 3)] }, { text: "done" }))
    let inFlight = 0
    let most = 0
    const one: PlainTool = {
      ...adding(),
      concurrency: 1,
      execute: async () => {
        most = Math.max(most, ++inFlight)
        await sleep(1)
        inFlight -= 1
        return "x"
      },
    }
    await run(server.url, { tools: [one] })
    expect(most).toBe(1)
  })

  it("asks for approval, and tells the model what was refused and why", async () => {
    const calls = [add(1, 2), { name: "free", arguments: {} }, { name: "guarded", arguments: {} }]
    await using server = await listen(wire, inTurn({ calls }, { text: "done" }))
    const counts = { runs: 0 }
    const named = (name: string, needsApproval?: boolean): PlainTool => ({
      name,
      parameters: Schema.Struct({}),
      ...(needsApproval === undefined ? {} : { needsApproval }),
      execute: () => name,
    })
    const asked: Array<string> = []
    const tools = [adding(counts), named("free", false), named("guarded", true)]
    const ended = await run(server.url, {
      tools,
      approve: (name) => {
        asked.push(name)
        return name === "guarded" ? true : "no sums on Sundays"
      },
    })
    expect(ended.text).toBe("done")
    expect(asked.toSorted()).toEqual(["add", "guarded"])
    expect(counts.runs).toBe(0)
    const results = resultsIn(server.requests[1])
    expect(results[0]).toContain("no sums on Sundays")
    expect(results.slice(1)).toEqual(["free", "guarded"])
  })

  it("runs nothing that needs approval where nobody is asked", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { text: "done" }))
    const counts = { runs: 0 }
    await run(server.url, { tools: [{ ...adding(counts), needsApproval: true }] })
    expect(counts.runs).toBe(0)
    expect(resultsIn(server.requests[1]).join()).toContain("not approved")
  })

  it("sends texts, JSON, nothing, pictures and failures to write JSON as the model can read them", async () => {
    const cyclic: { self?: unknown } = {}
    cyclic.self = cyclic
    const png = "iVBORw0KGgo="
    const results: ReadonlyArray<readonly [unknown, RegExp]> = [
      ["plain", /^plain$/],
      [{ n: [1] }, /^\{"n":\[1\]\}$/],
      [undefined, /^null$/],
      [cyclic, /cannot be written as JSON/],
      [
        Tool.content([
          { type: "text", text: "look" },
          { type: "image", data: png, mediaType: "image/png" },
        ]),
        /look/,
      ],
    ]
    for (const [result, expected] of results) {
      await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { text: "done" }))
      const ended = await run(server.url, { tools: [{ ...adding(), execute: () => result }] })
      expect(ended.errorType).toBeUndefined()
      expect(resultsIn(server.requests[1])[0]).toMatch(expected)
      expect(server.refusals).toEqual([])
      if (Tool.isContent(result)) expect(JSON.stringify(server.requests[1]?.json)).toContain(png)
    }
  })

  it("runs no tool of an answer that was cut off or filtered, and keeps the conversation whole", async () => {
    for (const finishReason of ["length", "content-filter"] as const) {
      await using server = await listen(wire, inTurn({ calls: [add(1, 2)], finishReason }))
      const counts = { runs: 0 }
      const ended = await run(server.url, { tools: [adding(counts)] })
      expect(ended.finishReason).toBe(finishReason)
      expect(counts.runs).toBe(0)
      expect(server.requests).toHaveLength(1)
      await run(server.url, { tools: [], messages: [...ended.messages, { role: "user", content: "And now?" }] })
      expect(server.refusals).toEqual([])
    }
  })

  it("keeps calls apart that share an id", async () => {
    const calls = [
      { id: "same", ...add(1, 1) },
      { id: "same", ...add(2, 2) },
    ]
    await using server = await listen(wire, inTurn({ calls }, { text: "done" }))
    const counts = { runs: 0 }
    const ended = await run(server.url, { tools: [adding(counts)] })
    expect(ended.text).toBe("done")
    expect(counts.runs).toBe(2)
    expect(resultsIn(server.requests[1])).toEqual(['{"sum":2}', '{"sum":4}'])
  })

  it("forces a call in the first step only, and lets a step change its request and the conversation", async () => {
    await using server = await listen(wire, steps(2))
    const progress: Array<number> = []
    const ended = await run(server.url, {
      tools: [adding()],
      toolChoice: "required",
      prepareStep: ({ step }) => {
        progress.push(step)
        if (step === 1) return { temperature: undefined, maxTokens: 77 }
        return step === 2 ? { messages: [{ role: "user", content: "In short:" }], tools: [] } : undefined
      },
    })
    expect(ended.text).toBe("done")
    expect(progress).toEqual([0, 1, 2])
    const bodies = server.requests.map(({ json }) => JSON.stringify(json))
    expect(bodies[0]).toContain("tool_choice")
    expect(bodies[1]).not.toContain("tool_choice")
    expect(bodies[1]).toContain("77")
    expect(bodies[2]).not.toMatch(/77|"tools"/)
    expect(ended.messages).toHaveLength(2)
  })

  it("tells of each step as it ends", async () => {
    await using server = await listen(wire, steps(2))
    const told: Array<string> = []
    await run(server.url, {
      tools: [adding()],
      onStep: ({ response, results, step }) => {
        told.push(`${step}: ${response.finishReason}, ${results.map(({ outcome }) => outcome).join()}`)
      },
    })
    expect(told).toEqual(["0: tool-calls, answered", "1: tool-calls, answered", "2: stop, "])
  })

  it("fails as a call fails, with the steps, messages and attempts so far", async () => {
    await using server = await listen(wire, (index) => (index < 2 ? { calls: [add(index, 1)] } : { status: 500 }))
    const ended = await run(server.url, { tools: [adding()] })
    expect(ended.errorType).toBe("ServerError")
    expect(ended.steps).toHaveLength(2)
    expect(ended.attempts).toHaveLength(3)
    expect(ended.attempts.map(({ errorType }) => errorType)).toEqual([undefined, undefined, "ServerError"])
    expect(ended.messages.at(-1)?.role).toBe("tool")
    expect(ended.messages).toHaveLength(5)
  })

  it("ends at its deadline also while a tool runs, with every call answered", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2), add(3, 4)] }))
    let aborted = 0
    const hanging: PlainTool = {
      ...adding(),
      execute: ({ a }, { signal }) =>
        a === 1
          ? "3"
          : new Promise(() => {
              signal?.addEventListener("abort", () => (aborted += 1))
            }),
    }
    const ended = await run(server.url, { tools: [hanging], timeout: 200 })
    expect(ended.errorType).toBe("TimeoutError")
    expect(aborted).toBe(1)
    const results = ended.messages.at(-1)?.content
    expect(JSON.stringify(results)).toMatch(/"3".*did not finish/)
  })

  it("ends at its deadline also while the model is silent, and accounts for that request", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { stalls: true }))
    const ended = await run(server.url, { tools: [adding()], timeout: 200 })
    expect(ended).toMatchObject({ errorType: "TimeoutError" })
    expect(ended.steps).toHaveLength(1)
    expect(ended.attempts).toHaveLength(2)
    expect(ended.messages.at(-1)?.role).toBe("tool")
  })

  it("stops everything when it is aborted, and runs no tool after that", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2), add(3, 4), add(5, 6)] }))
    const controller = new AbortController()
    let runs = 0
    let aborted = 0
    const aborting: PlainTool = {
      ...adding(),
      execute: (_, { signal }) => {
        runs += 1
        signal?.addEventListener("abort", () => (aborted += 1))
        controller.abort(new Error("enough"))
        return new Promise(() => {})
      },
    }
    await expect(run(server.url, { tools: [aborting], concurrency: 1, signal: controller.signal })).rejects.toThrow(/./)
    expect(runs).toBe(1)
    expect(aborted).toBe(1)
    expect(server.requests).toHaveLength(1)
  })

  it("refuses what cannot be a run before anything is sent", async () => {
    await using server = await listen(wire, steps(0))
    const wrong: ReadonlyArray<readonly [object, string]> = [
      [{ maxSteps: 0 }, "maxSteps"],
      [{ concurrency: 1.5 }, "concurrency"],
      [{ tools: [adding(), adding()] }, "add"],
      [{ tools: [{ ...adding(), name: "a b" }] }, "tools[0].name"],
      [{ tools: [{ ...adding(), concurrency: 0 }] }, "tools[0].concurrency"],
      [{ tools: [{ ...adding(), timeout: "soon" }] }, "tools[0].timeout"],
    ]
    for (const [options, told] of wrong) {
      const ended = await run(server.url, { tools: [adding()], ...options })
      expect(ended.errorType).toMatch(/ConfigurationError|InvalidRequestError/)
      expect(ended.error).toContain(told)
    }
    expect(server.requests).toHaveLength(0)
  })
})

describe.each(forms.filter(({ name }) => name.startsWith("runTools")))("$name", ({ run, wire }) => {
  it("wraps parameters that are no object, and takes them out again", async () => {
    const calls = [{ name: "total", arguments: { value: [1, 2, 3] } }]
    await using server = await listen(wire, inTurn({ calls }, { text: "done" }))
    const total: PlainTool = {
      name: "total",
      parameters: Schema.Array(Schema.Finite),
      execute: (numbers: ReadonlyArray<number>) => numbers.reduce((sum, number) => sum + number, 0),
    }
    await run(server.url, { tools: [total] })
    expect(resultsIn(server.requests[1])).toEqual(["6"])
    expect(JSON.stringify(server.requests[0]?.json)).toContain('"required":["value"]')
  })
})

describe.each(forms.filter(({ name }) => name.includes("tream")))("$name", ({ run, wire }) => {
  it("emits each answer's events between its beginning and its results, and the whole at the end", async () => {
    await using server = await listen(wire, inTurn({ calls: [add(1, 2)] }, { text: "done" }))
    const { events } = await run(server.url, { tools: [adding()] })
    const types = events.map(({ type }) => type)
    expect(types[0]).toBe("step-start")
    expect(types.at(-1)).toBe("run-finish")
    expect(types.filter((type) => type === "response-finish")).toHaveLength(2)
    expect(types.filter((type) => type === "tool-call-delta").length).toBeGreaterThan(1)
    expect(events.find(({ type }) => type === "tool-result")).toMatchObject({
      step: 0,
      name: "add",
      arguments: { a: 1, b: 2 },
      outcome: "answered",
      content: '{"sum":3}',
    })
    expect(types.indexOf("tool-result")).toBeGreaterThan(types.indexOf("response-finish"))
    expect(types.indexOf("tool-result")).toBeLessThan(types.lastIndexOf("step-start"))
  })
})

describe("a run over a stack with a fallback", () => {
  it("goes on with the next target where the first one fails in the middle, and tells of both", async () => {
    await using first = await listen("chat", (index) => (index === 0 ? { calls: [add(1, 2)] } : { status: 500 }))
    await using second = await listen("messages", (index) => (index === 0 ? { calls: [add(3, 4)] } : { text: "done" }))
    await using llm = new LLMInterface({
      ...openai.options(first.url),
      maxRetries: 0,
      fallbacks: [{ provider: "anthropic", model: "claude-sonnet-5", apiKey: "sk-test", apiBase: second.url }],
    })
    let runs = 0
    const sum = tool({
      name: "add",
      parameters: Add,
      execute: ({ a, b }) => {
        runs += 1
        return a + b
      },
    })
    const response = await runTools(llm, sum)
    expect(response).toMatchObject({ text: "done" })
    expect(runs).toBe(2)
    expect(response.metadata.attempts.map(({ provider, errorType }) => [provider, errorType])).toEqual([
      ["openai", undefined],
      ["openai", "ServerError"],
      ["anthropic", undefined],
      ["openai", "ServerError"],
      ["anthropic", undefined],
    ])
    expect([...first.refusals, ...second.refusals]).toEqual([])
    expect(resultsIn(second.requests[0])).toEqual(["3"])
  })

  it("retries a step, and runs its tools once", async () => {
    let asked = 0
    await using server = await listen("chat", (index) => {
      asked += 1
      return asked % 2 === 1 ? { status: 500 } : index < 1 ? { calls: [add(1, 2)] } : { text: "done" }
    })
    await using llm = new LLMInterface({ ...openai.options(server.url), maxRetries: 2 })
    let runs = 0
    const sum = tool({ name: "add", parameters: Add, execute: () => (runs += 1) })
    const response = await runTools(llm, sum)
    expect(response).toMatchObject({ text: "done" })
    expect(runs).toBe(1)
    expect(response.metadata.attempts).toHaveLength(4)
  })
})

describe("a hook that throws", () => {
  const broken = new Error("a bug of the program")
  const hooks = ["approve", "prepareStep", "onStep", "stopWhen"]

  it.each(hooks)("%s: rejects with what it threw, and asks no further step", async (hook) => {
    await using server = await listen("chat", inTurn({ calls: [add(1, 2)] }, { text: "done" }))
    await using llm = new LLMInterface(openai.options(server.url))
    const sum = tool({ name: "add", parameters: Add, execute: ({ a, b }) => a + b })
    const thrower = () => {
      throw broken
    }
    const messages = [{ role: "user", content: "Go." }] as const
    await expect(llm.runTools({ messages, tools: [sum], [hook]: thrower })).rejects.toBe(broken)
    expect(server.requests).toHaveLength(hook === "prepareStep" ? 0 : 1)
  })
})

const runTools = (llm: LLMInterface, ...tools: ReadonlyArray<Tool.Tool>) =>
  llm.runTools({ messages: [{ role: "user", content: "Go." }], tools })

describe("streamTools", () => {
  const endless = tool({ name: "add", parameters: Add, execute: () => new Promise<string>(() => {}) })

  it("sends nothing before somebody reads, and response reads where nobody does", async () => {
    await using server = await listen("chat", inTurn({ calls: [add(1, 2)] }, { text: "done" }))
    await using llm = new LLMInterface(openai.options(server.url))
    const sum = tool({ name: "add", parameters: Add, execute: ({ a, b }) => a + b })
    const stream = llm.streamTools({ messages: [{ role: "user", content: "Go." }], tools: [sum] })
    await sleep(5)
    expect(server.requests).toHaveLength(0)
    expect(await stream.response).toMatchObject({ text: "done" })
    expect((await stream.next()).done).toBe(true)
  })

  it("aborts the tools that run when its reader leaves, and response tells so", async () => {
    await using server = await listen("chat", inTurn({ text: "Let me see.", calls: [add(1, 2)] }))
    await using llm = new LLMInterface(openai.options(server.url))
    let aborted = 0
    let begin = () => {}
    const hanging = tool({
      name: "add",
      parameters: Add,
      execute: (_, { signal }) => {
        signal.addEventListener("abort", () => (aborted += 1))
        begin()
        return new Promise<string>(() => {})
      },
    })
    const messages = [{ role: "user", content: "Go." }] as const
    for (const [place, concurrency] of [1, 8].entries()) {
      const begun = new Promise<void>((resolve) => (begin = resolve))
      const stream = llm.streamTools({ messages, tools: [hanging], concurrency })
      const whole = stream.response
      const events: Array<unknown> = []
      const reading = (async () => {
        for await (const event of stream) events.push(event)
      })()
      await begun
      await stream.return()
      await reading
      expect(events.length).toBeGreaterThan(0)
      expect(await whole).toMatchObject({ errorType: "StreamInterruptedError" })
      expect(aborted).toBe(place + 1)
    }
    expect(server.requests).toHaveLength(2)
  })

  it("ends with its interface", async () => {
    await using server = await listen("chat", inTurn({ calls: [add(1, 2)] }))
    const llm = new LLMInterface(openai.options(server.url))
    const stream = llm.streamTools({ messages: [{ role: "user", content: "Go." }], tools: [endless] })
    for await (const event of stream) {
      if (event.type !== "response-finish") continue
      await llm.dispose()
      break
    }
    await expect(stream.response).rejects.toThrow(/disposed/)
  })
})

describe("a run's failure", () => {
  const failing = ToolLoop.run({ messages: [{ role: "user", content: "Go." }], tools: [] })
  const overloaded = () => Scripted.layer([{ error: "OverloadedError" }])

  it("is an LlmError to a program that recovers from one", async () => {
    const recovered = failing.pipe(
      Effect.map(({ text }) => text),
      Effect.catchReason("LlmError", "OverloadedError", () => Effect.succeed("later")),
      Effect.provide(overloaded()),
    )
    expect(await Effect.runPromise(recovered)).toBe("later")
  })

  it("survives a trip through JSON", async () => {
    const error = await Effect.runPromise(Effect.flip(failing).pipe(Effect.provide(overloaded())))
    expect(isLlmError(error)).toBe(true)
    const codec = Schema.toCodecJson(ToolLoop.ToolLoopFailure)
    const json: unknown = JSON.parse(JSON.stringify(Schema.encodeUnknownSync(codec)(error)))
    expect(Schema.decodeUnknownSync(codec)(json)).toMatchObject({ reason: error.reason, messages: error.messages })
  })
})
