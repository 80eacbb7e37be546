/**
 * The batch endpoints of OpenAI, Azure OpenAI and Anthropic on a loopback port, in their true shapes. It outlives the command
 * that is killed, and counts how often each prompt was uploaded and put into a batch.
 */
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { text } from "node:stream/consumers"

export type Wire = "openai" | "azure" | "azure-dated" | "anthropic"

/** What becomes of a request: `lost` is carried out and never answered, `cut` is carried out and its connection closed. */
export type Act = "ok" | "busy" | "down" | "refuse" | "lost" | "cut" | "drop"

/** What a prompt is answered with. */
export type Answer = "answer" | "refuse" | "expire" | "leave out"

export type Step = "upload" | "create" | "poll" | "results" | "list"

export interface BatchServerOptions {
  readonly act?: (step: Step, nth: number) => Act
  readonly answer?: (prompt: string) => Answer
  /** How often a batch is looked at before it has ended. Default 2. */
  readonly looks?: number
  /** How a batch ends. Default `completed`. */
  readonly end?: () => "completed" | "expired" | "failed" | "cancelled"
}

interface Entry {
  readonly custom_id: string
  readonly url?: string
  readonly body: {
    readonly model: string
    readonly stream?: boolean
    readonly messages: ReadonlyArray<{ readonly content: unknown }>
  }
}

interface StoredFile {
  readonly id: string
  readonly filename: string
  readonly text: string
  looks: number
}

interface StoredBatch {
  readonly id: string
  readonly entries: ReadonlyArray<Entry>
  readonly fileId: string
  readonly endpoint: string
  readonly metadata: unknown
  readonly createdMs: number
  looks: number
  isCancelled: boolean
}

export interface BatchServer extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>
  /** How often each prompt came in an upload. */
  readonly uploaded: Map<string, number>
  /** How often each prompt came in a batch that was created. */
  readonly created: Map<string, number>
  readonly batches: ReadonlyArray<StoredBatch>
  readonly count: (step: Step) => number
  /** Forgets every batch, as another account would not have them. */
  readonly forget: () => void
  /** A batch that another program created. */
  readonly addForeign: (prompts: ReadonlyArray<string>) => void
}

const promptOf = ({ body }: Entry): string => {
  const content = body.messages.at(-1)?.content
  if (typeof content === "string") return content
  const [part] = content as ReadonlyArray<{ readonly text: string }>
  return part?.text ?? ""
}

const reverse = <A>(list: ReadonlyArray<A>): ReadonlyArray<A> => list.toReversed()

