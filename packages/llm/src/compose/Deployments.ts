/**
 * What several deployments of the primary model are, as `DEPLOYMENTS` or the option `deployments` tells them; how they are read is
 * in `traffic/DeploymentReading.ts`, which is loaded where there are some.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { ConfigurationError, LlmError } from "../model/LlmError.ts"
import type { BalanceOptions } from "../policies/balance/Balance.ts"
import type { DeploymentNumbers } from "../policies/balance/BalanceCheck.ts"
import * as Registry from "../providers/Registry.ts"
import * as Setting from "../settings/Setting.ts"
import type { Target } from "./Target.ts"

/**
 * One deployment of the primary model. What it leaves open is read from its provider's own settings; with an `apiBase` of
 * its own it needs a key of its own.
 */
export interface DeploymentTarget extends Omit<Target, "provider"> {
  /** What it is called in `metadata.attempts`. Each has its own. */
  readonly name: string
  /** A name or an alias of the registry. Default: the one that its model means, or that was chosen for the stack. */
  readonly provider?: string | undefined
  /** The setting that holds its key, in place of `apiKey`: the name of a variable of the environment or of a file. */
  readonly apiKeyVariable?: string | undefined
  /** Its share of the calls, against the weights of the others. Above 0; default 1. */
  readonly weight?: number | undefined
  /** The most requests within any 60 seconds there. Default: no limit. */
  readonly rpm?: number | undefined
  /** The most tokens within any 60 seconds there, input and output together. Default: no limit. */
  readonly tpm?: number | undefined
  /** The most requests in flight there. Default: no limit but the stack's. */
  readonly concurrency?: number | undefined
}

/** How calls are spread over deployments; the model is the stack's. */
export type BalanceSettings = Omit<BalanceOptions, "model">

/** What a program gives as options: it stands before the settings. */
export interface DeploymentOptions {
  /** Several deployments of the model, in place of the one that `provider` names: keys, regions, bases. They replace `DEPLOYMENTS`. */
  readonly deployments?: ReadonlyArray<DeploymentTarget> | undefined
  /** How calls are spread over the deployments: a strategy, a key for each request, when one is passed over. */
  readonly balance?: BalanceSettings | undefined
}

/** Deployments and balance that were given as options. */
export const GivenBalance = Context.Reference<DeploymentOptions>("@wiseflow/llm/GivenBalance", {
  defaultValue: () => ({}),
})

/** A deployment with all that is needed to ask it. */
export interface ReadDeployment extends DeploymentNumbers {
  readonly target: Target
  /** Where it was told, for errors: `DEPLOYMENTS[0]`. */
  readonly at: string
}

/** The deployments of a stack, and how calls are spread over them. */
export interface Deployments {
  readonly all: readonly [ReadDeployment, ...ReadonlyArray<ReadDeployment>]
  readonly options: BalanceOptions
}

/** True where anything of deployments is given or set. */
export const isAsked: Effect.Effect<boolean, LlmError> = Effect.gen(function* () {
  const { balance, deployments } = yield* GivenBalance
  if (balance !== undefined || deployments !== undefined) return true
  return (yield* Setting.text("DEPLOYMENTS")) !== undefined || (yield* Setting.text("LLM_BALANCE")) !== undefined
})

/** The error of a deployment that cannot be built, by its place instead of by the variables of its provider. */
export const placed = ({ at, target }: ReadDeployment, error: LlmError): LlmError => {
  const { reason } = error
  const row = Registry.find(target.provider)
  if (reason._tag !== "ConfigurationError" || row === undefined || reason.setting.startsWith(at)) return error
  const fields: Readonly<Record<string, string>> = {
    [row.example.keyVariable]: "apiKey",
    [row.example.baseVariable]: "apiBase",
    keyHeader: "keyHeader",
    wireApi: "wireApi",
  }
  const field = fields[reason.setting]
  const setting = field === undefined ? at : `${at}.${field}`
  const message = field === undefined ? `${at}: ${reason.message}` : reason.message.replaceAll(reason.setting, setting)
  return new LlmError({
    reason: new ConfigurationError({ setting, message }),
    provider: error.provider,
    attempts: error.attempts,
  })
}
