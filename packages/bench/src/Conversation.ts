/**
 * Questions and answers between the bench and a process that it started. One question at a time is answered once; a process
 * that dies, or does not answer in time, fails every question it still owes: a client that spins must not hold up the bench.
 */
import { type ChildProcess, fork } from "node:child_process"

interface Envelope {
  readonly id: number
  readonly question: unknown
}

type Reply =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: string; readonly code: string | undefined }

/** What a child process answered instead of an answer. */
export class ChildFailure extends Error {
  readonly code: string | undefined
  constructor(message: string, code: string | undefined) {
    super(message)
    this.name = "ChildFailure"
    this.code = code
  }
}

export interface Child<Answers> {
  readonly ask: <Kind extends keyof Answers>(
    question: { readonly kind: Kind } & Record<string, unknown>,
  ) => Promise<Answers[Kind]>
  readonly stop: () => Promise<void>
}

/** Far longer than any batch takes, even on a busy machine. */
const answerWithinMs = 120_000

const running = new Set<ChildProcess>()
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL")
})
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))

/** The environment of a measured process: nothing from outside that could change a client (keys, proxies, tracing). */
const cleanEnvironment = (extra: Record<string, string>): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  NODE_ENV: "production",
  ...extra,
})

/** Starts `file` as a process that answers questions. */
export const startChild = <Answers>(
  file: URL,
  options: {
    readonly args?: ReadonlyArray<string>
    readonly nodeOptions?: ReadonlyArray<string>
    readonly environment?: Record<string, string>
  } = {},
): Child<Answers> => {
  const owed = new Map<number, { readonly resolve: (answer: never) => void; readonly reject: (error: Error) => void }>()
  const child: ChildProcess = fork(file, options.args ?? [], {
    env: cleanEnvironment(options.environment ?? {}),
    execArgv: ["--disable-warning=ExperimentalWarning", ...(options.nodeOptions ?? [])],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  })
  running.add(child)
  let errorOutput = ""
  child.stderr?.on("data", (bytes: Buffer) => {
    errorOutput = (errorOutput + bytes.toString()).slice(-4_000)
  })
  const exited = new Promise<void>((resolve) => {
    child.once("exit", (code, signal) => {
      running.delete(child)
      for (const { reject } of owed.values()) {
        reject(new ChildFailure(`exited with ${signal ?? code}: ${errorOutput}`, undefined))
      }
      owed.clear()
      resolve()
    })
  })
  child.on("message", (message) => {
    const reply = message as Reply
    const waiting = owed.get(reply.id)
    owed.delete(reply.id)
    if ("failure" in reply) waiting?.reject(new ChildFailure(reply.failure, reply.code))
    else waiting?.resolve(reply.answer as never)
  })
  let asked = 0
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        const id = asked++
        const timer = setTimeout(() => {
          owed.delete(id)
          reject(new ChildFailure(`no answer to "${String(question.kind)}" in ${answerWithinMs / 1_000} s`, undefined))
        }, answerWithinMs)
        const settled =
          <Value>(settle: (value: Value) => void) =>
          (value: Value) => {
            clearTimeout(timer)
            settle(value)
          }
        owed.set(id, { resolve: settled(resolve), reject: settled(reject) })
        const envelope: Envelope = { id, question }
        child.send(envelope, (error) => {
          if (error === null) return
          owed.get(id)?.reject(new ChildFailure(error.message, undefined))
          owed.delete(id)
        })
      }),
    stop: async () => {
      child.kill("SIGKILL")
      await exited
    },
  }
}

/** Answers the parent's questions, in a process that `startChild` started. */
export const answerParent = <Question>(answer: (question: Question) => Promise<unknown>): void => {
  const send = (reply: Reply) => process.send?.(reply)
  process.on("message", (message) => {
    const { id, question } = message as Envelope
    answer(question as Question).then(
      (value) => send({ id, answer: value }),
      (error: unknown) => {
        const known = error instanceof Error ? error : new Error(String(error))
        const code = "code" in known && typeof known.code === "string" ? known.code : undefined
        send({ id, failure: known.stack ?? known.message, code })
      },
    )
  })
  process.on("disconnect", () => process.exit())
}
