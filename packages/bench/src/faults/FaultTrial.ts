/** One fault against one client: a server of its own, a process of its own, a limit of its own. */
import { type ChildProcess, fork } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { FaultServer, type RecordedRequest } from "../../../llm/test/faults/FaultServer.ts"
import { wires } from "../../../llm/test/faults/Wires.ts"
import type { Report, Seen } from "./CallOnce.ts"
import type { FaultCase } from "./FaultCase.ts"
import type { FaultClientRow } from "./FaultClient.ts"

/** After this a call is reported as hanging and its process is ended. */
export const patienceMs = 9000
/** How long to load a library, and how long a socket may take to close once its call is over. */
const loadMs = 30_000
const lingerMs = 1000

/** What the server and the caller saw of one call. */
export interface Observation {
  /** Undefined while the call still hung after `patienceMs`. */
  readonly seen: Seen | undefined
  /** The text that had come when it hung. */
  readonly textSoFar: string
  readonly durationMs: number
  readonly requests: ReadonlyArray<Pick<RecordedRequest, "receivedAtMs" | "answeredAtMs">>
  /** For an answer that the server never finished: how long after the abort, or the end, the client closed the socket. */
  readonly socket: { readonly closedAfterMs: number | undefined } | undefined
}

/** From the end of each answer to the request after it. */
export const waitsMs = ({ requests }: Observation): ReadonlyArray<number> =>
  requests.slice(1).map(({ receivedAtMs }, index) => receivedAtMs - (requests[index]?.answeredAtMs ?? receivedAtMs))

/** Runs one trial. It rejects only where the client's process broke before its call began. */
export const runTrial = async (fault: FaultCase, client: FaultClientRow): Promise<Observation> => {
  const server = await FaultServer.start(fault.script(wires[client.wire]))
  const child = fork(
    fileURLToPath(new URL("./CallOnce.ts", import.meta.url)),
    [client.name, server.url, fault.call, fault.aborts ? "abort" : "finish"],
    {
      execArgv: [...process.execArgv, "--import", new URL("./LoopbackOnly.ts", import.meta.url).href],
      // Neither the environment nor a `.env` of the folder the command is run in may say anything to a client.
      cwd: fileURLToPath(new URL(".", import.meta.url)),
      env: { PATH: process.env["PATH"], NODE_ENV: "production" },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    },
  )
  let complaint = ""
  child.stderr?.on("data", (bytes) => (complaint += String(bytes)))
  try {
    let abortedAtMs: number | undefined
    let textSoFar = ""
    child.on("message", (report: Report) => {
      if (report.type === "text") textSoFar = report.text
      else if (report.type === "aborted") abortedAtMs = report.atMs
    })
    const started = reported(child, "started")
    const ended = reported(child, "ended")
    const broken = new Promise<never>((_, reject) => {
      child.on("close", (code) => reject(new Error(`${client.name} exited with ${code}: ${errorLine(complaint)}`)))
    })
    broken.catch(() => undefined)
    const start = await Promise.race([started, broken, timeLimit(loadMs, `${client.name} did not load`)])
    const end = await Promise.race([ended, broken, sleep(patienceMs, undefined, { ref: false })])
    const unfinished = server.requests.findLast((request) => request.answeredAtMs === undefined)
    if (end !== undefined && unfinished !== undefined) {
      await Promise.race([unfinished.connection.closed, sleep(lingerMs, undefined, { ref: false })])
    }
    const closedAtMs = unfinished?.connection.closedAtMs
    return {
      seen: end?.seen,
      textSoFar,
      durationMs: end === undefined ? patienceMs : end.atMs - start.atMs,
      requests: server.requests.map(({ receivedAtMs, answeredAtMs }) => ({ receivedAtMs, answeredAtMs })),
      socket:
        unfinished === undefined
          ? undefined
          : {
              closedAfterMs:
                closedAtMs === undefined
                  ? undefined
                  : Math.max(0, closedAtMs - (abortedAtMs ?? end?.atMs ?? closedAtMs)),
            },
    }
  } finally {
    child.kill("SIGKILL")
    await server.close()
  }
}

/** The line of a stack trace that says what went wrong, without this machine's folders. */
const errorLine = (trace: string): string =>
  (trace.split("\n").find((line) => line.includes("Error")) ?? "no reason given").replaceAll(
    /(file:\/\/)?\/[\w./-]*\//g,
    "",
  )

/** The child's report of that type. */
const reported = <Type extends Report["type"]>(child: ChildProcess, type: Type) =>
  new Promise<Extract<Report, { type: Type }>>((resolve) => {
    child.on("message", (report: Report) => {
      if (isOfType(report, type)) resolve(report)
    })
  })

const isOfType = <Type extends Report["type"]>(report: Report, type: Type): report is Extract<Report, { type: Type }> =>
  report.type === type

const timeLimit = async (milliseconds: number, message: string): Promise<never> => {
  await sleep(milliseconds, undefined, { ref: false })
  throw new Error(message)
}
