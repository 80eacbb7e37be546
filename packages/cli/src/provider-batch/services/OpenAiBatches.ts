/**
 * The batch interface of OpenAI and Azure OpenAI: a file of requests is uploaded, a batch of it created, and two files hold
 * what came of it. Sources, read in November 2026: developers.openai.com, "Batch API" and the reference of batches and files
 * (50,000 requests, 200 MB, one model in a file, up to 16 pairs of metadata); learn.microsoft.com, "Getting started with Azure
 * OpenAI batch deployments" (the deployment is the body's `model`; a file must be processed before a batch is created of it).
 */
import { linesOf } from "../../batch/Lines.ts"
import {
  type BatchService,
  type BatchStatus,
  clockSkewMs,
  type EncodedRequest,
  type NamedBatch,
  type Reply,
  type ServiceResult,
} from "./BatchService.ts"
import { countOf, type Fields, fieldsOf, listOf, objectOf, parsedFields, textOf, timeOf } from "./JsonFields.ts"
import { broken, send, sendForJson, ServiceFailure, type ServiceRequest } from "./ServiceHttp.ts"

/** Adds what is the same in every request of a service: the headers as they are now, and when to stop. */
export type Signed = (
  request: Omit<ServiceRequest, "headers" | "signal"> & Partial<Pick<ServiceRequest, "headers">>,
) => Promise<ServiceRequest>

/** Where the files and batches stand beside a call, and what the call is named in a file. */
interface Routes {
  readonly of: (path: string, query?: Readonly<Record<string, string>>) => string
  readonly endpoint: string
  /** The deployment of a route whose bodies name none. */
  readonly deployment: string | undefined
}

const routesOf = (called: string): Routes | undefined => {
  const url = new URL(called)
  const found = /^(.*?)(\/deployments\/([^/]+))?(\/chat\/completions|\/responses)$/.exec(url.pathname)
  if (found === null) return undefined
  const [, base = "", , deployment, call = ""] = found
  // Azure's dated routes have no /v1 in them, nor have the names of their endpoints.
  const isDated = base.endsWith("/openai") && url.searchParams.has("api-version")
  return {
    of: (path, query = {}) => {
      const address = new URL(url)
      address.pathname = base + path
      for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value)
      return address.href
    },
    endpoint: isDated ? call : `/v1${call}`,
    deployment: deployment === undefined ? undefined : decodeURIComponent(deployment),
  }
}

/** States in which nothing more happens. */
const ended: ReadonlySet<string> = new Set(["completed", "failed", "expired", "cancelled"])

const processedMs = 1000
const maxPages = 50
const metadataKey = "wiseflow_batch"

const statusOf = (batch: Fields): BatchStatus => {
  // Azure writes the first letter large in some answers.
  const word = (textOf(batch["status"]) ?? "unknown").toLowerCase()
  const counts = fieldsOf(batch["request_counts"])
  return {
    isEnded: ended.has(word),
    word,
    total: countOf(counts["total"]),
    done: countOf(counts["completed"]) + countOf(counts["failed"]),
    files: [batch["output_file_id"], batch["error_file_id"]].flatMap((id) => textOf(id) ?? []),
    refusals: listOf(fieldsOf(batch["errors"])["data"]).map(({ code, line, message }) => ({
      line: typeof line === "number" ? line : undefined,
      code: textOf(code),
      message: textOf(message) ?? textOf(code) ?? "no reason is given",
    })),
  }
}

/** A line of a result file: `{ custom_id, response: { status_code, request_id, body }, error }`. */
const resultOf = (line: Fields): ServiceResult | undefined => {
  const customId = textOf(line["custom_id"])
  if (customId === undefined) return undefined
  const response = objectOf(line["response"])
  const error = objectOf(line["error"])
  const code = textOf(error?.["code"])
  if (code === "batch_expired") return { customId, unanswered: "expired" }
  if (code === "batch_cancelled") return { customId, unanswered: "cancelled" }
  if (response === undefined || (response["body"] ?? undefined) === undefined) {
    return {
      customId,
      reply: { status: 400, headers: {}, body: JSON.stringify({ error: error ?? { message: "no answer" } }) },
    }
  }
  const { body, request_id: requestId, status_code: status } = response
  const headers: Reply["headers"] = { "x-request-id": textOf(requestId) ?? "" }
  // Answers of a batch do not say that they cost half: "default" is the tier of the model.
  const told = objectOf(body) === undefined ? body : { ...fieldsOf(body), service_tier: "batch" }
  const reply = {
    status: countOf(status) || 200,
    headers,
    body: typeof told === "string" ? told : JSON.stringify(told),
  }
  return { customId, reply }
}

