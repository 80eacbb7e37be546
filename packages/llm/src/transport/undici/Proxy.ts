/**
 * Which proxy a request goes through, by the rules of undici's `EnvHttpProxyAgent`. It reads settings and decides; it opens
 * nothing, and shows no credentials.
 */
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { LlmError } from "../../model/LlmError.ts"
import * as Secrets from "../../settings/Secrets.ts"
import { secretText } from "../../settings/SecretText.ts"
import * as Setting from "../../settings/Setting.ts"

/** An HTTP proxy. `origin` may be shown, `authorization` may not. */
export interface Proxy {
  readonly origin: string
  readonly protocol: "http:" | "https:"
  readonly host: string
  readonly hostname: string
  readonly port: string
  /** The value of `proxy-authorization`. */
  readonly authorization: string | undefined
}

/** The proxies of a transport, and what of their addresses must appear nowhere. */
export interface Proxies {
  readonly proxyOf: (origin: URL) => Proxy | undefined
  readonly secrets: ReadonlyArray<string>
}

const example = "http://proxy.example:3128"

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const base64 = (text: string): string => btoa(String.fromCharCode(...new TextEncoder().encode(text)))

/** The host of an address; one of IPv6 stands in brackets there. */
const unbracketed = (hostname: string): string => (hostname.startsWith("[") ? hostname.slice(1, -1) : hostname)

interface Read {
  readonly proxy: Proxy
  readonly secrets: ReadonlyArray<string>
}

/** Reads a proxy's address. Its text is never quoted, because it may hold a password. */
const parse = (setting: string, text: unknown): Effect.Effect<Read, LlmError> => {
  const address = typeof text !== "string" ? "" : text.includes("://") ? text : `http://${text}`
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined) {
    return Effect.fail(Setting.invalid(setting, `is not a proxy's address; write for example ${setting}=${example}`))
  }
  const { protocol } = url
  if (protocol !== "http:" && protocol !== "https:") {
    const message = `is not an HTTP proxy; write for example ${setting}=${example}, or bring an HttpClient that knows others`
    return Effect.fail(Setting.invalid(setting, message))
  }
  const username = decoded(url.username)
  const password = decoded(url.password)
  const credentials = username === "" ? undefined : base64(`${username}:${password}`)
  return Effect.succeed({
    proxy: {
      origin: url.origin,
      protocol,
      host: url.host,
      hostname: unbracketed(url.hostname),
      port: url.port === "" ? (protocol === "https:" ? "443" : "80") : url.port,
      authorization: credentials === undefined ? undefined : `Basic ${credentials}`,
    },
    secrets: Secrets.ofAddress(address),
  })
}

/** Every request goes through this proxy, whatever the environment says. */
export const fromOption = (proxy: string | Redacted.Redacted): Effect.Effect<Proxies, LlmError> =>
  Effect.map(parse("proxy", secretText(proxy) ?? ""), (read) => ({
    proxyOf: () => read.proxy,
    secrets: read.secrets,
  }))

const firstSet = (...names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    for (const name of names) {
      const value = yield* Setting.text(name)
      if (value !== undefined) return { name, value }
    }
    return undefined
  })

/**
 * `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, the lower-case name first; undefined where no proxy is set. An `https:`
 * address goes through `HTTP_PROXY` where `HTTPS_PROXY` is not set.
 */
export const fromSettings: Effect.Effect<Proxies | undefined, LlmError> = Effect.gen(function* () {
  const http = yield* firstSet("http_proxy", "HTTP_PROXY")
  const https = (yield* firstSet("https_proxy", "HTTPS_PROXY")) ?? http
  if (https === undefined) return undefined
  const forHttps = yield* parse(https.name, https.value)
  const forHttp = http === undefined ? undefined : yield* parse(http.name, http.value)
  const isDirect = noProxy((yield* firstSet("no_proxy", "NO_PROXY"))?.value ?? "")
  return {
    proxyOf: (origin) =>
      isDirect(origin) ? undefined : origin.protocol === "https:" ? forHttps.proxy : forHttp?.proxy,
    secrets: [...forHttps.secrets, ...(forHttp?.secrets ?? [])],
  }
})

/** One entry of `NO_PROXY`: a host, a domain with all below it, or everything, at one port or at all. */
interface Exception {
  readonly hostname: string
  readonly port: number
  /** Written `*.example.com`: what is below the domain, but not the domain itself. */
  readonly isWildcard: boolean
}

const defaultPorts: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 }

/** Reads one entry. An address of IPv6 holds colons of its own, so that its port needs brackets: `[::1]:443`. */
const exceptionOf = (entry: string): Exception => {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry)
  const named = /^([^:]+):(\d+)$/.exec(entry)
  const host = bracketed?.[1] ?? named?.[1] ?? entry
  return {
    hostname: host
      .replace(/^\*?\./, "")
      .replace(/(?!^)\.$/, "")
      .toLowerCase(),
    port: Number(bracketed?.[2] ?? named?.[2] ?? 0),
    isWildcard: entry.startsWith("*"),
  }
}

/** True for origins that `NO_PROXY` names: entries are separated by commas or spaces, `*` is every host. */
export const noProxy = (list: string): ((origin: URL) => boolean) => {
  const exceptions = list.split(/[,\s]/).map(exceptionOf)
  return ({ hostname, port, protocol }) => {
    const host = unbracketed(hostname)
      .replace(/(?!^)\.$/, "")
      .toLowerCase()
    const at = Number(port) || (defaultPorts[protocol] ?? 0)
    return exceptions.some((exception) => {
      if (exception.port !== 0 && exception.port !== at) return false
      if (exception.hostname === "*") return true
      return (!exception.isWildcard && host === exception.hostname) || host.endsWith(`.${exception.hostname}`)
    })
  }
}
