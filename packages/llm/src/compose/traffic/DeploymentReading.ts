/**
 * Reads the deployments of the primary model: each is checked and completed from its provider's own settings. What is wrong is
 * told by its place, as in `DEPLOYMENTS[1].weight`; it builds nothing.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { looksLikeKey } from "../../model/KeyShape.ts"
import type { LlmError } from "../../model/LlmError.ts"
import { suggestion } from "../../model/NearestName.ts"
import type { BalanceOptions } from "../../policies/balance/Balance.ts"
import { type DeploymentNumbers, mistakeInOptions, mistakeOf, strategies } from "../../policies/balance/BalanceCheck.ts"
import * as Registry from "../../providers/Registry.ts"
import { type FieldKind, numberField, readFields, textField, textsField } from "../../settings/EntryFields.ts"
import * as Setting from "../../settings/Setting.ts"
import {
  type BalanceSettings,
  type Deployments,
  type DeploymentTarget,
  GivenBalance,
  type ReadDeployment,
} from "../Deployments.ts"
import { routeOf } from "../ModelRoute.ts"
import { isConfigured, readTarget, rowOf, type Target } from "../Target.ts"

/** What was written, by the names of the options. */
interface Fields extends Omit<Partial<DeploymentTarget>, "name"> {
  readonly name?: string | undefined
}

const variable = "DEPLOYMENTS"
const example = `[{"name": "east", "provider": "openai", "model": "gpt-5-mini", "api_key": "sk-…"}]`

const balanceFields: ReadonlyArray<string> = [
  "strategy",
  "stickyBy",
  "maxTries",
  "failures",
  "openFor",
  "quotaPause",
] satisfies ReadonlyArray<keyof BalanceSettings>

/** The deployments that are given or set; undefined where there are none. `chosen` is the provider of the stack. */
export const read = (
  chosen: Registry.ProviderRow | undefined,
  primaryModel: string | undefined,
): Effect.Effect<Deployments | undefined, LlmError> =>
  Effect.gen(function* () {
    const { balance, deployments } = yield* GivenBalance
    const text = yield* Setting.text(variable)
    const strategy = yield* Setting.oneOf("LLM_BALANCE", strategies)
    const options: BalanceOptions = { strategy, ...balance, model: primaryModel }
    const unknown = Object.keys(balance ?? {}).find((name) => !balanceFields.includes(name))
    if (unknown !== undefined) {
      const hint = suggestion(unknown, balanceFields) || `; there are ${balanceFields.join(", ")}`
      return yield* Setting.invalid(
        looksLikeKey(unknown) ? "balance" : `balance.${unknown}`,
        `there is no such option${hint}`,
      )
    }
    const mistake = mistakeInOptions(options)
    if (mistake !== undefined) return yield* Setting.invalid(`balance.${mistake[0]}`, mistake[1])
    const at = deployments === undefined ? variable : "deployments"
    const entries = deployments === undefined ? yield* listOf(text) : yield* fieldsOfAll(deployments)
    if (entries === undefined) {
      if (balance === undefined) return undefined
      return yield* Setting.invalid(
        "balance",
        "there are no deployments to spread calls over; write deployments: [ … ] beside it",
      )
    }
    const names = new Set<string>()
    const all = yield* Effect.forEach(entries, (fields, index) =>
      Effect.gen(function* () {
        const deployment = yield* completed(fields, `${at}[${index}]`, chosen, primaryModel)
        if (names.has(deployment.name)) {
          return yield* Setting.invalid(`${at}[${index}].name`, "is the name of another one; each needs its own")
        }
        names.add(deployment.name)
        return deployment
      }),
    )
    const [first, ...others] = all
    if (first === undefined) return yield* Setting.invalid(at, `holds no deployment; write for example ${example}`)
    return { all: [first, ...others], options }
  })

const notAList = `is not a JSON list of deployments; write for example ${example}`

/** The entries of the setting. */
const listOf = (text: string | undefined): Effect.Effect<ReadonlyArray<Fields> | undefined, LlmError> => {
  if (text === undefined) return Effect.undefined
  const parsed = Result.try((): unknown => JSON.parse(text))
  if (Result.isFailure(parsed) || !Array.isArray(parsed.success))
    return Effect.fail(Setting.invalid(variable, notAList))
  return Effect.forEach(parsed.success, (entry: unknown, index) => fieldsOf(entry, `${variable}[${index}]`, true))
}

/** The entries of the option. Programs without types may pass anything in their place. */
const fieldsOfAll = (deployments: ReadonlyArray<DeploymentTarget>): Effect.Effect<ReadonlyArray<Fields>, LlmError> =>
  Array.isArray(deployments)
    ? Effect.forEach(deployments, (entry, index) => fieldsOf(entry, `deployments[${index}]`, false))
    : Effect.fail(
        Setting.invalid("deployments", 'is not a list; write for example [{ name: "east", provider: "openai" }]'),
      )

