/**
 * Several deployments of one model: keys, regions, bases. A call goes to one of them, chosen by weight, by what is in flight
 * or by latency, and to the next where one cannot answer, in a stream before the first output only. One that says that it is
 * asked too often, is out of quota or keeps failing is passed over until its time; each has its own rate and concurrency.
 *
 * It takes the place of a provider: put `withRetry` and `withTimeout` around it, and each deployment's own breaker and
 * attempt clocks inside. Each retry may ask every deployment again.
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { joinStream } from "../../call/CallContext.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { withConcurrency } from "../Concurrency.ts"
import {
  type Answered,
  type Asked,
  type AskedAbout,
  type AskedKind,
  type Identity,
  isAbout,
  kinds,
} from "../mechanisms/Around.ts"
import { askWithOwn, streamWithOwn } from "../mechanisms/OwnRequest.ts"
import { type AnyService, overServices, type ServiceRow } from "../mechanisms/ServiceTable.ts"
import { answerWithin, streamWithin, targetsOf } from "../mechanisms/Shares.ts"
import { askedAbout, entered } from "../mechanisms/Surround.ts"
import { askInTurn, type AskOne, type Balanced, type Balancing } from "./BalancedCall.ts"
import { invalid, mistakeIn } from "./BalanceCheck.ts"
import type { BalanceStrategy } from "./BalanceCheck.ts"
import { DeploymentHealth, type Patience } from "./DeploymentHealth.ts"
import { tracked } from "./DeploymentTracking.ts"
import { Pace } from "../traffic/Pace.ts"
import { withPace } from "../traffic/RateLimit.ts"

/** A Layer of a deployment, whatever it provides. */
export type DeploymentLayer = Layer.Layer<never, unknown, unknown>

/** One deployment of the model. */
export interface Deployment<L extends DeploymentLayer = DeploymentLayer> {
  /** What it is called in `metadata.attempts`, events and spans. Each has its own. */
  readonly name: string
  /** What answers there: a provider, with the policies that are the deployment's own. */
  readonly layer: L
  /** Its share of the calls, against the weights of the others. Above 0; default 1. */
  readonly weight?: number | undefined
  /** What the model is called there: asked for where a request names no model, or `model` of the options. */
  readonly model?: string | undefined
  /** The most requests in flight there. Default: no limit. */
  readonly concurrency?: number | undefined
  /** The most requests within any 60 seconds there. Default: no limit. */
  readonly rpm?: number | undefined
  /** The most tokens within any 60 seconds there, input and output together. Default: no limit. */
  readonly tpm?: number | undefined
}

/** How calls are spread over the deployments. */
export interface BalanceOptions {
  /** How one is chosen among those that can be asked at once. Default `latency`. */
  readonly strategy?: BalanceStrategy | undefined
  /**
   * The key of a request: those with the same key go to the same deployment while it can be asked at once, so that its prompt
   * cache is used. `stickyKey` of `CallOptions` wins over it. Undefined for a request without a key.
   */
  readonly stickyBy?: ((request: Asked) => string | undefined) | undefined
  /** The name of the model that the deployments serve, each under its own name: a request for it goes to `model` of each. */
  readonly model?: string | undefined
  /** How many deployments one call may ask. Default: each once. */
  readonly maxTries?: number | undefined
  /** How many failures in a row make a deployment be passed over. Default 3. */
  readonly failures?: number | undefined
  /** How long one that keeps failing is passed over, before one request tries it again. Default 5 seconds. */
  readonly openFor?: Duration.Input | undefined
  /** How long one is passed over that is out of quota, or refuses its key, and does not say for how long. Default 1 minute. */
  readonly quotaPause?: Duration.Input | undefined
}

/** The services that every deployment provides. */
type Provided<L extends DeploymentLayer, I = AnyService> = I extends AnyService
  ? [L] extends [Layer.Layer<I, unknown, unknown>]
    ? I
    : never
  : never

/** What building a deployment needs and how it may fail, as they are written in the type of its Layer. */
type BalancedLayer<L extends DeploymentLayer> = Layer.Layer<Provided<L>, Layer.Error<L> | LlmError, Layer.Services<L>>

/**
 * One provider from several deployments of a model. It provides each service that all of them provide; a Layer that several
 * of them stand on is built once. Fails with a `ConfigurationError` where a name stands twice or a number makes no sense.
 */
export function withBalance<I extends AnyService, E, R>(
  deployments: ReadonlyArray<Deployment<Layer.Layer<I, E, R>>>,
  options?: BalanceOptions,
): Layer.Layer<I, E | LlmError, R>
export function withBalance<const D extends Deployment>(
  deployments: ReadonlyArray<D>,
  options?: BalanceOptions,
): BalancedLayer<D["layer"]>
export function withBalance(deployments: ReadonlyArray<Deployment>, options: BalanceOptions = {}): DeploymentLayer {
  return Layer.fromBuildMemo((memoMap, scope) => {
    const mistake = mistakeIn(deployments, options)
    if (mistake !== undefined) return Effect.fail(mistake)
    const { failures = 3 } = options
    const patience: Patience = {
      failures,
      rate: 0.5,
      calls: 20,
      windowMs: 30_000,
      openMs: millis(options.openFor, 5000),
      quotaMs: millis(options.quotaPause, 60_000),
    }
    const greatest = Math.max(...deployments.map(({ weight = 1 }) => weight))
    const built = Effect.forEach(deployments, (deployment) => {
      const health = healthOf(deployment, patience, greatest)
      return Effect.map(Layer.buildWithMemoMap(limited(deployment, health), memoMap, scope), (services) => ({
        health,
        services,
      }))
    })
    return Effect.flatMap(built, (all) => servicesOf(all, options))
  })
}

