/** What this machine says before anybody is asked: Node, settings, keys and the proxy. Values of secrets are not shown. */
import { settingsFound } from "../upstream/ProviderSettings.ts"
import type { Finding } from "./Finding.ts"

const shown: ReadonlySet<string> = new Set(["LLM_PROVIDER", "PRIMARY_MODEL", "SECONDARY_MODEL", "LLM_CONFIG_FILE"])

/** Which settings there are, and where. */
export const settings = (): Finding => {
  const found = settingsFound()
  if (found.length === 0) {
    return {
      verdict: "fix",
      about: "settings",
      says: "none are set, neither in the environment nor in .env",
      fix: "set OPENAI_API_KEY and PRIMARY_MODEL, or another provider's key; or try --offline",
    }
  }
  const listed = found.map(({ name, where }) => {
    const value = shown.has(name) && where === "environment" ? `=${process.env[name]}` : ""
    return `${name}${value}${where === "environment" ? "" : ` (${where})`}`
  })
  return { verdict: "ok", about: "settings", says: listed.join(", ") }
}

const withoutPassword = (address: string): string => {
  try {
    const { host, protocol, username } = new URL(address)
    return `${protocol}//${username === "" ? "" : "…@"}${host}`
  } catch {
    return "not an address"
  }
}

/** The proxy that requests go through. */
export const proxy = (environment: NodeJS.Dict<string>): Finding => {
  const set = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"].filter((name) => environment[name]?.trim())
  const all = ["ALL_PROXY", "all_proxy"].filter((name) => environment[name]?.trim())
  const wrong = set.find((name) => withoutPassword(environment[name] ?? "") === "not an address")
  if (wrong !== undefined) {
    return {
      verdict: "fix",
      about: "proxy",
      says: `${wrong} is not an address`,
      fix: `write ${wrong}=http://proxy.example:3128`,
    }
  }
  if (set.length === 0) {
    return all.length === 0
      ? { verdict: "ok", about: "proxy", says: "none" }
      : { verdict: "note", about: "proxy", says: `${all[0]} is not read`, fix: "set HTTPS_PROXY to the same address" }
  }
  const without = environment["NO_PROXY"] ?? environment["no_proxy"]
  const except = without === undefined ? "" : `, except for ${without}`
  return {
    verdict: "ok",
    about: "proxy",
    says: `${set.map((name) => `${name}=${withoutPassword(environment[name] ?? "")}`).join(", ")}${except}`,
  }
}