const completed = (
  fields: Fields,
  at: string,
  chosen: Registry.ProviderRow | undefined,
  primaryModel: string | undefined,
): Effect.Effect<ReadDeployment, LlmError> =>
  Effect.gen(function* () {
    const { apiBase, apiKey, apiKeyVariable, concurrency, headers, keyHeader, name = "", rpm, tpm, weight } = fields
    const numbers: DeploymentNumbers = { name, weight, rpm, tpm, concurrency }
    const mistake = mistakeOf(numbers)
    if (mistake !== undefined) return yield* Setting.invalid(`${at}.${mistake[0]}`, mistake[1])
    const asked = fields.model ?? primaryModel
    const route = asked === undefined ? undefined : routeOf(asked)
    const row =
      fields.provider === undefined
        ? chosen === undefined || chosen.isRouter
          ? (route?.row ?? chosen)
          : chosen
        : yield* rowOf(`${at}.provider`, fields.provider)
    if (row === undefined) {
      return yield* Setting.invalid(`${at}.provider`, `is not set; write one of ${Registry.names.join(", ")}`)
    }
    const own = yield* readTarget(row, undefined, row === chosen)
    const key =
      apiKey ?? (apiKeyVariable === undefined ? undefined : yield* keyFrom(apiKeyVariable, `${at}.apiKeyVariable`))
    const isElsewhere = apiBase !== undefined
    const target: Target = {
      ...own,
      provider: row.name,
      // A proxy reads `provider/model` itself.
      model: asked === undefined || row.isRouter || route?.row !== row ? (asked ?? row.fallbackModel) : route.model,
      apiKey: key ?? (isElsewhere ? undefined : own.apiKey),
      keyHeader: keyHeader ?? (isElsewhere ? undefined : own.keyHeader),
      apiBase: apiBase ?? own.apiBase,
      apiVersion: fields.apiVersion ?? own.apiVersion,
      wireApi: fields.wireApi ?? own.wireApi,
      headers: headers ?? (isElsewhere ? undefined : own.headers),
      prices: fields.prices ?? own.prices,
      ...(fields.fetch === undefined && fields.proxy === undefined ? {} : { fetch: fields.fetch, proxy: fields.proxy }),
    }
    if (!isConfigured(target)) return yield* unconfigured(target, row, at, isElsewhere)
    return { ...numbers, target, at }
  })

/** The key in another setting. */
const keyFrom = (name: string, at: string) => {
  if (!/^[A-Za-z_]\w*$/.test(name) || looksLikeKey(name)) {
    return Effect.fail(Setting.invalid(at, "is not the name of a variable; a key itself belongs in api_key"))
  }
  return Effect.flatMap(Setting.secret(name), (key) =>
    key === undefined ? Effect.fail(Setting.invalid(at, `the variable ${name} is not set`)) : Effect.succeed(key),
  )
}

const unconfigured = (target: Target, row: Registry.ProviderRow, at: string, isElsewhere: boolean): LlmError => {
  if (row.isKeyOptional) {
    return Setting.invalid(`${at}.apiBase`, `is not set; write for example ${row.example.apiBase}`)
  }
  const instead = isElsewhere
    ? "; at an address of its own it needs a key of its own"
    : `, or set ${row.variables.apiKey}`
  return Setting.invalid(`${at}.apiKey`, `is not set: write the key of ${target.provider} there${instead}`)
}

/** What text can hold. */
const written: Readonly<Record<string, FieldKind>> = {
  name: textField,
  provider: textField,
  model: textField,
  apiKey: textField,
  apiKeyVariable: textField,
  keyHeader: textField,
  apiBase: textField,
  apiVersion: textField,
  wireApi: { wanted: "chat or responses", fits: (value) => value === "chat" || value === "responses" },
  headers: textsField,
  weight: numberField,
  rpm: numberField,
  tpm: numberField,
  concurrency: numberField,
}

/** What a program can pass beside it. */
const given: Readonly<Record<string, FieldKind>> = {
  ...written,
  apiKey: {
    wanted: "a text, a Redacted, an Effect or a function",
    fits: (value) =>
      textField.fits(value) || Redacted.isRedacted(value) || Effect.isEffect(value) || typeof value === "function",
  },
  fetch: { wanted: "a function", fits: (value) => typeof value === "function" },
  proxy: {
    wanted: "an address, or false",
    fits: (value) => value === false || typeof value === "string" || Redacted.isRedacted(value),
  },
  prices: {
    wanted: "a plain object or a function",
    fits: (value) => typeof value === "function" || Predicate.isObject(value),
  },
}

/** The fields of one entry; `isSetting` where it was written as text. */
const fieldsOf = (entry: unknown, at: string, isSetting: boolean): Effect.Effect<Fields, LlmError> =>
  Effect.gen(function* () {
    const fields: Fields = yield* Effect.fromResult(readFields(entry, at, isSetting ? written : given, isSetting))
    const { apiKey, apiKeyVariable, name } = fields
    if (name === undefined) return yield* Setting.invalid(`${at}.name`, 'is not set; write for example "east"')
    if (apiKey !== undefined && apiKeyVariable !== undefined) {
      return yield* Setting.invalid(`${at}.apiKeyVariable`, "not together with the key itself; leave one of them out")
    }
    if (typeof apiKey !== "string") return fields
    const key = Setting.secretReader(apiKey.trim(), `${at}.apiKey`)
    return Result.isFailure(key)
      ? yield* Setting.invalid(`${at}.apiKey`, key.failure)
      : { ...fields, apiKey: key.success }
  })
