/** A stream holds its permit and its connection as long as somebody holds the stream, and memory within a bound. */
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, it } from "vitest"
import { isLlmError, LLMInterface, type LlmEvent } from "../../src/index.ts"
import { layer } from "../../src/testing/Scripted.ts"
import { answers, beginEvents, chatEnd, chatPieces, listen, type Reply } from "../guide/LoopbackUpstream.ts"
import { runProgram } from "../guide/ProgramRun.ts"

const messages = [{ role: "user" as const, content: "Hello." }]
const program = (name: string) => new URL(`programs/${name}.ts`, import.meta.url).pathname
const nodeFlags = ["--conditions=@wiseflow/source", "--expose-gc"]

const stalls: Reply = (request, response, position) => {
  const model = String(request.body["model"])
  if (model === "answers") return answers("hello")(request, response, position)
  beginEvents(response).write(chatPieces(["Once", " upon"], model))
  if (model === "slow") setTimeout(() => response.end(`${chatPieces([" a time"], model)}${end}`), 300)
}

const end = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`

describe("streams that nobody holds, or that are held and not read", () => {
  it("give their permits and connections back when they are collected", async () => {
    await using upstream = await listen(stalls)
    const environment = { OPENAI_API_BASE: upstream.url, WISEFLOW_LOG_LEVEL: "none" }
    const { code, stderr, stdout } = await runProgram(program("dropped"), { environment, nodeFlags })
    expect([code, stderr]).toEqual([0, ""])
    expect(JSON.parse(stdout)).toEqual({ begun: Array(5).fill(false), text: "hello" })
    await Promise.all(upstream.requests.map(({ closed }) => closed))
  })

  it("keep the process of a call that waits for their permit, until their reader's clock gives it back", async () => {
    await using upstream = await listen(stalls)
    const environment = { OPENAI_API_BASE: upstream.url, WISEFLOW_LOG_LEVEL: "none" }
    const { code, stderr, stdout } = await runProgram(program("waiting"), { environment, nodeFlags })
    expect([code, stderr]).toEqual([0, ""])
    expect(JSON.parse(stdout)).toEqual({ done: false, text: "hello", held: "TimeoutError" })
  })

  it("are read on where somebody waits for what they were asked for", async () => {
    await using upstream = await listen(stalls)
    const environment = { OPENAI_API_BASE: upstream.url, WISEFLOW_LOG_LEVEL: "none" }
    const { code, stderr, stdout } = await runProgram(program("awaited"), { environment, nodeFlags })
    expect([code, stderr]).toEqual([0, ""])
    expect(JSON.parse(stdout)).toEqual({ done: false, text: "Once upon a time" })
  })
})

describe("streams that have ended", () => {
  it("are collected while they are young: what is told of dropped ones does not make them old", async () => {
    await using upstream = await listen(answers("hello"))
    const environment = { OPENAI_API_BASE: upstream.url, WISEFLOW_LOG_LEVEL: "none" }
    const { code, stderr, stdout } = await runProgram(program("ended"), { environment, nodeFlags })
    expect([code, stderr]).toEqual([0, ""])
    // 2.4 KB; 10.5 KB where streams that have ended become old.
    expect(JSON.parse(stdout).bytes).toBeLessThan(6000)
  })
})

/** An interface on one scripted answer of so many pieces. */
const spoken = (pieces: number) => {
  const script = layer([{ text: Array.from({ length: pieces }, (_, index) => `${index} `) }])
  return LLMInterface.fromLayer(script, { logger: false })
}

const textOf = async (events: AsyncIterable<LlmEvent>) => {
  let text = ""
  for await (const event of events) if (event.type === "text-delta") text += event.delta
  return text
}

const thrownBy = (events: AsyncIterable<LlmEvent>) =>
  textOf(events).then(
    () => "nothing",
    (error: unknown) => error,
  )

describe("a stream", () => {
  it("gives its response beside a reader that awaits it inside the loop", async () => {
    const stream = spoken(3000).stream({ messages })
    let text = ""
    for await (const event of stream) {
      if (event.type !== "text-delta") continue
      if (text === "") text = (await stream.response).text
    }
    expect(text.trim().split(" ")).toHaveLength(3000)
  })

  it("gives all events to a reader that comes after its response was asked for", async () => {
    const stream = spoken(100).stream({ messages })
    const { response } = stream
    await sleep(5)
    expect(await textOf(stream)).toBe((await response).text)
  })

  it("keeps no events for a reader that never comes, and says so to one that comes too late", async () => {
    const stream = spoken(10_000).stream({ messages })
    expect((await stream.response).text.trim().split(" ")).toHaveLength(10_000)
    const thrown = await thrownBy(stream)
    expect(isLlmError(thrown) && thrown.message).toContain("begin to read the events before")
  })

  it("is read once: a further loop over a finished stream throws, so that it does not look empty", async () => {
    const stream = spoken(3).stream({ messages })
    expect(await textOf(stream)).toBe("0 1 2 ")
    const thrown = await thrownBy(stream)
    expect(isLlmError(thrown) && thrown.message).toContain("read to its end already")
  })

  it("is read once: a further loop over a broken stream throws its failure again", async () => {
    const llm = LLMInterface.fromLayer(layer([{ text: "a", error: "ServerError" }]), { logger: false })
    const stream = llm.stream({ messages })
    expect(await thrownBy(stream)).toMatchObject({ reason: { _tag: "ServerError" } })
    expect(await stream.next()).toEqual({ done: true, value: undefined })
    expect(await thrownBy(stream)).toMatchObject({ reason: { _tag: "ServerError" } })
  })

  it("has given its permit back at its last event, also where the service does not end its answer at once", async () => {
    await using upstream = await listen(({ body }, response) => {
      beginEvents(response).write(chatPieces(["Hi."], body["model"]) + chatEnd(body["model"]))
    })
    const waits: Array<number> = []
    const llm = new LLMInterface({
      provider: "openai",
      apiKey: "k",
      model: "m",
      apiBase: upstream.url,
      maxConcurrentRequests: 1,
      logger: false,
      onEvent: (event) => {
        if (event.type === "permit") waits.push(event.waitedMs)
      },
    })
    let second: Promise<string> | undefined
    for await (const { type } of llm.stream({ messages })) {
      if (type === "response-finish") second = textOf(llm.stream({ messages }))
    }
    expect(await second).toBe("Hi.")
    await llm.dispose()
    // Closing lasts longer than this where the connection is still open.
    expect(waits.map((waitedMs) => waitedMs < 10)).toEqual([true, true])
  })

  it("goes on where a reader that was not a loop has stopped", async () => {
    const stream = spoken(3).stream({ messages })
    expect(await stream.next()).toMatchObject({ value: { type: "response-start" } })
    expect(await textOf(stream)).toBe("0 1 2 ")
  })
})
