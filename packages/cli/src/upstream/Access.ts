/**
 * How the library would reach a provider with the settings as they are: it is asked, and its request is caught before it is
 * sent. The headers hold the key: they are for a request to the same origin, and are shown nowhere.
 */
import { type InterfaceOptions, LLMInterface } from "@wiseflow/llm"

/** Where requests to a provider go, and with which model and headers. */
export interface Access {
  readonly provider: string
  readonly model: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** The access, or what the library says is wrong with the settings. */
export type Found = { readonly access: Access } | { readonly problem: string }

/** Asks the library; nothing leaves the process. */
export const accessOf = async (options: InterfaceOptions): Promise<Found> => {
  let caught: { readonly url: string; readonly headers: Readonly<Record<string, string>> } | undefined
  await using llm = new LLMInterface({
    ...options,
    maxRetries: 0,
    logLevel: "none",
    fetch: async (url, init) => {
      caught ??= { url, headers: Object.fromEntries(new Headers(init.headers)) }
      return Response.json({ error: { message: "caught" } }, { status: 400 })
    },
  })
  const response = await llm.generate({ prompt: "hi" })
  if (caught === undefined) {
    return { problem: "error" in response ? response.error : "no request is made" }
  }
  const { model, provider } = response.metadata
  return { access: { provider, model: model ?? "", ...caught } }
}
