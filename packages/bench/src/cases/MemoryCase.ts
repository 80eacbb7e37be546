/** Heap for each call in flight: thousands of calls that the upstream holds, each client in a fresh process. */
import { startClientProcess } from "../clients/ClientProcess.ts"
import type { ClientName } from "../clients/Clients.ts"
import type { Effort } from "../Effort.ts"
import { startUpstreamProcess } from "../upstream/UpstreamProcess.ts"

/** A first, smaller load, so that code compiled on first use does not count. */
const warmUpShare = 0.04

/** Kilobytes of heap for each of `effort.held` calls in flight, after garbage collection. */
export const measureMemory = async (name: ClientName, effort: Effort): Promise<number> => {
  const upstream = await startUpstreamProcess()
  const client = startClientProcess(name)
  try {
    const apiBase = `${upstream.origin}/hold`
    const holding = async (count: number): Promise<number> => {
      const before = await client.ask({ kind: "hold", apiBase, count })
      await Promise.race([
        upstream.ask({ kind: "until-held", count }),
        client.ask({ kind: "released" }).then(() => Promise.reject(new Error("a held call was answered"))),
      ])
      const during = await client.ask({ kind: "heap" })
      await upstream.ask({ kind: "release" })
      await client.ask({ kind: "released" })
      return (during.heapBytes - before.heapBytes) / count / 1_024
    }
    await holding(Math.ceil(effort.held * warmUpShare))
    return await holding(effort.held)
  } finally {
    await client.stop()
    await upstream.stop()
  }
}
