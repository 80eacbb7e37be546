/** Puts what a policy does around every method of every service. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { isJoining } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmEvent } from "../../model/LlmEvent.ts"
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
import { streamWithOwn, askWithOwn } from "./OwnRequest.ts"
import { overServices, type ServiceRow } from "./ServiceTable.ts"

/** What a policy may know of a request that is neither for an answer nor for embeddings. */
export const askedAbout = (request: object, about: AskedAbout): Asked => ({ ...request, about })

/** The request that a policy asks with, as its service knows it. */
const unasked = <Q extends object>(asked: Asked): Q => {
  const { about: _, ...fields } = asked
  return fields as Q
}

/** A service whose every method runs inside `around`, with a request of its own from the call on. */
export const surrounded = <I, S extends Identity>(row: ServiceRow<I, S>, inner: S, around: Around): S =>
  row.make(identityIn(inner), {
    effect: <Q extends Asked, A extends Answered>(
      kind: AskedKind,
      run: (one: S, request: Q) => Effect.Effect<A, LlmError>,
    ) => {
      // Made once: each call would hold its own until it ends.
      const ask = (asked: Q) => run(inner, asked)
      const asking = isAbout(kind)
        ? (request: Q) => {
            const told = askedAbout(request, kind)
            return around.effect<Asked, A>(told, (asked) => ask(asked === told ? request : unasked(asked)))
          }
        : (request: Q) => around.effect(request, ask)
      return (given: Q) => askWithOwn(given, inner.name, asking)
    },
    stream: <Q extends Asked>(run: (one: S, request: Q) => Stream.Stream<LlmEvent, LlmError>) => {
      const ask = (asked: Q) => run(inner, asked)
      const asking = (request: Q) => around.stream(request, ask)
      return (given: Q) => streamWithOwn(given, inner.name, asking)
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
