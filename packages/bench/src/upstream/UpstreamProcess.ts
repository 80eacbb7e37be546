/** The upstream in a process of its own, so that its CPU never counts as a client's. */
import { type Child, startChild } from "../Conversation.ts"
import type { Wire } from "./Answers.ts"

export interface UpstreamAnswers {
  readonly start: { readonly port: number }
  readonly requests: Record<Wire, number>
  readonly "until-held": null
  readonly release: null
}

export interface UpstreamProcess {
  readonly origin: string
  readonly ask: Child<UpstreamAnswers>["ask"]
  readonly stop: () => Promise<void>
}

/** Starts an upstream process; `origin` is its address. */
export const startUpstreamProcess = async (): Promise<UpstreamProcess> => {
  const child = startChild<UpstreamAnswers>(new URL("./serve.ts", import.meta.url))
  const { port } = await child.ask({ kind: "start" })
  return { origin: `http://127.0.0.1:${port}`, ask: child.ask, stop: child.stop }
}
