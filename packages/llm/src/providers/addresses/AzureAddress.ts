/**
 * Where an Azure deployment answers, from any of the forms in which people write their resource down. Source:
 * learn.microsoft.com, "Azure OpenAI API version lifecycle" (the v1 route needs no api-version, the deployment is the
 * body's `model`) and the classic routes `/openai/deployments/{deployment}/chat/completions?api-version=…` and
 * `/openai/responses?api-version=…` (the deployment is the body's `model`).
 */
import { InvalidRequestError } from "../../model/LlmError.ts"
import type { ApiBase } from "./ApiBase.ts"

const defaultVersion = "2023-05-15"

/** The first version with the Responses API, which the v1 route has as well. */
export const firstWithResponses = "2025-03-01-preview"

/** A deployment's URL by its name, and the deployment that the base itself names, if it does. */
export interface AzureAddress {
  readonly url: (deployment: string) => string | InvalidRequestError
  readonly deployment: string | undefined
  readonly version: string
}

/**
 * Reads a base. Its own version wins over `apiVersion`, and the rest of its query stays. `call` is the path of the call
 * behind it: `/chat/completions`, `/responses`, `/embeddings` or `/models`, the list of models.
 */
export const azureAddress = (base: ApiBase, apiVersion: string | undefined, call: string): AzureAddress => {
  const query = new URLSearchParams(base.query)
  // These two name no deployment in their paths.
  const isRooted = call === "/responses" || call === "/models"
  const version = query.get("api-version") ?? apiVersion ?? (isRooted ? "v1" : defaultVersion)
  const path = base.path.replace(/\/(chat\/completions|responses|embeddings)$/, "")
  const versioned = withVersion(base.query, version)
  // Models that are not OpenAI's answer on /models, at the same hosts.
  if (path.endsWith("/models") && !isRooted) {
    const url = `${base.origin}${path}${call}${versioned}`
    return { url: () => url, deployment: undefined, version }
  }
  const deployment = /\/deployments\/([^/]+)$/.exec(path)?.[1]
  const root = path
    .replace(/\/(deployments\/[^/]+|models)$/, "")
    .replace(/\/v1$/, "")
    .replace(/\/openai$/, "")
  if (version.toLowerCase() === "v1" || path.endsWith("/openai/v1")) {
    const url = `${base.origin}${root}/openai/v1${call}${withoutV1(base.query)}`
    return { url: () => url, deployment: undefined, version }
  }
  const ownDeployment = deployment === undefined ? undefined : decoded(deployment)
  if (isRooted) {
    const url = `${base.origin}${root}/openai${call}${versioned}`
    return { url: () => url, deployment: ownDeployment, version }
  }
  return {
    url: (name) => {
      const segment = pathSegment(name)
      return typeof segment === "string"
        ? `${base.origin}${root}/openai/deployments/${segment}${call}${versioned}`
        : segment
    },
    version,
    deployment: ownDeployment,
  }
}

/** The query with a version, which stands first where the base has none. */
const withVersion = (query: string, version: string): string => {
  if (new URLSearchParams(query).has("api-version")) return query
  const own = `api-version=${encodeURIComponent(version)}`
  return query.length > 1 ? `?${own}&${query.slice(1)}` : `?${own}`
}

/** `api-version=v1` only says which route is meant. */
const withoutV1 = (query: string): string => {
  const pairs = query.slice(1).split("&")
  const kept = pairs.filter((pair) => pair !== "" && !/^api-version=v1$/i.test(pair))
  return kept.length === 0 ? "" : `?${kept.join("&")}`
}

/** Half a character, which no encoding of a URL has. */
const loneSurrogate = /\p{Surrogate}/u

/**
 * A deployment's name as one segment of a path. `.` and `..` are refused: URLs treat them as steps, encoded or not, so
 * that the request would reach another path.
 */
const pathSegment = (name: string): string | InvalidRequestError =>
  name === "" || name === "." || name === ".." || loneSurrogate.test(name)
    ? new InvalidRequestError({
        message: `invalid request: ${JSON.stringify(name)} cannot be the name of a deployment at model`,
        parameter: "model",
      })
    : encodeURIComponent(name)

/** As people wrote it, where it is not the encoding of anything. */
const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}
