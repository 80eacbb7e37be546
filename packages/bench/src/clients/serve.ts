/** A client's process: first the guard, then the client. */
import "../Loopback.ts"
import { writeFile } from "node:fs/promises"
import { Session } from "node:inspector/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { answerParent } from "../Conversation.ts"
import type { Client } from "./Client.ts"
import type { ClientQuestion } from "./ClientProcess.ts"
import { clients, isClientName } from "./Clients.ts"
import { conversation, run, timesToFirstPiece } from "./Load.ts"

const [, , name = ""] = process.argv
const connections = new Map<string, Promise<Client>>()

const clientOf = (apiBase: string): Promise<Client> => {
  const known = connections.get(apiBase)
  if (known !== undefined) return known
  if (!isClientName(name)) return Promise.reject(new Error(`no client is named ${name}`))
  const made = clients[name].load().then(({ connect }) => connect(apiBase))
  connections.set(apiBase, made)
  return made
}

const heapBytes = async (): Promise<number> => {
  for (let pass = 0; pass < 3; pass++) {
    globalThis.gc?.()
    await sleep(20)
  }
  return process.memoryUsage().heapUsed
}

let held: Promise<unknown> = Promise.resolve()
let session: Session | undefined

answerParent<ClientQuestion>(async (question) => {
  switch (question.kind) {
    case "connect":
      await clientOf(question.apiBase)
      return null
    case "run":
      return run(await clientOf(question.apiBase), question.load)
    case "first-piece":
      return timesToFirstPiece(await clientOf(question.apiBase), question.count)
    case "hold": {
      const client = await clientOf(question.apiBase)
      const messages = conversation(1)
      const before = await heapBytes()
      held = Promise.all(Array.from({ length: question.count }, () => client.call(messages)))
      return { heapBytes: before }
    }
    case "heap":
      return { heapBytes: await heapBytes() }
    case "released":
      await held
      return null
    case "profile-start": {
      session = new Session()
      session.connect()
      await session.post("Profiler.enable")
      await session.post("Profiler.setSamplingInterval", { interval: 200 })
      await session.post("Profiler.start")
      return null
    }
    case "profile-stop": {
      const result = await session?.post("Profiler.stop")
      await writeFile(question.file, JSON.stringify(result?.profile))
      return null
    }
  }
})
