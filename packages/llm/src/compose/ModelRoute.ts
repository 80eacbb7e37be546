/**
 * Which provider a model id means: `provider/model` says it, and a bare name is known by how it begins. It reads names
 * only; whether that provider is configured is decided elsewhere.
 */
import * as Registry from "../providers/Registry.ts"

/** Where a model id leads, and what the model is called there. */
export interface ModelRoute {
  readonly row: Registry.ProviderRow
  readonly model: string
}

/** The route of a model id, or undefined where the name does not tell. */
export const routeOf = (id: string): ModelRoute | undefined => {
  const slash = id.indexOf("/")
  if (slash < 0) {
    const row = Registry.findByModel(id)
    return row === undefined ? undefined : { row, model: id }
  }
  const row = Registry.find(id.slice(0, slash))
  return row === undefined || slash === id.length - 1 ? undefined : { row, model: id.slice(slash + 1) }
}

/** The model without its provider, where the id names one. */
export const bareModel = (id: string): string => routeOf(id)?.model ?? id
