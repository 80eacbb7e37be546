/** What is kept of each model, of a bounded number of them: the one used least recently is forgotten first. */

import { type Asked, type Identity, kindOf } from "./Around.ts"

/** The model of a request and how it is asked: answers that come at once take longer than the first piece of a stream. */
export const kindAndModel = (request: Asked, { model = "" }: Identity, isStream: boolean): string => {
  return `${isStream ? "streamed" : "whole"} ${kindOf(request)} ${request.model ?? model}`
}

/** Models that are remembered. Their names may come from anywhere. */
const maxModels = 1000

/** What is kept of a model, made where nothing is known of it yet. */
export const perModel = <A>(make: () => A): ((model: string) => A) => {
  const known = new Map<string, A>()
  let last: { readonly model: string; readonly kept: A } | undefined
  return (model) => {
    // Most programs ask one model most of the time.
    if (last?.model === model) return last.kept
    const kept = known.get(model) ?? make()
    if (!known.has(model) && known.size >= maxModels)
      for (const oldest of known.keys()) {
        known.delete(oldest)
        break
      }
    // What was used last stands last.
    known.delete(model)
    known.set(model, kept)
    last = { model, kept }
    return kept
  }
}
