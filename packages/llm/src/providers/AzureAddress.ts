/**
 * Where an Azure deployment answers, from any of the forms in which people write their resource down. Source:
 * learn.microsoft.com, "Azure OpenAI API version lifecycle" (the v1 route needs no api-version, the deployment is the
 * body's `model`) and the classic route `/openai/deployments/{deployment}/chat/completions?api-version=…`.
 */

export const exampleBase = "https://my-resource.openai.azure.com"

const defaultVersion = "2023-05-15"

/** A deployment's URL by its name, and the deployment that the base itself names, if it does. */
export interface AzureAddress {
  readonly url: (deployment: string) => string
  readonly deployment: string | undefined
  readonly version: string
}

/** Reads a base that is known to be a web address. */
export const azureAddress = (apiBase: string, apiVersion: string | undefined): AzureAddress => {
  const base = new URL(apiBase)
  const version = base.searchParams.get("api-version") ?? apiVersion ?? defaultVersion
  const path = base.pathname.replace(/\/+$/, "").replace(/\/chat\/completions$/, "")
  // Models that are not OpenAI's answer on /models, at the same hosts.
  if (path.endsWith("/models")) {
    const url = `${base.origin}${path}/chat/completions?api-version=${encodeURIComponent(version)}`
    return { url: () => url, deployment: undefined, version }
  }
  const deployment = /\/deployments\/([^/]+)$/.exec(path)?.[1]
  const root = path
    .replace(/\/deployments\/[^/]+$/, "")
    .replace(/\/v1$/, "")
    .replace(/\/openai$/, "")
  if (version.toLowerCase() === "v1" || path.endsWith("/openai/v1")) {
    const url = `${base.origin}${root}/openai/v1/chat/completions`
    return { url: () => url, deployment: undefined, version }
  }
  const query = `?api-version=${encodeURIComponent(version)}`
  return {
    url: (name) => `${base.origin}${root}/openai/deployments/${encodeURIComponent(name)}/chat/completions${query}`,
    version,
    deployment: deployment === undefined ? undefined : decodeURIComponent(deployment),
  }
}