/** The batch interface beside the call `called`; undefined where there is none. */
export const openAiBatches = (name: string, called: string, signed: Signed): BatchService | undefined => {
  const own = routesOf(called)
  if (own === undefined) return undefined
  const get = async (path: string, query?: Readonly<Record<string, string>>) =>
    sendForJson(await signed({ url: own.of(path, query) }))

  /** The entries of a list, the newest first, as far back as the step was begun. */
  const since = async function* (
    path: string,
    at: string,
    query: Readonly<Record<string, string>>,
  ): AsyncGenerator<Fields> {
    const begun = Date.parse(at) - clockSkewMs
    let after: Readonly<Record<string, string>> = {}
    for (let page = 0; page < maxPages; page++) {
      const list = await get(path, { limit: "100", ...query, ...after })
      const entries = listOf(list["data"])
      yield* entries
      const last = entries.at(-1)
      const id = textOf(last?.["id"])
      const isOlder = (timeOf(last?.["created_at"]) ?? begun) < begun
      if (list["has_more"] !== true || id === undefined || isOlder) return
      after = { after: id }
    }
  }

  const filename = ({ name: batch }: NamedBatch) => `wiseflow-${batch}.jsonl`

  const processed = async (id: string, file: Fields): Promise<string> => {
    let state = textOf(file["status"]) ?? "processed"
    while (state === "pending" || state === "running") {
      await new Promise((resolve) => setTimeout(resolve, processedMs))
      state = textOf((await get(`/files/${encodeURIComponent(id)}`))["status"]) ?? "processed"
    }
    if (state === "error") throw new ServiceFailure(`the uploaded file ${id} was refused`, 400)
    return id
  }

  const post = async (path: string, body: ServiceRequest["body"]) =>
    sendForJson(await signed({ method: "POST", url: own.of(path), ...(body === undefined ? {} : { body }) }))

  return {
    name,
    place: `${name} at ${new URL(called).host}`,
    limits: { requests: 50_000, bytes: 200_000_000 },
    frame: { begin: "", between: "\n", end: "\n" },
    groupOf: ({ body, url }: EncodedRequest) => {
      const routes = routesOf(url)
      if (routes === undefined || routes.of("/files") !== own.of("/files")) return undefined
      const model = textOf(parsedFields(body)?.["model"]) ?? routes.deployment ?? ""
      return { endpoint: routes.endpoint, key: `${routes.endpoint} ${model}` }
    },
    entryOf: (customId, { body, url }) => {
      const routes = routesOf(url)
      const fields = fieldsOf(parsedFields(body))
      const isNamed = routes?.deployment === undefined || "model" in fields
      const said = isNamed ? body : JSON.stringify({ model: routes.deployment, ...fields })
      return `{"custom_id":"${customId}","method":"POST","url":${JSON.stringify(routes?.endpoint)},"body":${said}}`
    },
    upload: async (batch, upload) => {
      const boundary = `wiseflow-${batch.name}`
      const part = (head: string) => `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n`
      const file = await post("/files", {
        contentType: `multipart/form-data; boundary=${boundary}`,
        parts: [
          `${part('name="purpose"')}batch\r\n`,
          part(`name="file"; filename="${filename(batch)}"\r\nContent-Type: application/json`),
          upload,
          `\r\n--${boundary}--\r\n`,
        ],
      })
      const id = textOf(file["id"])
      if (id === undefined) throw new ServiceFailure("the answer to an upload has no id")
      return id
    },
    findUpload: async (batch) => {
      for await (const file of since("/files", batch.at, { purpose: "batch", order: "desc" })) {
        const isWhole = countOf(file["bytes"]) === batch.bytes || file["bytes"] === null
        if (file["filename"] === filename(batch) && isWhole) return textOf(file["id"])
      }
      return undefined
    },
    create: async ({ endpoint, name: batch }, { fileId = "" }) => {
      await processed(fileId, await get(`/files/${encodeURIComponent(fileId)}`))
      const created = await post("/batches", {
        contentType: "application/json",
        parts: [
          JSON.stringify({
            input_file_id: fileId,
            endpoint,
            completion_window: "24h",
            metadata: { [metadataKey]: batch },
          }),
        ],
      })
      const id = textOf(created["id"])
      if (id === undefined) throw new ServiceFailure("the answer to a new batch has no id")
      return id
    },
    findCreated: async (batch) => {
      for await (const found of since("/batches", batch.at, {})) {
        const id = textOf(found["id"])
        if (id !== undefined && fieldsOf(found["metadata"])[metadataKey] === batch.name) return { id, isCertain: true }
      }
      return undefined
    },
    status: async (id) => statusOf(await get(`/batches/${encodeURIComponent(id)}`)),
    results: async function* (_, { files }) {
      for (const file of files) {
        const chunks = await send(await signed({ url: own.of(`/files/${encodeURIComponent(file)}/content`) }))
        try {
          for await (const { text = "" } of linesOf(chunks)) {
            const result = resultOf(fieldsOf(parsedFields(text)))
            if (result !== undefined) yield result
          }
        } catch (thrown) {
          throw broken(thrown)
        }
      }
    },
    cancel: async (id) => void (await post(`/batches/${encodeURIComponent(id)}/cancel`, undefined)),
  }
}
