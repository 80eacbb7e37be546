/** The lists of @earendil-works/pi-ai: what it knows of each provider's models. Its code is never run. */
import { readFileSync } from "node:fs"
import * as Schema from "effect/Schema"
import { folderOf, sources } from "./Sources.ts"

const Rates = { input: Schema.Finite, output: Schema.Finite, cacheRead: Schema.Finite, cacheWrite: Schema.Finite }

const Model = Schema.Struct({
  id: Schema.String,
  type: Schema.String,
  reasoning: Schema.optional(Schema.Boolean),
  contextWindow: Schema.optional(Schema.Finite),
  maxTokens: Schema.optional(Schema.Finite),
  cost: Schema.Struct({
    ...Rates,
    tiers: Schema.optional(Schema.Array(Schema.Struct({ inputTokensAbove: Schema.Finite, ...Rates }))),
  }),
  /** What each level of thinking is called on the wire; null where the model does not have it. */
  thinkingLevelMap: Schema.optional(Schema.Record(Schema.String, Schema.NullOr(Schema.String))),
  compat: Schema.optional(
    Schema.Struct({
      supportsTemperature: Schema.optional(Schema.Boolean),
      supportsReasoningEffort: Schema.optional(Schema.Boolean),
      maxTokensField: Schema.optional(Schema.String),
    }),
  ),
})

/** A model as the second source describes it. */
export interface CatalogModel extends Schema.Schema.Type<typeof Model> {}

const List = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Record(Schema.String, Model)))

/** The chat models of a provider, by the source's name for it. */
export const catalogOf = (provider: string): ReadonlyArray<CatalogModel> => {
  const file = new URL(`dist/providers/data/${provider}.json`, folderOf(sources.second.name))
  const lists = Schema.decodeUnknownSync(List)(readFileSync(file, "utf8"))
  return Object.values(lists)
    .flatMap((models) => Object.values(models))
    .filter(({ type }) => type === "chat")
}
