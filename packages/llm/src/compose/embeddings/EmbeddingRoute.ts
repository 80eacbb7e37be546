/**
 * Which provider embeds with a model: `provider/model` says it, the chosen provider takes every other name where it serves
 * embeddings, and where it serves none (or routes by model) the name tells by how it begins. It reads names only.
 */
import * as Result from "effect/Result"
import { looksLikeKey } from "../../model/KeyShape.ts"
import type { LlmError } from "../../model/LlmError.ts"
import * as Registry from "../../providers/Registry.ts"
import { quoted } from "../../settings/Secrets.ts"
import * as Setting from "../../settings/Setting.ts"
import { routeOf, type ModelRoute } from "../ModelRoute.ts"
import { isRouter, type Target } from "../Target.ts"

/** Who embeds, by the name that a request or a setting gives. `setting` is what an error names. */
export const embeddingRouteOf = (
  id: string | undefined,
  home: Target,
  setting: string,
): Result.Result<ModelRoute, LlmError> => {
  const chosen = Registry.find(home.provider)
  if (id === undefined) {
    const example = chosen?.embeddings?.exampleModel ?? "text-embedding-3-small"
    const problem = `write for example EMBEDDING_MODEL=${example}: it is not set, and the request names no model`
    return Result.fail(Setting.invalid("EMBEDDING_MODEL", problem))
  }
  // A proxy reads `provider/model` itself.
  if (chosen?.isRouter === true && !isRouter(home)) return Result.succeed({ row: chosen, model: id })
  const named = id.includes("/") ? routeOf(id) : undefined
  if (named !== undefined) return serving(named, setting)
  if (chosen?.embeddings !== undefined && !isRouter(home)) return Result.succeed({ row: chosen, model: id })
  const row = Registry.findByEmbeddingModel(id)
  if (row !== undefined) return Result.succeed({ row, model: id })
  const shown = looksLikeKey(id) ? "<model>" : id
  const problem = `${quoted(id)} does not say which provider to ask; write for example openai/${shown}`
  return Result.fail(Setting.invalid(setting, problem))
}

const serving = (route: ModelRoute, setting: string): Result.Result<ModelRoute, LlmError> => {
  if (route.row.embeddings !== undefined) return Result.succeed(route)
  const example = `${setting}=voyage/voyage-3.5`
  return Result.fail(Setting.invalid(setting, `${route.row.title} serves no embeddings; write for example ${example}`))
}
