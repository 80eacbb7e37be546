/**
 * An edge runtime in miniature: a realm with the web's globals and nothing of Node's, in which no code can be made from
 * strings.
 */
import vm from "node:vm"
import type { handle } from "./programs/worker.ts"

export interface Worker {
  readonly handle: typeof handle
}

export interface EdgeRuntime {
  readonly worker: Worker
  /** Runs an expression in the realm. */
  readonly evaluate: (expression: string) => unknown
  /** What was written to the realm's console. */
  readonly logged: ReadonlyArray<string>
}

const webGlobals = {
  ...{ AbortController, AbortSignal, Blob, DOMException, Event, EventTarget, FormData, Headers, Request, Response },
  ...{ ReadableStream, TransformStream, WritableStream, TextDecoder, TextEncoder, URL, URLSearchParams },
  ...{ atob, btoa, clearInterval, clearTimeout, crypto, performance, queueMicrotask, setInterval, setTimeout },
  ...{ fetch, structuredClone },
}

/** Starts a runtime with this script, whose exports are its global `worker`. */
export const start = (script: string): EdgeRuntime => {
  const logged: Array<string> = []
  const log = (...values: ReadonlyArray<unknown>) => void logged.push(values.map(String).join(" "))
  const console = { debug: log, error: log, info: log, log, warn: log }
  const realm = vm.createContext({ ...webGlobals, console }, { codeGeneration: { strings: false, wasm: false } })
  vm.runInContext("globalThis.self = globalThis", realm)
  const worker: Worker = vm.runInContext(`${script}\nworker`, realm, { filename: "worker.js" })
  return { worker, evaluate: (expression) => vm.runInContext(expression, realm), logged }
}
