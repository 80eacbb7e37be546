/**
 * The address of a service as people write it: with or without a slash at its end, with a query that every request needs
 * (a gateway's token, a version). It joins paths to that address; it knows no provider's paths.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type { LlmError } from "../../model/LlmError.ts"
import * as Setting from "../../settings/Setting.ts"

export interface ApiBase {
  readonly origin: string
  /** Without a slash at its end. */
  readonly path: string
  /** The query as written, with its question mark, or nothing. */
  readonly query: string
}

/** The address of the page, where there is one: in a browser `/api/llm` is the page's own server. */
const pageAddress = (): string | undefined => {
  const location: unknown = Predicate.hasProperty(globalThis, "location") ? globalThis.location : undefined
  return Predicate.hasProperty(location, "href") && typeof location.href === "string" ? location.href : undefined
}

const parse = (value: string): URL | undefined => {
  if (URL.canParse(value)) return new URL(value)
  const page = pageAddress()
  // Only what cannot be a forgotten scheme: `localhost:4000` and `api.example.com` stay errors.
  return page !== undefined && /^\.{0,2}\//.test(value) && URL.canParse(value, page) ? new URL(value, page) : undefined
}

/** Reads an address. Its value is never quoted in an error: a key and a base are easily swapped. */
export const read = (setting: string, value: string, example: string): Effect.Effect<ApiBase, LlmError> => {
  const refuse = (problem: string) =>
    Effect.fail(Setting.invalid(setting, `${problem}; write for example ${setting}=${example}`))
  // Programs without types may pass anything.
  if (!Predicate.isString(value)) return refuse("is not a text")
  const url = parse(value.trim())
  if (url === undefined || !/^https?:$/.test(url.protocol)) return refuse("is not a web address")
  if (url.username !== "" || url.password !== "") return refuse("holds a user name or a password")
  if (value.includes("#")) return refuse("holds a fragment (#…), which is never sent; leave it out")
  return Effect.succeed({
    origin: url.origin,
    path: url.pathname.replace(/\/+$/, ""),
    query: url.search,
  })
}

/** True where the base is the service's own address `own`, and not a proxy, a mirror or another service. */
export const isAt = (base: ApiBase, own: string | undefined): boolean =>
  own !== undefined && URL.canParse(own) && new URL(own).origin === base.origin

/** The URL of a path at the base: `ending` is left out where the base was written with it. */
export const urlOf = ({ origin, path, query }: ApiBase, ending: string): string =>
  `${origin}${path.endsWith(ending) ? path : `${path}${ending}`}${query}`
