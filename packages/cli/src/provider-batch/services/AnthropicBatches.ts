/**
 * Anthropic's Message Batches: a batch is created of the requests themselves, and its results are read as JSON lines. Sources,
 * read in November 2026: platform.claude.com, "Batch processing" and the reference of message batches (100,000 requests, 256 MB,
 * a `custom_id` of 1 to 64 letters, digits, hyphens and underscores, results in any order, the newest batch first in a list),
 * "Errors" (the statuses of error types).
 */
import { linesOf } from "../../batch/Lines.ts"
import { type BatchService, clockSkewMs, type ServiceResult } from "./BatchService.ts"
import { countOf, type Fields, fieldsOf, listOf, parsedFields, textOf, timeOf } from "./JsonFields.ts"
import type { Signed } from "./OpenAiBatches.ts"
import { broken, send, sendForJson, ServiceFailure } from "./ServiceHttp.ts"

const statuses: Readonly<Record<string, number>> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
}

const maxPages = 20

const resultOf = (line: Fields): ServiceResult | undefined => {
  const customId = textOf(line["custom_id"])
  const result = fieldsOf(line["result"])
  if (customId === undefined) return undefined
  if (result["type"] === "expired") return { customId, unanswered: "expired" }
  if (result["type"] === "canceled") return { customId, unanswered: "cancelled" }
  if (result["type"] === "succeeded") {
    return { customId, reply: { status: 200, headers: {}, body: JSON.stringify(result["message"]) } }
  }
  // `{ type: "error", error: { type, message }, request_id }`, as an answer would be.
  const told = fieldsOf(result["error"])
  const isWhole = told["type"] === "error"
  const kind = textOf(isWhole ? fieldsOf(told["error"])["type"] : told["type"]) ?? ""
  const body = isWhole ? told : { type: "error", error: told }
  const requestId = textOf(told["request_id"])
  const headers: Readonly<Record<string, string>> = requestId === undefined ? {} : { "request-id": requestId }
  return { customId, reply: { status: statuses[kind] ?? 500, headers, body: JSON.stringify(body) } }
}

const totalOf = (batch: Fields): number =>
  Object.values(fieldsOf(batch["request_counts"])).reduce((sum: number, count) => sum + countOf(count), 0)

/** The batch interface beside the call `called`; undefined where there is none. */
export const anthropicBatches = (name: string, called: string, signed: Signed): BatchService | undefined => {
  const of = (path: string, query: Readonly<Record<string, string>> = {}) => {
    const url = new URL(called)
    url.pathname = `${url.pathname}/batches${path}`
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value)
    return url.href
  }
  if (!new URL(called).pathname.endsWith("/messages")) return undefined
  return {
    name,
    place: `${name} at ${new URL(called).host}`,
    limits: { requests: 100_000, bytes: 256_000_000 },
    frame: { begin: '{"requests":[', between: ",", end: "]}" },
    groupOf: ({ headers, url }) => {
      const beta = headers["anthropic-beta"]
      if (url !== called) return undefined
      return { endpoint: "messages", key: beta ?? "", headers: beta === undefined ? {} : { "anthropic-beta": beta } }
    },
    entryOf: (customId, { body }) => `{"custom_id":"${customId}","params":${body}}`,
    create: async (_, { upload }) => {
      if (upload === undefined) throw new ServiceFailure("the requests are no longer there", 400)
      const body = { contentType: "application/json", parts: [upload] }
      const id = textOf(
        (await sendForJson(await signed({ method: "POST", url: of(""), body, headers: upload.headers ?? {} })))["id"],
      )
      if (id === undefined) throw new ServiceFailure("the answer to a new batch has no id")
      return id
    },
    // Batches have no name here: those of the same size and time may be the one, and the ids in their results tell.
    findCreated: async ({ at, requests }, without) => {
      const begun = Date.parse(at) - clockSkewMs
      let after: Readonly<Record<string, string>> = {}
      for (let page = 0; page < maxPages; page++) {
        const list = await sendForJson(await signed({ url: of("", { limit: "100", ...after }) }))
        for (const batch of listOf(list["data"])) {
          if ((timeOf(batch["created_at"]) ?? begun) < begun) return undefined
          const id = textOf(batch["id"])
          if (id !== undefined && !without.has(id) && totalOf(batch) === requests) return { id, isCertain: false }
        }
        const last = textOf(list["last_id"])
        if (list["has_more"] !== true || last === undefined) return undefined
        after = { after_id: last }
      }
      return undefined
    },
    status: async (id) => {
      const batch = await sendForJson(await signed({ url: of(`/${encodeURIComponent(id)}`) }))
      const word = textOf(batch["processing_status"]) ?? "unknown"
      const total = totalOf(batch)
      const done = total - countOf(fieldsOf(batch["request_counts"])["processing"])
      return { isEnded: word === "ended", word, total, done, files: [], refusals: [] }
    },
    // The address that `results_url` names, at the origin that the key belongs to.
    results: async function* (id) {
      const chunks = await send(await signed({ url: of(`/${encodeURIComponent(id)}/results`) }))
      try {
        for await (const { text = "" } of linesOf(chunks)) {
          const result = resultOf(fieldsOf(parsedFields(text)))
          if (result !== undefined) yield result
        }
      } catch (thrown) {
        throw broken(thrown)
      }
    },
    cancel: async (id) =>
      void (await sendForJson(await signed({ method: "POST", url: of(`/${encodeURIComponent(id)}/cancel`) }))),
  }
}
