/** Looks at settings, keys, providers, clock and proxy, and says what to fix. No model is asked, and nothing is paid. */
import * as Effect from "effect/Effect"
import { failure } from "../ExitCode.ts"
import { styled } from "../terminal/Colors.ts"
import { escaped } from "../terminal/SafeText.ts"
import { write } from "../terminal/Streams.ts"
import { wrapped } from "../terminal/Wrap.ts"
import { accesses, configured } from "../upstream/Configured.ts"
import { listModels } from "../upstream/ModelListing.ts"
import { settingsFound } from "../upstream/ProviderSettings.ts"
import * as Upstream from "../upstream/Upstream.ts"
import type { Finding } from "./Finding.ts"
import { clock, reachability } from "./Reachability.ts"
import { proxy, settings } from "./Surroundings.ts"

/** What the command line of `doctor` says. */
export interface DoctorInput {
  readonly json: boolean
}

const marks = {
  ok: { mark: "✓", style: "green" },
  note: { mark: "!", style: "yellow" },
  fix: { mark: "✗", style: "red" },
} as const

/** A finding as lines: the mark, whom it is about, what was found, and below it what to do. */
export const findingLines = ({ about, fix, says, verdict }: Finding, columns: number): string => {
  const { stdout } = process
  const { mark, style } = marks[verdict]
  const indent = 14
  const width = Math.max(30, Math.min(columns, 110) - indent)
  const below = " ".repeat(indent)
  const [first = "", ...rest] = wrapped(escaped(says), width)
  const lines = [
    `${styled(style, mark, stdout)} ${about.padEnd(indent - 3)} ${first}`,
    ...rest.map((line) => below + line),
    ...(fix === undefined ? [] : wrapped(`→ ${fix}`, width).map((line) => below + styled(style, line, stdout))),
  ]
  return lines.join("\n")
}

const examined = Effect.fn(function* () {
  const isOffline = yield* Upstream.isOffline
  const { options } = yield* isOffline ? Upstream.open : Effect.map(Upstream.flagOptions, (options) => ({ options }))
  const found = yield* Effect.promise(() => configured(options))
  const reached = yield* Effect.promise((signal) =>
    Promise.all(accesses(found).map(async (access) => ({ access, listing: await listModels(access, signal) }))),
  )
  const findings: Array<Finding> = [
    { verdict: "ok", about: "node", says: process.version },
    isOffline ? { verdict: "ok", about: "settings", says: "not read: the embedded upstream is asked" } : settings(),
  ]
  const chosen = isOffline || settingsFound().length > 0 ? [{ name: "choice", ...found.chosen }] : []
  for (const problem of [...chosen, ...found.others]) {
    // The library says itself what to write.
    if ("problem" in problem) findings.push({ verdict: "fix", about: problem.name, says: problem.problem })
  }
  for (const { access, listing } of reached) findings.push(reachability(access, listing))
  if (reached.length > 0) findings.push(clock(reached.map(({ listing }) => listing)))
  findings.push(proxy(process.env))
  return findings
})

/** Runs `doctor`. */
export const doctor = Effect.fn(function* ({ json }: DoctorInput) {
  const findings = yield* examined()
  const text = json
    ? JSON.stringify(findings, undefined, 2)
    : findings.map((finding) => findingLines(finding, process.stdout.columns || 100)).join("\n")
  yield* Effect.promise(() => write(`${text}\n`))
  const wrong = findings.filter(({ verdict }) => verdict === "fix").length
  if (wrong > 0) return yield* failure(`${wrong} ${wrong === 1 ? "thing" : "things"} to fix`)
}, Effect.scoped)
