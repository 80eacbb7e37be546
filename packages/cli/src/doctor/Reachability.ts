/** What the answer of a provider says of its address, its key, the model and the clock. It sends nothing. */
import { ProviderRegistry } from "@wiseflow/llm"
import type { Access } from "../upstream/Access.ts"
import type { Listing } from "../upstream/ModelListing.ts"
import type { Finding } from "./Finding.ts"

/** A difference of the clocks that signatures and `Retry-After` dates bear. */
const tolerableMs = 60_000

const keyVariable = (provider: string): string => ProviderRegistry.find(provider)?.example.keyVariable ?? "the key"

const baseVariable = (provider: string): string =>
  ProviderRegistry.find(provider)?.example.baseVariable ?? "the address"

/** What to do about a connection that failed, by the system's own code. */
const connectionFix = (code: string, provider: string): string => {
  const address = `check ${baseVariable(provider)}, the network and the proxy`
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `the name of the host is not known: ${address}`
  if (code === "ECONNREFUSED") return `nothing listens there: start the server, or ${address}`
  if (code === "TimeoutError" || code === "ETIMEDOUT") return `no answer within 10 s: ${address}`
  if (/CERT|SELF_SIGNED|ISSUER/.test(code)) {
    return "the certificate is not trusted: behind a proxy that opens TLS, set NODE_EXTRA_CA_CERTS to its certificate"
  }
  return address
}

/** What is to be said of one provider. */
export const reachability = ({ model, provider, url }: Access, listing: Listing): Finding => {
  const { host } = new URL(url)
  const about = provider
  if ("code" in listing) {
    const says = `${host} is not reached: ${listing.message}`
    return { verdict: "fix", about, says, fix: connectionFix(listing.code, provider) }
  }
  const { latencyMs, models, status } = listing
  const took = `${host} answers in ${latencyMs} ms`
  if (status === 401 || status === 403) {
    const says = `${host} refuses the key (${status})`
    return {
      verdict: "fix",
      about,
      says,
      fix: `put a valid key into ${keyVariable(provider)}; is it of this service and project?`,
    }
  }
  if (status === 407)
    return { verdict: "fix", about, says: "the proxy refuses (407)", fix: "put user and password into HTTPS_PROXY" }
  if (status >= 500) {
    return {
      verdict: "fix",
      about,
      says: `${took}, with ${status}`,
      fix: "the service has trouble: try again later, see its status page",
    }
  }
  if (status !== 200 || models === undefined) {
    return { verdict: "ok", about, says: `${took}; it does not list its models (${status}), so the key is not proved` }
  }
  const isListed = models.length === 0 || models.includes(model)
  return isListed
    ? { verdict: "ok", about, says: `${took}, the key is accepted, ${model} is among its ${models.length} models` }
    : {
        verdict: "note",
        about,
        says: `${took}, the key is accepted, but ${model} is not among the ${models.length} models that it lists`,
        fix: `wiseflow-llm models --provider ${provider} lists them; set PRIMARY_MODEL to one`,
      }
}

/** What the servers' clocks say of this machine's. */
export const clock = (listings: ReadonlyArray<Listing>): Finding => {
  const ahead = listings.flatMap((listing) =>
    "code" in listing || listing.aheadMs === undefined ? [] : [listing.aheadMs],
  )
  const [least] = ahead.toSorted((a, b) => Math.abs(a) - Math.abs(b))
  if (least === undefined) return { verdict: "note", about: "clock", says: "no server told its time", fix: undefined }
  const seconds = Math.round(Math.abs(least) / 1000)
  return Math.abs(least) <= tolerableMs
    ? { verdict: "ok", about: "clock", says: `within ${Math.max(1, seconds)} s of the servers` }
    : {
        verdict: "fix",
        about: "clock",
        says: `${seconds} s ${least > 0 ? "ahead of" : "behind"} the servers`,
        fix: "set the clock: waits that a server gives as a date and tokens that expire go wrong",
      }
}
