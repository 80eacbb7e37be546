/** One client in a process of its own, and the questions it answers about itself. */
import { type Child, ChildFailure, startChild } from "../Conversation.ts"
import type { ClientName } from "./Clients.ts"
import type { Cost, Load } from "./Load.ts"

export interface ClientAnswers {
  readonly connect: null
  readonly run: Cost
  readonly "first-piece": Array<number>
  /** Starts calls and does not wait for them; resolves to the heap in use before. */
  readonly hold: { readonly heapBytes: number }
  readonly heap: { readonly heapBytes: number }
  readonly released: null
  readonly "profile-start": null
  readonly "profile-stop": null
}

export type ClientQuestion =
  | { readonly kind: "connect"; readonly apiBase: string }
  | { readonly kind: "run"; readonly apiBase: string; readonly load: Load }
  | { readonly kind: "first-piece"; readonly apiBase: string; readonly count: number }
  | { readonly kind: "hold"; readonly apiBase: string; readonly count: number }
  | { readonly kind: "heap" | "released" | "profile-start" }
  | { readonly kind: "profile-stop"; readonly file: string }

export interface ClientProcess {
  readonly ask: <Question extends ClientQuestion>(question: Question) => Promise<ClientAnswers[Question["kind"]]>
  readonly stop: () => Promise<void>
}

/** Starts a client's process. The client itself is loaded by the first question. */
export const startClientProcess = (name: ClientName): ClientProcess => {
  const child: Child<ClientAnswers> = startChild<ClientAnswers>(new URL("./serve.ts", import.meta.url), {
    args: [name],
    nodeOptions: ["--expose-gc"],
  })
  return {
    ask: <Question extends ClientQuestion>(question: Question) =>
      child.ask<Question["kind"]>({ ...question, kind: question.kind }),
    stop: child.stop,
  }
}

/** True when a client failed because this library has not been built. */
export const isNotBuilt = (error: unknown): boolean =>
  error instanceof ChildFailure &&
  error.message.includes("@wiseflow/llm") &&
  (error.code === "ERR_MODULE_NOT_FOUND" || error.message.includes("does not provide an export"))