export const batchServer = async (wire: Wire, options: BatchServerOptions = {}): Promise<BatchServer> => {
  const { act = () => "ok", answer = () => "answer", end = () => "completed", looks = 2 } = options
  const files: Array<StoredFile> = []
  const batches: Array<StoredBatch> = []
  const uploaded = new Map<string, number>()
  const created = new Map<string, number>()
  const counts = new Map<Step, number>()
  const tally = (map: Map<string, number>, entries: ReadonlyArray<Entry>) => {
    for (const entry of entries) map.set(promptOf(entry), (map.get(promptOf(entry)) ?? 0) + 1)
  }
  const json = (response: ServerResponse, status: number, body: unknown) => {
    response.writeHead(status, { "content-type": "application/json", "retry-after-ms": "10" })
    response.end(typeof body === "string" ? body : JSON.stringify(body))
  }
  const error = (message: string, type = "invalid_request_error") =>
    wire === "anthropic" ? { type: "error", error: { type, message } } : { error: { message, type, code: null } }
  const entriesOf = (content: string): ReadonlyArray<Entry> =>
    content
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
  const isEnded = (batch: StoredBatch) => batch.looks > looks || batch.isCancelled
  const endOf = (batch: StoredBatch) => (batch.isCancelled ? "cancelled" : end())

  const completion = (entry: Entry) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: entry.body.model,
    choices: [{ index: 0, message: { role: "assistant", content: `re: ${promptOf(entry)}` }, finish_reason: "stop" }],
    usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 },
    service_tier: "default",
  })

  /** OpenAI's output and error files. */
  const resultLines = (batch: StoredBatch, isError: boolean): string => {
    const word = endOf(batch)
    const lines = reverse(batch.entries).flatMap((entry, at): ReadonlyArray<object> => {
      const how = word === "cancelled" && at > 0 ? "cancel" : answer(promptOf(entry))
      if (how === "leave out" || (how === "answer") === isError) return []
      const own = { id: `batch_req_${at}`, custom_id: entry.custom_id }
      if (how === "answer") {
        const response = { status_code: 200, request_id: `req-${promptOf(entry)}`, body: completion(entry) }
        return [{ ...own, response, error: null }]
      }
      if (how === "refuse") {
        const response = { status_code: 400, request_id: "req-bad", body: error("no such thing") }
        return [{ ...own, response, error: null }]
      }
      const code = how === "expire" ? "batch_expired" : "batch_cancelled"
      return [{ ...own, response: null, error: { code, message: "This request was not executed." } }]
    })
    return lines.map((line) => `${JSON.stringify(line)}\n`).join("")
  }

  const openAiBatch = (batch: StoredBatch) => {
    const hasEnded = isEnded(batch)
    const word = hasEnded ? endOf(batch) : batch.looks > 1 ? "in_progress" : "validating"
    const hasFiles = hasEnded && word !== "failed"
    const content = (isError: boolean) =>
      hasFiles && resultLines(batch, isError) !== "" ? `${batch.id}-${isError ? "errors" : "output"}` : null
    return {
      id: batch.id,
      object: "batch",
      endpoint: batch.endpoint,
      errors:
        word === "failed"
          ? {
              object: "list",
              data: [{ code: "invalid_json_line", line: 2, message: "Line 2 is not valid.", param: null }],
            }
          : null,
      input_file_id: batch.fileId,
      completion_window: "24h",
      status: wire.startsWith("azure") ? `${word[0]?.toUpperCase()}${word.slice(1)}` : word,
      output_file_id: content(false),
      error_file_id: content(true),
      created_at: wire.startsWith("azure")
        ? new Date(batch.createdMs).toISOString()
        : Math.floor(batch.createdMs / 1000),
      request_counts: { total: batch.entries.length, completed: hasFiles ? batch.entries.length : 0, failed: 0 },
      metadata: batch.metadata,
    }
  }

  const anthropicBatch = (batch: StoredBatch) => {
    const hasEnded = isEnded(batch)
    const total = batch.entries.length
    return {
      id: batch.id,
      type: "message_batch",
      processing_status: hasEnded ? "ended" : "in_progress",
      request_counts: {
        processing: hasEnded ? 0 : total,
        succeeded: hasEnded ? total : 0,
        errored: 0,
        canceled: 0,
        expired: 0,
      },
      created_at: new Date(batch.createdMs).toISOString(),
      ended_at: hasEnded ? new Date().toISOString() : null,
      results_url: hasEnded ? `https://api.anthropic.com/v1/messages/batches/${batch.id}/results` : null,
    }
  }

  const anthropicResults = (batch: StoredBatch): string =>
    reverse(batch.entries)
      .flatMap((entry, at) => {
        const prompt = promptOf(entry)
        const how = batch.isCancelled && at > 0 ? "cancel" : answer(prompt)
        const result =
          how === "answer"
            ? {
                type: "succeeded",
                message: {
                  id: "msg_1",
                  type: "message",
                  role: "assistant",
                  model: entry.body.model,
                  content: [{ type: "text", text: `re: ${prompt}` }],
                  stop_reason: "end_turn",
                  usage: { input_tokens: 10, output_tokens: 20, service_tier: "batch" },
                },
              }
            : how === "refuse"
              ? { type: "errored", error: { ...error("no such thing"), request_id: "req-bad" } }
              : { type: how === "expire" ? "expired" : "canceled" }
        return how === "leave out" ? [] : [`${JSON.stringify({ custom_id: entry.custom_id, result })}\n`]
      })
      .join("")

  /** What a request is for, what it does, and what it is answered with. */
  const handle = (
    request: IncomingMessage,
    path: string,
    body: string,
  ): { step: Step; run: () => [number, unknown] } => {
    const created_ = (
      entries: ReadonlyArray<Entry>,
      fileId: string,
      endpoint: string,
      metadata: unknown,
    ): StoredBatch => {
      const batch = {
        id: `batch_${batches.length + 1}`,
        entries,
        fileId,
        endpoint,
        metadata,
        createdMs: Date.now(),
        looks: 0,
        isCancelled: false,
      }
      batches.push(batch)
      tally(created, entries)
      return batch
    }
    const find = (id: string | undefined) => batches.find((batch) => batch.id === id)
    const missing: [number, unknown] = [404, error("not found", "not_found_error")]
    if (wire === "anthropic") {
      const [, id, what] = /^\/v1\/messages\/batches(?:\/([^/]+))?(?:\/(\w+))?$/.exec(path) ?? []
      if (request.method === "POST" && id === undefined) {
        return {
          step: "create",
          run: () => {
            const { requests } = JSON.parse(body) as {
              requests: ReadonlyArray<{ custom_id: string; params: Entry["body"] }>
            }
            const entries = requests.map(({ custom_id, params }) => ({ custom_id, body: params }))
            if (entries.some(({ body: { stream } }) => stream === true)) return [400, error("no streams in batches")]
            if (entries.some((entry) => !/^[a-zA-Z0-9_-]{1,64}$/.test(entry.custom_id)))
              return [400, error("custom_id")]
            tally(uploaded, entries)
            return [200, anthropicBatch(created_(entries, "", "", null))]
          },
        }
      }
      const batch = find(id)
      if (what === "results")
        return { step: "results", run: () => (batch === undefined ? missing : [200, anthropicResults(batch)]) }
      if (what === "cancel" && batch !== undefined) {
        return { step: "poll", run: () => ((batch.isCancelled = true), [200, anthropicBatch(batch)]) }
      }
      if (id === undefined) {
        return {
          step: "list",
          run: () => [200, { data: reverse(batches).map(anthropicBatch), has_more: false, last_id: null }],
        }
      }
      return {
        step: "poll",
        run: () => (batch === undefined ? missing : ((batch.looks += 1), [200, anthropicBatch(batch)])),
      }
    }
    const base = wire === "openai" ? "/v1" : wire === "azure" ? "/openai/v1" : "/openai"
    const [, kind, id, what] = new RegExp(`^${base}/(files|batches)(?:/([^/]+))?(?:/(\\w+))?$`).exec(path) ?? []
    const fileOf = (file: StoredFile) => ({
      id: file.id,
      object: "file",
      bytes: Buffer.byteLength(file.text),
      created_at: Math.floor(Date.now() / 1000),
      filename: file.filename,
      purpose: "batch",
      // Azure takes a moment.
      status: wire.startsWith("azure") && file.looks < 2 ? "pending" : "processed",
    })
    if (kind === "files" && request.method === "POST") {
      return {
        step: "upload",
        run: () => {
          const boundary = /boundary=(.*)$/.exec(request.headers["content-type"] ?? "")?.[1] ?? ""
          const parts = body.split(`--${boundary}`).slice(1, -1)
          const named = (name: string) => parts.find((part) => part.includes(`name="${name}"`)) ?? ""
          const contentOf = (part: string) => part.slice(part.indexOf("\r\n\r\n") + 4, -2)
          if (contentOf(named("purpose")) !== "batch") return [400, error("purpose")]
          const filename = /filename="([^"]+)"/.exec(named("file"))?.[1] ?? ""
          const file = { id: `file-${files.length + 1}`, filename, text: contentOf(named("file")), looks: 0 }
          files.push(file)
          tally(uploaded, entriesOf(file.text))
          return [200, fileOf(file)]
        },
      }
    }
    if (kind === "files" && what === "content") {
      const [, batchId, part] = /^(.*)-(output|errors)$/.exec(id ?? "") ?? []
      const batch = find(batchId)
      return {
        step: "results",
        run: () => (batch === undefined ? missing : [200, resultLines(batch, part === "errors")]),
      }
    }
    if (kind === "files") {
      const file = files.find((stored) => stored.id === id)
      if (id === undefined)
        return { step: "list", run: () => [200, { object: "list", data: reverse(files).map(fileOf), has_more: false }] }
      return { step: "list", run: () => (file === undefined ? missing : ((file.looks += 1), [200, fileOf(file)])) }
    }
    if (kind === "batches" && request.method === "POST" && id === undefined) {
      return {
        step: "create",
        run: () => {
          const asked = JSON.parse(body) as Record<string, string>
          const file = files.find((stored) => stored.id === asked["input_file_id"])
          if (file === undefined || asked["completion_window"] !== "24h") return [400, error("no such file")]
          if (fileOf(file).status !== "processed") return [400, error("the file is not processed")]
          const entries = entriesOf(file.text)
          if (entries.some(({ url }) => url !== asked["endpoint"])) return [400, error("mismatched endpoint")]
          if (entries.some((entry) => entry.body.stream === true)) return [400, error("no streams in batches")]
          if (new Set(entries.map((entry) => entry.body.model)).size > 1) return [400, error("more than one model")]
          return [200, openAiBatch(created_(entries, file.id, asked["endpoint"] ?? "", asked["metadata"] ?? null))]
        },
      }
    }
    const batch = find(id)
    if (kind === "batches" && what === "cancel" && batch !== undefined) {
      return { step: "poll", run: () => ((batch.isCancelled = true), [200, openAiBatch(batch)]) }
    }
    if (kind === "batches" && id === undefined) {
      return {
        step: "list",
        run: () => [200, { object: "list", data: reverse(batches).map(openAiBatch), has_more: false }],
      }
    }
    if (kind === "batches") {
      return {
        step: "poll",
        run: () => (batch === undefined ? missing : ((batch.looks += 1), [200, openAiBatch(batch)])),
      }
    }
    return { step: "list", run: () => [404, error(`no route ${request.method} ${path}`)] }
  }

  const keys: Readonly<Record<Wire, readonly [string, string]>> = {
    openai: ["authorization", "Bearer sk-very-secret"],
    azure: ["api-key", "sk-very-secret"],
    "azure-dated": ["api-key", "sk-very-secret"],
    anthropic: ["x-api-key", "sk-very-secret"],
  }

  const server = createServer((request, response) => {
    const serve = async () => {
      const body = await text(request)
      const { pathname, searchParams } = new URL(request.url ?? "", "http://127.0.0.1")
      const [name, value] = keys[wire]
      if (request.headers[name] !== value)
        return json(response, 401, error(`Incorrect API key: ${String(request.headers[name])}`))
      if (wire === "anthropic" && request.headers["anthropic-version"] === undefined)
        return json(response, 400, error("version"))
      if (wire === "azure-dated" && searchParams.get("api-version") !== "2024-10-21")
        return json(response, 404, error("version"))
      const { run, step } = handle(request, pathname, body)
      const nth = counts.get(step) ?? 0
      counts.set(step, nth + 1)
      const what = act(step, nth)
      if (what === "drop") return response.destroy()
      if (what === "busy") return json(response, 429, error("slow down", "rate_limit_error"))
      if (what === "down") return json(response, 500, error("oops", "api_error"))
      if (what === "refuse") return json(response, 400, error("billing hard limit reached"))
      const [status, answered] = run()
      if (what === "cut") return response.destroy()
      if (what === "lost") return undefined
      return json(response, status, answered as object)
    }
    serve().catch(() => response.destroy())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  const url = `http://127.0.0.1:${address.port}`
  const settings: Readonly<Record<Wire, Readonly<Record<string, string>>>> = {
    openai: {
      LLM_PROVIDER: "openai",
      OPENAI_API_KEY: "sk-very-secret",
      OPENAI_API_BASE: `${url}/v1`,
      PRIMARY_MODEL: "gpt-5-mini",
    },
    azure: {
      LLM_PROVIDER: "azure",
      AZURE_API_KEY: "sk-very-secret",
      AZURE_API_BASE: url,
      AZURE_API_VERSION: "v1",
      PRIMARY_MODEL: "mini",
    },
    "azure-dated": {
      LLM_PROVIDER: "azure",
      AZURE_API_KEY: "sk-very-secret",
      AZURE_API_BASE: url,
      AZURE_API_VERSION: "2024-10-21",
      PRIMARY_MODEL: "mini",
    },
    anthropic: {
      LLM_PROVIDER: "anthropic",
      ANTHROPIC_API_KEY: "sk-very-secret",
      ANTHROPIC_API_BASE: url,
      PRIMARY_MODEL: "claude-sonnet-5",
    },
  }
  return {
    settings: settings[wire],
    uploaded,
    created,
    batches,
    count: (step) => counts.get(step) ?? 0,
    forget: () => void batches.splice(0),
    addForeign: (prompts) =>
      void batches.push({
        id: `batch_${batches.length + 1}`,
        entries: prompts.map((prompt, at) => ({
          custom_id: `mine-${at}`,
          body: { model: "claude-sonnet-5", messages: [{ content: prompt }] },
        })),
        fileId: "",
        endpoint: "",
        metadata: null,
        createdMs: Date.now(),
        looks: 0,
        isCancelled: false,
      }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}
