/** The batch interface of the provider that the settings lead to. */
import type { InterfaceOptions } from "@wiseflow/llm"
import { type Access, accessOf } from "../../upstream/Access.ts"
import { anthropicBatches } from "./AnthropicBatches.ts"
import type { BatchService } from "./BatchService.ts"
import { openAiBatches, type Signed } from "./OpenAiBatches.ts"
import { ServiceFailure } from "./ServiceHttp.ts"

/** Which interface each provider has. */
const interfaces: Readonly<
  Record<string, (provider: string, url: string, signed: Signed) => BatchService | undefined>
> = {
  openai: openAiBatches,
  azure: openAiBatches,
  anthropic: anthropicBatches,
}

/** Finds it. Headers are asked for before each request: a key may be a token that expires. */
export const serviceOf = (access: Access, options: InterfaceOptions, signal: AbortSignal): BatchService | undefined => {
  const signed: Signed = async (request) => {
    const found = await accessOf(options)
    if (!("access" in found)) throw new ServiceFailure(found.problem, 400)
    // Only the library's own headers at this origin are for it.
    if (new URL(found.access.url).origin !== new URL(request.url).origin) {
      throw new ServiceFailure("the address of the provider has changed", 400)
    }
    return { ...request, headers: { ...found.access.headers, ...request.headers }, signal }
  }
  const { provider, url } = access
  return Object.hasOwn(interfaces, provider) ? interfaces[provider]?.(provider, url, signed) : undefined
}
