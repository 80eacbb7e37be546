import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { connect as connectChat } from "../src/clients/Undici.ts"
import { connect as connectMessages } from "../src/clients/UndiciMessages.ts"
import { conversation, run } from "../src/clients/Load.ts"
import { answer, pieces as spoken } from "../src/upstream/Answers.ts"
import { startUpstream, type Upstream } from "../src/upstream/Upstream.ts"

let upstream: Upstream
let origin: string

beforeAll(async () => {
  upstream = await startUpstream()
  origin = `http://127.0.0.1:${upstream.port}`
})

afterAll(() => upstream.close())

describe.each([
  { wire: "Chat Completions", connect: connectChat },
  { wire: "Anthropic Messages", connect: connectMessages },
])("the upstream and the floor, on $wire", ({ connect }) => {
  it("answers a question", async () => {
    const client = await connect(`${origin}/call`)
    expect(await client.call(conversation(1))).toBe(answer)
  })

  it.each(["large", "small"])("streams every piece in %s writes", async (writes) => {
    const client = await connect(`${origin}/${writes}/300`)
    const pieces: Array<string> = []
    await client.stream(conversation(1), (text) => pieces.push(text))
    expect(pieces).toEqual(Array.from({ length: 300 }, (_, index) => spoken[index % spoken.length]))
  })

  it("holds calls until they are released", async () => {
    const client = await connect(`${origin}/hold`)
    const calls = Promise.all([1, 2, 3].map(() => client.call(conversation(1))))
    await upstream.untilHeld(3)
    upstream.release()
    expect(await calls).toEqual([answer, answer, answer])
  })

  it("reads requests of any length", async () => {
    const client = await connect(`${origin}/call`)
    expect(await client.call(conversation(5_000))).toBe(answer)
  })
})

it("counts every call of a load", async () => {
  const before = upstream.requests().chat
  const client = await connectChat(`${origin}/call`)
  const cost = await run(client, { shape: "call", inFlight: 8, count: 50, pieces: 0, messages: 1 })
  expect(upstream.requests().chat - before).toBe(50)
  expect(cost.cpuMicros).toBeGreaterThan(0)
})

it("speaks both formats as their documents show them", async () => {
  const ask = async (path: string) => {
    const response = await fetch(`${origin}${path}`, { method: "POST", body: "{}" })
    return { type: response.headers.get("content-type"), text: await response.text() }
  }
  const chat = await ask("/large/1/chat/completions")
  expect(chat.type).toContain("text/event-stream")
  expect(chat.text.trimEnd().endsWith("data: [DONE]")).toBe(true)
  const messages = await ask("/large/1/v1/messages")
  expect([...messages.text.matchAll(/^event: (.*)$/gm)].map(([, name]) => name)).toEqual([
    "message_start",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ])
})
