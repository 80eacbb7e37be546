/** Where a client spends its CPU: self time by package and by function, from V8's sampling profiler after a warm-up. */
import { mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { warmUp } from "./cases/CpuCase.ts"
import { startClientProcess } from "./clients/ClientProcess.ts"
import type { ClientName } from "./clients/Clients.ts"
import type { Load } from "./clients/Load.ts"
import { startUpstreamProcess } from "./upstream/UpstreamProcess.ts"

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  readonly hitCount?: number
}

interface CpuProfile {
  readonly nodes: ReadonlyArray<ProfileNode>
  readonly samples: ReadonlyArray<number>
  readonly timeDeltas: ReadonlyArray<number>
}

const streamPieces = 2_000
const profiledMs = 5_000

/** The package and the file in it that a script belongs to. */
const place = (url: string): { readonly owner: string; readonly file: string } => {
  if (url === "") return { owner: "(V8)", file: "" }
  if (url.startsWith("node:")) return { owner: "node", file: url }
  const installed = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(.*)$/.exec(url)
  if (installed?.[1] !== undefined) return { owner: installed[1], file: installed[2] ?? "" }
  const workspace = /packages\/([^/]+)\/(.*)$/.exec(url)
  if (workspace?.[1] !== undefined) return { owner: `packages/${workspace[1]}`, file: workspace[2] ?? "" }
  return { owner: "other", file: url }
}

const addTo = (sums: Map<string, number>, key: string, value: number): void => {
  sums.set(key, (sums.get(key) ?? 0) + value)
}

const lines = (sums: Map<string, number>, busy: number, calls: number, most: number): string =>
  [...sums]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(
      ([key, micros]) =>
        `${((100 * micros) / busy).toFixed(1).padStart(6)} %  ${(micros / calls).toFixed(3).padStart(9)} µs  ${key}`,
    )
    .join("\n")

/** The profile as text: by package, by file, by function. Times are for one call, or for one piece. */
export const describeProfile = (profile: CpuProfile, calls: number): string => {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]))
  const owners = new Map<string, number>()
  const files = new Map<string, number>()
  const functions = new Map<string, number>()
  let busy = 0
  profile.samples.forEach((id, index) => {
    const frame = nodes.get(id)?.callFrame
    const micros = profile.timeDeltas[index] ?? 0
    if (frame === undefined || frame.functionName === "(idle)") return
    busy += micros
    const { owner, file } = place(frame.url)
    const name = frame.functionName === "" ? "(anonymous)" : frame.functionName
    addTo(owners, owner === "(V8)" ? `(V8) ${name}` : owner, micros)
    addTo(files, owner === "(V8)" ? "(V8)" : `${owner} ${file}`, micros)
    addTo(functions, `${name}  ${owner} ${file}${file === "" ? "" : `:${frame.lineNumber + 1}`}`, micros)
  })
  return [
    `busy ${(busy / 1_000).toFixed(0)} ms, ${(busy / calls).toFixed(2)} µs each`,
    `\nby package\n${lines(owners, busy, calls, 12)}`,
    `\nby file\n${lines(files, busy, calls, 25)}`,
    `\nby function\n${lines(functions, busy, calls, 50)}`,
  ].join("\n")
}

/** Profiles a client under load and prints where the time went; the raw profile stays for a viewer. */
export const profile = async (
  shape: Load["shape"],
  name: ClientName,
  inFlight: number,
  print: (text: string) => void,
): Promise<void> => {
  const upstream = await startUpstreamProcess()
  const client = startClientProcess(name)
  try {
    const apiBase = `${upstream.origin}/${shape === "call" ? "call" : `large/${streamPieces}`}`
    const load = { shape, inFlight, pieces: shape === "call" ? 0 : streamPieces, messages: 1 }
    const perCallMs = await warmUp(client, apiBase, load, 4_000)
    const count = Math.max(inFlight, Math.round(profiledMs / perCallMs))
    const file = join(await mkdtemp(join(tmpdir(), "llm-bench-")), `${name}-${shape}.cpuprofile`)
    await client.ask({ kind: "profile-start" })
    const { cpuMicros } = await client.ask({ kind: "run", apiBase, load: { ...load, count } })
    await client.ask({ kind: "profile-stop", file })
    const units = count * Math.max(load.pieces, 1)
    print(`${name}, ${count} ${shape}s, ${inFlight} in flight, ${(cpuMicros / units).toFixed(2)} µs CPU each, profiled`)
    print(describeProfile(JSON.parse(await readFile(file, "utf8")) as CpuProfile, units))
    print(`\n${file}`)
  } finally {
    await client.stop()
    await upstream.stop()
  }
}
