/** `prompt` and `system` in place of messages, and tools as an object, on every function of the promise surface. */
import { describe, expect, it } from "vitest"
import { generate, LLMInterface, runTools, type RunToolsOptions, tool } from "../../src/index.ts"
import { layer } from "../../src/testing/Scripted.ts"

const system = "Answer in one word."
const prompt = "Which city?"
const said = [
  { role: "system", content: system },
  { role: "user", content: prompt },
]

const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
} as const

const city = () =>
  tool({
    description: "The city of a person.",
    parameters: { type: "object", properties: { name: { type: "string" } }, required: ["name"] } as const,
    execute: ({ name }) => `${name} lives in Bonn`,
  })

const call = { toolCalls: [{ id: "call_1", name: "find_city", arguments: { name: "Ada" } }] }

const scripted = (answers: Parameters<typeof layer>[0]) => {
  const script = layer(answers)
  return { script, llm: LLMInterface.fromLayer(script, { logger: false }) }
}

const drained = async (events: AsyncIterable<unknown>) => {
  for await (const _ of events) continue
}

describe("a prompt", () => {
  it.each(["generate", "stream"] as const)("is one user message after the system message in %s", async (method) => {
    const { llm, script } = scripted(["Bonn"])
    const response =
      method === "generate" ? await llm.generate({ prompt, system }) : await llm.stream({ prompt, system }).response
    expect(response.text).toBe("Bonn")
    expect(script.requests.map(({ messages }) => messages)).toEqual([said])
    expect(Object.keys(script.requests[0] ?? {})).toEqual(["messages"])
  })

  it.each(["generateObject", "streamObject"] as const)("asks for a value in %s", async (method) => {
    const { llm, script } = scripted(['{"city":"Bonn"}'])
    const response =
      method === "generateObject"
        ? await llm.generateObject({ prompt, system, schema })
        : await llm.streamObject({ prompt, system, schema }).response
    expect("object" in response && response.object.city).toBe("Bonn")
    expect(script.requests[0]?.messages.slice(0, 2)).toEqual(said)
  })

  it.each(["runTools", "streamTools"] as const)("begins a run with tools as an object in %s", async (method) => {
    const { llm, script } = scripted([call, "Bonn"])
    const options = { prompt, system, tools: { find_city: city() } }
    if (method === "streamTools") {
      const run = llm.streamTools(options)
      await drained(run)
      expect((await run.response).text).toBe("Bonn")
    } else {
      expect((await llm.runTools(options)).text).toBe("Bonn")
    }
    expect(script.requests[0]?.messages).toEqual(said)
    expect(script.requests[0]?.tools?.map(({ name }) => name)).toEqual(["find_city"])
    expect(script.requests[1]?.messages.at(-1)).toMatchObject({
      role: "tool",
      content: [{ toolCallId: "call_1", content: "Ada lives in Bonn" }],
    })
  })

  it("is read once: what the program changes later is not sent", async () => {
    const { llm, script } = scripted(["Bonn"])
    const options = { prompt, system }
    const stream = llm.stream(options)
    options.prompt = "Which river?"
    options.system = "Lie."
    await stream.response
    expect(script.requests[0]?.messages).toEqual(said)
  })
})

describe("a system text", () => {
  it("stands in front of a conversation", async () => {
    const { llm, script } = scripted(["Bonn"])
    await llm.generate({ system, messages: [{ role: "user", content: prompt }] })
    expect(script.requests[0]?.messages).toEqual(said)
  })
})

describe("what is asked wrongly is refused by the name of its field, before anything is sent", () => {
  it.each<readonly [string, object, string, RegExp]>([
    ["a prompt beside messages", { prompt, messages: [{ role: "user", content: "Hi." }] }, "prompt", /one of the two/],
    ["a conversation as prompt", { prompt: [{ role: "user", content: "Hi." }] }, "prompt", /messages/],
    ["a prompt that is null", { prompt: null }, "prompt", /not a text/],
    ["a system that is a number", { prompt, system: 3 }, "system", /not a text/],
    ["a system alone", { system }, "messages", /messages/],
    ["a prompt for embeddings", { prompt, inputs: ["a"] }, "prompt", /does not exist/],
  ])("%s", async (name, options, field, message) => {
    const { llm, script } = scripted(["Bonn"])
    const method = name.endsWith("embeddings") ? "embed" : "generate"
    const response = await Reflect.apply(llm[method], llm, [options])
    expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter: field })
    expect(response.error).toMatch(message)
    expect(script.requests).toEqual([])
  })

  it.each<readonly [string, unknown]>([
    ["a Map of tools", new Map([["find_city", city()]])],
    ["a list with an unnamed tool", [city()]],
    ["an object with something else", { find_city: "a tool" }],
    ["nothing", null],
  ])("%s", async (_, tools) => {
    const { llm, script } = scripted(["Bonn"])
    const response = await Reflect.apply(llm.runTools, llm, [{ prompt, tools }])
    expect(response).toMatchObject({ errorType: "InvalidRequestError", parameter: "tools" })
    expect(script.requests).toEqual([])
  })
})

describe("the key of an object of tools", () => {
  it("is the tool's name, also for a tool that has one", async () => {
    const { llm, script } = scripted(["Bonn"])
    const named = tool({ name: "other", parameters: schema, execute: () => "x" })
    await llm.runTools({ prompt, tools: { find_city: named } })
    expect(script.requests[0]?.tools?.map(({ name }) => name)).toEqual(["find_city"])
  })

  it("is held to what names may be", async () => {
    const { llm, script } = scripted(["Bonn"])
    const response = await llm.runTools({ prompt, tools: { "find city!": city() } })
    expect("error" in response && response.errorType).toMatch(/InvalidRequestError|ConfigurationError/)
    expect(script.requests).toEqual([])
  })
})

// Never called: only compiled.
export const compiled = () => [
  // @ts-expect-error a question is asked once
  generate({ prompt, messages: [{ role: "user", content: "Hi." }] }),
  // @ts-expect-error something must be asked
  generate({ system }),
  // @ts-expect-error a list of tools needs names
  runTools({ prompt, tools: [city()] }),
  // A wrapper may go on with what it was given.
  ({ messages, ...rest }: RunToolsOptions) => runTools({ ...rest, messages: [...messages] }),
]
