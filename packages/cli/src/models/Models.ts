/** Asks the configured providers for their models and prints them. A provider that does not answer is told on stderr. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failure } from "../ExitCode.ts"
import { reachability } from "../doctor/Reachability.ts"
import { Provider } from "../SharedFlags.ts"
import { say, write } from "../terminal/Streams.ts"
import { tableLines } from "../terminal/Table.ts"
import { accesses, configured } from "../upstream/Configured.ts"
import { listModels } from "../upstream/ModelListing.ts"
import * as Upstream from "../upstream/Upstream.ts"

/** What the command line of `models` says. */
export interface ModelsInput {
  readonly filter: Option.Option<string>
  readonly json: boolean
}

/** Runs `models`. */
export const models = Effect.fn(function* ({ filter, json }: ModelsInput) {
  const { isOffline, options } = yield* Upstream.open
  const isOne = isOffline || Option.isSome(yield* Provider)
  const found = yield* Effect.promise(() =>
    configured({ ...options, model: options.model ?? (isOne ? "model" : undefined) }),
  )
  const asked = accesses(isOne ? { ...found, others: [] } : found)
  if (asked.length === 0) {
    return yield* failure("problem" in found.chosen ? found.chosen.problem : "no provider is configured")
  }
  const listings = yield* Effect.promise((signal) =>
    Promise.all(asked.map(async (access) => ({ access, listing: await listModels(access, signal) }))),
  )
  const wanted = Option.getOrElse(filter, () => "").toLowerCase()
  const rows = listings.flatMap(({ access, listing }) => {
    if (!("code" in listing) && listing.status === 200 && listing.models !== undefined) {
      return listing.models.map((id) => ({ provider: access.provider, id }))
    }
    say(`${access.provider}: ${reachability(access, listing).says}`)
    return []
  })
  const shown = rows
    .filter(({ id }) => id.toLowerCase().includes(wanted))
    .toSorted((a, b) => a.provider.localeCompare(b.provider) || a.id.localeCompare(b.id))
  const lines = json
    ? shown.map((row) => JSON.stringify(row))
    : shown.length === 0
      ? []
      : tableLines(
          [{ title: "provider" }, { title: "model" }],
          shown.map(({ id, provider }) => [provider, id]),
          process.stdout.isTTY ? process.stdout.columns : undefined,
        )
  if (lines.length > 0) yield* Effect.promise(() => write(`${lines.join("\n")}\n`))
  if (rows.length === 0) return yield* failure("no provider listed its models")
  if (shown.length === 0) return yield* failure(`none of ${rows.length} models has ${wanted} in its name`)
}, Effect.scoped)
