/** Which providers the settings lead to: the chosen one, and every other one that has what it needs. */
import { type InterfaceOptions, ProviderRegistry } from "@wiseflow/llm"
import { type Access, accessOf, type Found } from "./Access.ts"
import { isSetAnywhere } from "./ProviderSettings.ts"

/** The chosen provider, as found; the others without those that are not configured. */
export interface Configured {
  readonly chosen: Found
  readonly others: ReadonlyArray<Found & { readonly name: string }>
}

/** True where a local server would be asked that nobody set up: it needs no key, so that only its variables tell. */
const isMeant = (row: ProviderRegistry.ProviderRow): boolean =>
  ProviderRegistry.variablesOf(row).some((name) => isSetAnywhere(name))

/** What the library finds; nothing is sent. */
export const configured = async (options: InterfaceOptions): Promise<Configured> => {
  const chosen = await accessOf(options)
  const name = "access" in chosen ? chosen.access.provider : undefined
  const rows = ProviderRegistry.rows.filter((row) => row.name !== name && !row.isRouter && isMeant(row))
  const others = await Promise.all(
    rows.map(async (row) => {
      const provider = ProviderRegistry.isProviderName(row.name) ? row.name : undefined
      const model = row.fallbackModel ?? row.families[0] ?? "model"
      const found = await accessOf({ ...options, provider, model, fallbacks: [] })
      return { ...found, name: row.name }
    }),
  )
  return { chosen, others }
}

/** Every access that there is, the chosen provider's first. */
export const accesses = ({ chosen, others }: Configured): ReadonlyArray<Access> =>
  [chosen, ...others].flatMap((found) => ("access" in found ? [found.access] : []))
