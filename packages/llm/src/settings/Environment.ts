/**
 * The environment, as far as it may be read. Deno asks its user for each access that was not granted: where options say
 * everything that is needed, nobody is asked.
 */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Predicate from "effect/Predicate"

/** What Deno says of an access; `granted` on every platform without permissions. */
type Permission = "granted" | "prompt" | "denied"

/** Asks Deno, which answers without asking its user. */
const permission = (descriptor: Readonly<Record<string, string>>): Permission => {
  const platform: object = globalThis
  const deno = Predicate.hasProperty(platform, "Deno") ? platform.Deno : undefined
  const permissions = Predicate.hasProperty(deno, "permissions") ? deno.permissions : undefined
  if (!Predicate.hasProperty(permissions, "querySync") || !Predicate.isFunction(permissions.querySync)) return "granted"
  const status: unknown = permissions.querySync(descriptor)
  if (!Predicate.hasProperty(status, "state")) return "granted"
  return status.state === "granted" || status.state === "denied" ? status.state : "prompt"
}

/** One variable; undefined also where it may not be read. This is what a `ConfigProvider` of the library reads. */
const variable = (name: string): string | undefined => {
  try {
    // @effect-diagnostics-next-line processEnv:off
    return globalThis.process.env[name]
  } catch {
    return undefined
  }
}

/**
 * The variables of the environment. With `isNeeded: false` only those that may be read without asking: all of them on
 * every platform but Deno, and there the ones of `names` that were granted.
 */
export const environment = (options: {
  readonly isNeeded: boolean
  readonly names: Iterable<string>
}): ConfigProvider.ConfigProvider => {
  const granted = permission({ name: "env" })
  if (granted === "granted" || (options.isNeeded && granted === "prompt")) {
    try {
      return ConfigProvider.fromEnv()
    } catch {
      // The person who was asked said no.
      return ConfigProvider.fromEnvRecord({})
    }
  }
  const record: Record<string, string | undefined> = {}
  for (const name of options.names) {
    if (permission({ name: "env", variable: name }) === "granted") record[name] = variable(name)
  }
  return ConfigProvider.fromEnvRecord(record)
}

/** True where a file may be read, or is needed enough to ask. */
export const mayRead = (path: string, isNeeded: boolean): boolean => {
  const granted = permission({ name: "read", path })
  return granted === "granted" || (isNeeded && granted === "prompt")
}
