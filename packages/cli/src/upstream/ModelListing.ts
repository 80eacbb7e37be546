/** Asks a provider which models it serves: it costs nothing, and tells whether address, key and clock are right. */
import * as http from "node:http"
import * as https from "node:https"
import type { Access } from "./Access.ts"

/** What came of it. */
export type Listing =
  | {
      readonly status: number
      /** The ids of the models, where the answer has them. */
      readonly models: ReadonlyArray<string> | undefined
      /** How far this machine's clock is ahead of the server's; undefined where it does not tell. */
      readonly aheadMs: number | undefined
      readonly latencyMs: number
    }
  | { readonly code: string; readonly message: string }

const limitMs = 10_000
const limitBytes = 8 * 1024 * 1024

/** `…/v1/models` beside `…/v1/chat/completions`, `/responses` or `/messages`. */
export const listingUrl = (url: string): URL => {
  const address = new URL(url)
  address.pathname = address.pathname.replace(
    /(\/deployments\/[^/]+)?\/(chat\/completions|responses|messages)$/,
    "/models",
  )
  return address
}

const idsOf = (body: string): ReadonlyArray<string> | undefined => {
  try {
    const { data }: { readonly data?: unknown } = JSON.parse(body)
    if (!Array.isArray(data)) return undefined
    return data.flatMap((model: unknown) =>
      typeof model === "object" && model !== null && "id" in model && typeof model.id === "string" ? [model.id] : [],
    )
  } catch {
    return undefined
  }
}

/** `ahead` of a `Date` header, which has whole seconds. */
const aheadOf = (date: string | undefined, now: number): number | undefined => {
  const server = Date.parse(date ?? "")
  return Number.isNaN(server) ? undefined : now - server
}

/** Asks for the models. Never rejects. */
export const listModels = ({ headers, url }: Access, signal: AbortSignal): Promise<Listing> => {
  const address = listingUrl(url)
  const { Agent, request } = address.protocol === "https:" ? https : http
  // The body of the request that was caught is not sent.
  const kept = Object.entries(headers).filter(([name]) => !/^(content-.*|accept-encoding|host)$/i.test(name))
  const startedMs = Date.now()
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException) =>
      resolve({ code: error.code ?? error.name, message: error.message || (error.code ?? error.name) })
    const asked = request(
      address,
      {
        headers: Object.fromEntries(kept),
        agent: new Agent({ proxyEnv: process.env }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(limitMs)]),
      },
      (response) => {
        const now = Date.now()
        let body = ""
        response.setEncoding("utf8")
        response.on("data", (piece: string) => {
          body += piece
          if (body.length > limitBytes) response.destroy(new Error("the list of models is longer than 8 MiB"))
        })
        response.on("error", failed)
        response.on("end", () =>
          resolve({
            status: response.statusCode ?? 0,
            models: idsOf(body),
            aheadMs: aheadOf(response.headers.date, now),
            latencyMs: now - startedMs,
          }),
        )
      },
    )
    asked.on("error", failed)
    asked.end()
  })
}
