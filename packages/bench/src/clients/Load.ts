/** Runs a client as hard as it is told to and reads what that cost this process. */
import { performance } from "node:perf_hooks"
import { answer, pieceLength } from "../upstream/Answers.ts"
import type { Client, Conversation } from "./Client.ts"

export interface Load {
  readonly shape: "call" | "stream"
  readonly inFlight: number
  /** How many calls or streams in all. */
  readonly count: number
  /** How many pieces each stream has. */
  readonly pieces: number
  /** How many messages each question has. */
  readonly messages: number
}

export interface Cost {
  /** User and system time of the whole process, all its threads. */
  readonly cpuMicros: number
  readonly wallMs: number
}

/** A question of `count` short messages, an odd number so that the user speaks last. */
export const conversation = (count: number): Conversation =>
  Array.from({ length: count - 1 + (count % 2) }, (_, index) => ({
    role: index % 2 === 0 ? "user" : "assistant",
    content: `Message ${index}: say something short about the weather today.`,
  }))

const ask = async (client: Client, load: Load, messages: Conversation): Promise<void> => {
  if (load.shape === "call") {
    const text = await client.call(messages)
    if (text !== answer) throw new Error(`answered ${text.length} characters instead of ${answer.length}`)
    return
  }
  let characters = 0
  await client.stream(messages, (text) => {
    characters += text.length
  })
  const expected = load.pieces * pieceLength
  if (characters !== expected) throw new Error(`streamed ${characters} characters instead of ${expected}`)
}

/** Puts the load on the client and checks each answer's length. */
export const run = async (client: Client, load: Load): Promise<Cost> => {
  const messages = conversation(load.messages)
  let started = 0
  const worker = async () => {
    while (started < load.count) {
      started++
      await ask(client, load, messages)
    }
  }
  const startedAt = performance.now()
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: Math.min(load.inFlight, load.count) }, worker))
  const { user, system } = process.cpuUsage(before)
  return { cpuMicros: user + system, wallMs: performance.now() - startedAt }
}

/** Microseconds from the question to the first piece of text of each of `count` streams, one after the other. */
export const timesToFirstPiece = async (client: Client, count: number): Promise<Array<number>> => {
  const messages = conversation(1)
  const times: Array<number> = []
  for (let index = 0; index < count; index++) {
    const startedAt = performance.now()
    let first: number | undefined
    await client.stream(messages, () => {
      first ??= performance.now() - startedAt
    })
    if (first !== undefined) times.push(first * 1_000)
  }
  return times
}