const millis = (input: Duration.Input | undefined, otherwise: number): number =>
  input === undefined ? otherwise : Duration.toMillis(Duration.fromInputUnsafe(input))

/** Weights count against each other only: as shares of the greatest, no sum of them is too large for a number. */
const healthOf = (deployment: Deployment, patience: Patience, greatest: number): DeploymentHealth => {
  const { concurrency = Number.POSITIVE_INFINITY, model, name, rpm, tpm, weight = 1 } = deployment
  const pace = rpm === undefined && tpm === undefined ? undefined : new Pace(rpm, tpm)
  return new DeploymentHealth({ name, weight: weight / greatest, model, concurrency, pace }, patience)
}

/** A deployment within its own limits. */
const limited = ({ concurrency, layer }: Deployment, { settings: { pace } }: DeploymentHealth): DeploymentLayer => {
  const slow: DeploymentLayer = pace === undefined ? layer : withPace(pace)(layer)
  return concurrency === undefined ? slow : withConcurrency(concurrency)(slow)
}

/** A deployment that was built. */
interface Built {
  readonly health: DeploymentHealth
  readonly services: Context.Context<never>
}

/** The same service of all; undefined where one of them lacks it. */
const ofAll = <I, S>(
  all: ReadonlyArray<Built>,
  tag: Context.Key<I, S>,
  track: (service: S, health: DeploymentHealth) => S,
): ReadonlyArray<Balanced<S>> | undefined => {
  const found = all.flatMap(({ health, services }) => {
    const service = Context.getOrUndefined(services, tag)
    return service === undefined ? [] : [{ health, service: track(service, health) }]
  })
  return found.length < all.length ? undefined : found
}

const servicesOf = (
  all: ReadonlyArray<Built>,
  options: BalanceOptions,
): Effect.Effect<Context.Context<never>, LlmError> => {
  // What else the first one provides stays as it is.
  let services = all[0]?.services ?? Context.empty()
  const { maxTries = all.length, model, stickyBy, strategy = "latency" } = options
  const balancing: Balancing = { maxTries, model, stickyBy, strategy }
  let isNothing = true
  services = overServices(services, (into, row) => {
    const found = ofAll(all, row.tag, (service, health) => tracked(row, entered(row, service), health))
    if (found === undefined) return into
    isNothing = false
    return Context.merge(into, Context.make(row.tag, balanced(row, found, balancing)))
  })
  return isNothing
    ? Effect.fail(
        invalid("the deployments have no service in common: give each an LlmProvider, or each an EmbeddingProvider"),
      )
    : Effect.succeed(services)
}

const identity = (all: ReadonlyArray<Balanced<Identity>>, { maxTries, model }: Balancing): Identity => ({
  name: all[0]?.service.name ?? "none",
  model: model ?? all[0]?.health.settings.model ?? all[0]?.service.model,
  targets: Math.min(
    all.reduce((sum, { service }) => sum + targetsOf(service), 0),
    maxTries,
  ),
})

/** One service of all. Any deployment may list the models, those of its own account. */
const balanced = <I, S extends Identity>(
  row: ServiceRow<I, S>,
  all: ReadonlyArray<Balanced<S>>,
  balancing: Balancing,
): S => {
  const who = identity(all, balancing)
  const { name } = who
  return row.make(who, {
    effect: <Q extends Asked, A extends Answered>(
      kind: AskedKind,
      run: (one: S, request: Q) => Effect.Effect<A, LlmError>,
    ) => {
      const { latency } = kinds[kind]
      // Made once: each call would hold its own until it ends.
      const ask: AskOne<S, Q, A> = ({ service }, asked, context, share) =>
        answerWithin(run(service, asked), context, share, service.name)
      const asking = (request: Q) => {
        const told = isAbout(kind) ? askedAbout(request, kind) : request
        return askInTurn(all, balancing, { request, told, kind: latency }, ask)
      }
      return (given: Q) => askWithOwn(given, name, asking)
    },
    stream: (run) => (given) =>
      streamWithOwn(given, name, (request) =>
        joinStream((scope) =>
          askInTurn(all, balancing, { request, told: request, kind: "stream" }, ({ service }, asked, context, share) =>
            streamWithin(run(service, asked), scope, context, share, service.name),
          ),
        ),
      ),
    question: <A extends Answered>(about: AskedAbout, run: (one: S) => Effect.Effect<A, LlmError>) =>
      askInTurn<S, Asked, A>(
        all,
        balancing,
        { request: {}, told: { about }, kind: kinds[about].latency },
        ({ service }, _, context, share) => answerWithin(run(service), context, share, service.name),
      ),
    known: (of, least) => (model) =>
      all.map(({ health, service }) => of(service, model ?? health.settings.model)).reduce(least, undefined),
  })
}
