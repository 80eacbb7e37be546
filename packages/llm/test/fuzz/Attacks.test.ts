/** Every attack, on every wire, by both calls and on both surfaces: an answer or an error as data, small and without a key. */
import * as Effect from "effect/Effect"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type GenerateResponse, LLMInterface } from "../../src/index.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import * as Messages from "../../src/protocols/messages/Messages.ts"
import * as Responses from "../../src/protocols/responses/Responses.ts"
import { parseJson } from "../../src/protocols/WireReader.ts"
import { readAnswer } from "../../src/transport/WholeAnswer.ts"
import { oneOfEachWire } from "../contract/Providers.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { growthOf, WorkMeter } from "../protocols/Work.ts"
import { type Attack, attacks, bodyOf, statusOf } from "./Attacks.ts"
import { effectSurface, promiseSurface } from "./Surfaces.ts"
import { patient } from "./Fuzzing.ts"

const key = "sk-attack-0123456789"
const size = 256 * 1024

const unhandled: Array<unknown> = []
const note = (error: unknown) => unhandled.push(error)
beforeEach(() => void process.on("unhandledRejection", note))
afterEach(() => {
  process.off("unhandledRejection", note)
  expect(unhandled.splice(0)).toEqual([])
})

/** What must be true of whatever came. */
const check = (response: GenerateResponse, attack: Attack): string => {
  const shown = JSON.stringify(response)
  expect(shown, attack.name).not.toContain(key)
  for (const warning of response.metadata.warnings) expect(warning.length, attack.name).toBeLessThan(1000)
  for (const attempt of response.metadata.attempts) expect(JSON.stringify(attempt).length).toBeLessThan(4000)
  if (!("error" in response)) return response.text
  expect(response.error.length, attack.name).toBeLessThanOrEqual(2200)
  expect((response.body ?? "").length, attack.name).toBeLessThanOrEqual(2000)
  expect(JSON.stringify({ ...response, partialText: "" }).length, attack.name).toBeLessThan(32_000)
  return `${response.errorType} ${response.error}`
}

const protocols = {
  chat: ChatCompletions.protocol,
  messages: Messages.protocol,
  responses: Responses.protocol,
}

describe.each(oneOfEachWire)("an attack on $name", patient, (provider) => {
  const wire = provider.wire.name

  it("ends in an answer or an error as data, alike on both surfaces and by both calls", async () => {
    const asked: Array<Attack> = []
    await using server = await FaultServer.start(() => asked.at(-1)?.answer(wire, size) ?? [])
    for (const attack of attacks) {
      asked.push(attack)
      // A breaker of its own for each: what is told is the server's doing.
      const options = { ...provider.options(server.url, key), maxRetries: 0, logger: false as const }
      await using llm = new LLMInterface(options)
      const promised: Array<string> = []
      for (const ask of promiseSurface) promised.push(check(await ask(llm), attack))
      const told: Array<string> = []
      for (const ask of effectSurface) told.push(check(await ask(provider.layer(server.url, key)), attack))
      expect(told, attack.name).toEqual(promised)
      // What is no answer is unreadable to one call and cut short to the other.
      const [generated = "", streamed = ""] = told.map((text) => /^\w+Error /.exec(text)?.[0] ?? text)
      if (generated !== "InvalidResponseError ") expect(streamed, attack.name).toBe(generated)
      else expect(streamed, attack.name).toMatch(/^(InvalidResponse|StreamInterrupted)Error /)
    }
    expect(server.requests).toHaveLength(4 * attacks.length)
  })

  it("costs no more than in proportion to its length", () => {
    const protocol = protocols[wire]
    using meter = new WorkMeter()
    for (const attack of attacks) {
      const prepared = new Map([4, 32, 64].map((size) => [size, attack.answer(wire, size * 1024)]))
      const bodies = new Map([...prepared].map(([size, answer]) => [size, [bodyOf(answer), statusOf(answer)] as const]))
      const read = (size: number): void => {
        const [body, status] = bodies.get(size) ?? ["", 200]
        if (status === 200) Effect.runSync(Effect.result(readAnswer(protocol, body)))
        else protocol.decodeFailure(parseJson(body) ?? body, status)
      }
      read(4)
      expect(growthOf(meter, read, 32), attack.name).toBeLessThan(2.7)
    }
  })
})
