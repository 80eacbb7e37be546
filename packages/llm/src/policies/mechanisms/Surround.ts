/** Puts what a policy does around every method of every service. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { isJoining } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import {
  type Answered,
  type Around,
  type Asked,
  type AskedAbout,
  type AskedKind,
  type Identity,
  isAbout,
  oneCall,
} from "./Around.ts"
import { copiedRequest, ownRequest } from "./OwnRequest.ts"
import { overServices, type ServiceRow } from "./ServiceTable.ts"

/** What a policy may know of a request that is neither for an answer nor for embeddings. */
export const askedAbout = (request: object, about: AskedAbout): Asked => {
  try {
    return { ...request, about }
  } catch {
    // A getter that throws: the check of requests tells of it.
    return { about }
  }
}

/** A service whose every method runs inside `around`, with a request of its own from the call on. */
export const surrounded = <I, S extends Identity>(row: ServiceRow<I, S>, inner: S, around: Around): S =>
  row.make(identityIn(inner), {
    effect: <Q extends Asked, A extends Answered>(
      kind: AskedKind,
      run: (one: S, request: Q) => Effect.Effect<A, LlmError>,
    ) => {
      if (!isAbout(kind)) {
        // Made once: each call would hold its own until it ends.
        const ask = (asked: Q) => run(inner, asked)
        return (given: Q) => {
          const { isLarge, request } = copiedRequest(given)
          const asking = around.effect(request, ask)
          return isLarge ? Effect.andThen(Effect.yieldNow, asking) : asking
        }
      }
      return (request: Q) => {
        const own = ownRequest(request)
        return around.effect<Asked, A>(askedAbout(own, kind), () => run(inner, own))
      }
    },
    stream: (run) => {
      const ask = (asked: Parameters<typeof run>[1]) => run(inner, asked)
      return (request) => around.stream(ownRequest(request), ask)
    },
    question: <A extends Answered>(about: AskedAbout, run: (one: S) => Effect.Effect<A, LlmError>) =>
      Effect.suspend(() => around.effect<Asked, A>({ about }, () => run(inner))),
    known: (of) => (model) => of(inner, model),
  })

const identityIn = ({ model, name, targets }: Identity): Identity => ({ name, model, targets })

/** The service with each of its answers one call: one that a program wrote itself is made so. */
export const entered = <I, S extends Identity>(row: ServiceRow<I, S>, service: S): S =>
  !row.isOneCall || isJoining(service) ? service : surrounded(row, service, oneCall)

/** The identity that the services of a context share. */
export const identityOf = (context: Context.Context<never>): Identity =>
  overServices<Identity | undefined>(undefined, (found, { tag }) => found ?? Context.getOrUndefined(context, tag)) ?? {
    name: "none",
  }

/** Surrounds every service of this library that a context holds; everything else in it stays as it is. */
export const surround = <R>(context: Context.Context<R>, around: Around): Context.Context<R> =>
  overServices(context, (into, row) => {
    const service = Context.getOrUndefined(context, row.tag)
    return service === undefined
      ? into
      : Context.merge(into, Context.make(row.tag, surrounded(row, entered(row, service), around)))
  })
