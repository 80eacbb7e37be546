/**
 * Every provider that this library knows, one row each: settings, routing, the command line, telemetry and the documentation
 * read them here. A service that speaks Chat Completions with its key in a header is a row and nothing else; a provider with
 * an address, an option or a protocol of its own is a file and its line.
 */
import * as Effect from "effect/Effect"
import * as Setting from "../settings/Setting.ts"
import * as Anthropic from "./Anthropic.ts"
import * as AzureOpenAi from "./AzureOpenAi.ts"
import * as LiteLlmProxy from "./LiteLlmProxy.ts"
import * as OpenAi from "./OpenAi.ts"
import type { ProviderRow } from "./ProviderRow.ts"
import { services, voyage } from "./services/ServiceTable.ts"

export type { TargetOptions } from "./ProviderOptions.ts"
export type { ProtocolName, ProviderRow } from "./ProviderRow.ts"

/**
 * The rows in the order in which a fallback tries them; `services/ServiceTable.ts` has those of services without code of
 * their own.
 */
const table = {
  openai: OpenAi.row,
  anthropic: Anthropic.row,
  azure: AzureOpenAi.row,
  litellm: LiteLlmProxy.row,
  ...services,
} satisfies Readonly<Record<string, ProviderRow>>

/** Providers that serve embeddings and nothing else: no answer is ever asked of them. */
const embeddingTable = {
  voyage: {
    ...voyage,
    endpoint: () => Effect.fail(Setting.invalid("provider", `${voyage.title} serves embeddings only`)),
  },
} satisfies Readonly<Record<string, ProviderRow>>

/** The name of a provider that serves embeddings only. */
export type EmbeddingProviderName = keyof typeof embeddingTable

/** The name of a provider that has a row. */
export type ProviderName = keyof typeof table

/** Every row that answers, in the order in which a fallback tries them. */
export const rows: ReadonlyArray<ProviderRow> = Object.values(table)

/** The name of every row, in the same order. */
export const names: ReadonlyArray<string> = rows.map(({ name }) => name)

/** Every row that serves embeddings. */
export const embeddingRows: ReadonlyArray<ProviderRow> = [...rows, ...Object.values(embeddingTable)].filter(
  ({ embeddings }) => embeddings !== undefined,
)

const byName: ReadonlyMap<string, ProviderRow> = new Map(
  [...rows, ...embeddingRows].flatMap((row) => [row.name, ...row.aliases].map((name) => [name, row] as const)),
)

/** True for the name of a row; an alias is not one. */
export const isProviderName = (name: string): name is ProviderName => Object.hasOwn(table, name)

/** The row of a name or an alias, in upper or lower case. */
export const find = (name: string): ProviderRow | undefined => byName.get(String(name).toLowerCase())

/** The row whose models' names begin as this one does; undefined for a name that tells nothing. */
export const findByModel = (model: string): ProviderRow | undefined => {
  const name = model.toLowerCase()
  return rows.find(({ families }) => families.some((family) => name.startsWith(family)))
}

/** The row whose embedding models' names begin as this one does; undefined for a name that tells nothing. */
export const findByEmbeddingModel = (model: string): ProviderRow | undefined => {
  const name = model.toLowerCase()
  return embeddingRows.find(({ embeddings }) => embeddings?.families.some((family) => name.startsWith(family)))
}

/** The variables that a provider reads: under its own name, then those that other libraries read for it. */
export const variablesOf = ({ variables }: ProviderRow): ReadonlyArray<string> =>
  [
    variables.apiKey,
    variables.apiBase,
    variables.apiVersion,
    variables.wireApi,
    ...Object.values(variables.neighbours ?? {}),
  ].filter((name) => name !== undefined)
