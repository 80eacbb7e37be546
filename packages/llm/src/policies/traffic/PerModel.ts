/** What is kept of each model, of a bounded number of them: the one used least recently is forgotten first. */

/** Models that are remembered. Their names may come from anywhere. */
const maxModels = 1000

/** What is kept of a model, made where nothing is known of it yet. */
export const perModel = <A>(make: () => A): ((model: string) => A) => {
  const known = new Map<string, A>()
  return (model) => {
    const kept = known.get(model) ?? make()
    if (!known.has(model) && known.size >= maxModels)
      for (const oldest of known.keys()) {
        known.delete(oldest)
        break
      }
    // What was used last stands last.
    known.delete(model)
    known.set(model, kept)
    return kept
  }
}
