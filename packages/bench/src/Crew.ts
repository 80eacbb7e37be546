/**
 * The upstream and one process for each client, kept through a whole run, and measured in turn: each round asks every client
 * once, starting from another client each time, so that a noisy moment of the machine falls on all of them.
 */
import { type ClientProcess, isNotBuilt, startClientProcess } from "./clients/ClientProcess.ts"
import type { ClientName } from "./clients/Clients.ts"
import { startUpstreamProcess, type UpstreamProcess } from "./upstream/UpstreamProcess.ts"

/** Measured numbers by client, one for each round. */
export type Measured = ReadonlyMap<ClientName, ReadonlyArray<number>>

export interface Failure {
  readonly client: ClientName
  readonly during: string
  readonly message: string
}

export interface Crew {
  readonly upstream: UpstreamProcess
  readonly names: () => ReadonlyArray<ClientName>
  readonly measure: (
    during: string,
    names: ReadonlyArray<ClientName>,
    rounds: number,
    once: (client: ClientProcess, name: ClientName) => Promise<number>,
  ) => Promise<Measured>
  readonly failures: () => ReadonlyArray<Failure>
  readonly stop: () => Promise<void>
}

/** Says what failed in one or two lines; a library that is not built is said as that. */
export const describeFailure = (error: unknown): string => {
  if (isNotBuilt(error)) return "not built: run `npm run build` first"
  const message = error instanceof Error ? error.message : String(error)
  return (message.split("\n")[0] ?? "").slice(0, 400)
}

/** Starts the upstream and the named clients. A client that fails once is left out from then on. */
export const startCrew = async (names: ReadonlyArray<ClientName>): Promise<Crew> => {
  const upstream = await startUpstreamProcess()
  const processes = new Map<ClientName, ClientProcess>()
  const failures: Array<Failure> = []

  const dropOut = async (client: ClientName, during: string, error: unknown): Promise<void> => {
    failures.push({ client, during, message: describeFailure(error) })
    await processes.get(client)?.stop()
    processes.delete(client)
  }

  const start = async (name: ClientName): Promise<void> => {
    const client = startClientProcess(name)
    processes.set(name, client)
    try {
      await client.ask({ kind: "connect", apiBase: `${upstream.origin}/call` })
    } catch (error) {
      await dropOut(name, "loading", error)
    }
  }
  await Promise.all(names.map(start))

  return {
    upstream,
    names: () => [...processes.keys()],
    failures: () => failures,
    measure: async (during, wanted, rounds, once) => {
      const measured = new Map<ClientName, Array<number>>()
      for (let round = 0; round < rounds; round++) {
        const present = wanted.filter((name) => processes.has(name))
        const first = round % Math.max(present.length, 1)
        for (const name of [...present.slice(first), ...present.slice(0, first)]) {
          const client = processes.get(name)
          if (client === undefined) continue
          try {
            const value = await once(client, name)
            measured.set(name, [...(measured.get(name) ?? []), value])
          } catch (error) {
            await dropOut(name, during, error)
            measured.delete(name)
          }
        }
      }
      return measured
    },
    stop: async () => {
      await Promise.all([...processes.values()].map((client) => client.stop()))
      await upstream.stop()
    },
  }
}
