/**
 * What one call takes from the store before its answer begins and gives back at its end, once, however it ends. It knows
 * nothing of the store.
 */
import { type LlmError, Policy } from "@wiseflow/llm"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** What to take and to give back. */
export interface Sharing<Held> {
  /** Runs before the answer begins; may wait, or refuse it. */
  readonly begin: (request: Policy.Asked) => Effect.Effect<Held, LlmError>
  /** Runs once for each call that `begin` let through. */
  readonly end: (held: Held, outcome: Policy.Outcome) => Effect.Effect<void>
}

interface Place<Held> {
  held: { readonly value: Held } | undefined
}

/** Calls that take and give back. A mechanism of `Policy.mechanism`. */
export const aroundShared = <Held>(sharing: Sharing<Held>): Policy.Around => {
  const Current = Context.Reference<Place<Held> | undefined>("@wiseflow/llm-cluster/Place", {
    defaultValue: () => undefined,
  })
  const answer = Policy.aroundAnswer<Place<Held>>({
    begin: () => Result.succeed({ held: undefined }),
    end: ({ held }, outcome) => (held === undefined ? undefined : sharing.end(held.value, outcome)),
    inside: (effect, place) => Effect.provideService(effect, Current, place),
  })
  const start = Policy.aroundStart((begin, _, request) =>
    Effect.flatMap(Current, (place) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(restore(sharing.begin(request)), (value) => {
          if (place !== undefined) place.held = { value }
          return restore(begin)
        }),
      ),
    ),
  )
  return {
    effect: (request, run) => answer.effect(request, (asked) => start.effect(asked, run)),
    stream: (request, run) => answer.stream(request, (asked) => start.stream(asked, run)),
  }
}
