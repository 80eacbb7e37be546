/** The recipes of docs/recipes run as they stand there, each against an upstream that answers what it asks for. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { globSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { answers, inTurn, listen, refuses, type Reply } from "../guide/LoopbackUpstream.ts"
import { type Ended, type ProgramOptions, runProgram } from "../guide/ProgramRun.ts"

const folder = fileURLToPath(new URL("../../../../examples/recipes/", import.meta.url))

/** What a recipe is run with, and what it must print. */
interface Recipe {
  readonly reply?: Reply
  readonly environment?: (url: string) => Record<string, string>
  readonly options?: Omit<ProgramOptions, "environment">
  readonly stdout: RegExp
  readonly stderr?: RegExp
  /** How many requests reach the upstream. Default 1. */
  readonly requests?: number
  readonly check?: (bodies: ReadonlyArray<string>) => void
}

const settings = (url: string) => ({
  OPENAI_API_KEY: "sk-openai",
  OPENAI_API_BASE: url,
  ANTHROPIC_API_KEY: "sk-anthropic",
  ANTHROPIC_API_BASE: url,
  PRIMARY_MODEL: "gpt-5-mini",
  WISEFLOW_LOG_LEVEL: "ERROR",
})

const json = (response: Parameters<Reply>[1], body: unknown, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
}

const reasoned: Reply = (_, response) => {
  const item = { type: "reasoning", id: "rs_1", summary: [] }
  const message = { type: "message", id: "msg_1", role: "assistant", status: "completed" }
  const text = { type: "output_text", text: "Yes.", annotations: [] }
  const whole = {
    id: "resp_1",
    object: "response",
    model: "gpt-5-mini",
    status: "completed",
    output: [item, { ...message, content: [text] }],
    usage: {
      input_tokens: 10,
      output_tokens: 25,
      output_tokens_details: { reasoning_tokens: 20 },
      total_tokens: 35,
    },
  }
  const summary = { item_id: "rs_1", output_index: 0, summary_index: 0 }
  const said = { item_id: "msg_1", output_index: 1, content_index: 0 }
  const events = [
    { type: "response.created", response: { ...whole, status: "in_progress", output: [] } },
    { type: "response.output_item.added", output_index: 0, item },
    { type: "response.reasoning_summary_text.delta", ...summary, delta: "It has no divisor." },
    { type: "response.output_item.done", output_index: 0, item },
    { type: "response.output_item.added", output_index: 1, item: { ...message, content: [] } },
    { type: "response.content_part.added", ...said, part: { ...text, text: "" } },
    { type: "response.output_text.delta", ...said, delta: "Yes." },
    { type: "response.output_item.done", output_index: 1, item: { ...message, content: [text] } },
    { type: "response.completed", response: whole },
  ]
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.end(events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join(""))
}

/** Cites a page. */
const cited: Reply = (_, response) =>
  json(response, {
    id: "resp_1",
    object: "response",
    model: "gpt-5-mini",
    status: "completed",
    output: [
      {
        type: "message",
        id: "msg_1",
        role: "assistant",
        status: "completed",
        content: [
          {
            type: "output_text",
            text: "A new line is out.",
            annotations: [
              { type: "url_citation", start_index: 0, end_index: 18, url: "https://nodejs.example/new", title: "News" },
            ],
          },
        ],
      },
    ],
    usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
  })

/** Caches what it was asked before. */
const caching: Reply = (_, response, position) =>
  json(response, {
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "claude-sonnet-5",
    content: [{ type: "text", text: "No." }],
    stop_reason: "end_turn",
    usage: {
      input_tokens: 10,
      output_tokens: 3,
      [position === 0 ? "cache_creation_input_tokens" : "cache_read_input_tokens"]: 9000,
    },
  })

const calls =
  (...turns: ReadonlyArray<readonly [name: string, args: unknown] | string>): Reply =>
  (_, response, position) => {
    const turn = turns[position] ?? "done"
    const message =
      typeof turn === "string"
        ? { role: "assistant", content: turn }
        : {
            role: "assistant",
            content: null,
            tool_calls: [
              {
                id: `call_${position}`,
                type: "function",
                function: { name: turn[0], arguments: JSON.stringify(turn[1]) },
              },
            ],
          }
    const finish_reason = typeof turn === "string" ? "stop" : "tool_calls"
    json(response, {
      id: "c1",
      object: "chat.completion",
      model: "gpt-5-mini",
      choices: [{ index: 0, message, finish_reason }],
      usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
    })
  }

const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex")

const recipes: Readonly<Record<string, Recipe>> = {
  "many-articles.ts": {
    reply: (request, response, position) =>
      (position % 50 === 7 ? refuses(400) : answers("A summary."))(request, response, position),
    stdout: /^196 summaries, \$0\.\d{4}\n$/,
    stderr: /^4 times: .*refused with 400\n$/,
    requests: 200,
  },
  "structured-data.ts": {
    reply: answers('{"dish":"leek soup","minutes":20,"ingredients":[{"name":"leek"},{"name":"potato","grams":300}]}'),
    stdout: /^leek soup: 20 minutes, leek, potato\n$/,
  },
  "partial-values.ts": {
    reply: answers('{"title":"An egg", "steps":["Boil water.", "Wait."]}'),
    stdout: /An egg 2\n\{ title: 'An egg', steps: \[ 'Boil water\.', 'Wait\.' \] \}\n$/,
  },
  "several-providers.ts": {
    environment: () => ({ TEAM_OPENAI_KEY: "sk-team", TEAM_ANTHROPIC_KEY: "sk-ant-team" }),
    reply: inTurn(refuses(402), answers("from the second")),
    stdout: /^anthropic: from the second\nasked openai: QuotaExceededError\nasked anthropic: 200\n$/,
    requests: 2,
  },
  "headers-and-fetch.ts": {
    reply: (request, response) => {
      expect(request.headers).toMatchObject({ "user-agent": "newsroom/2.1", "x-team": "culture", "x-article": "4711" })
      return answers("hello")(request, response, 0)
    },
    stdout: /^POST \/chat\/completions\nhello\n$/,
  },
  "own-http-client.ts": { stdout: /^hello\n$/ },
  "gateway.ts": {
    environment: (url) => ({ GATEWAY_BASE: url, GATEWAY_KEY: "sk-gateway" }),
    reply: (request, response) => {
      expect(request.body).toMatchObject({
        model: "anthropic/claude-sonnet-5",
        user: "reader-4711",
        metadata: { tags: ["culture"] },
      })
      response.setHeader("x-litellm-response-cost", "0.0021")
      return answers("hello")(request, response, 0)
    },
    stdout: /^hello\ncost: 0\.0021\n$/,
  },
  "reasoning.ts": {
    reply: reasoned,
    stdout: /^Yes\.\nthought: 20 tokens\n$/,
    stderr: /^It has no divisor\.$/,
    check: ([body = ""]) => expect(body).toContain('"effort":"high"'),
  },
  "prompt-caching.ts": {
    reply: caching,
    stdout:
      /^9010 tokens read, 0 from the cache, 9000 written to it\n9010 tokens read, 9000 from the cache, 0 written to it\n$/,
    requests: 2,
    check: ([body = ""]) => expect(body).toContain('"cache_control":{"type":"ephemeral"'),
  },
  "sources.ts": { reply: cited, stdout: /^A new line is out\.\n- News https:\/\/nodejs\.example\/new\n$/ },
  "models.ts": {
    reply: (_, response) => json(response, { data: [{ id: "gpt-5-mini" }, { id: "local", max_model_len: 4096 }] }),
    stdout: /^gpt-5-mini \nlocal 4096\nabout \d+ tokens, up to \d+\n$/,
  },
  "effect-models.ts": {
    reply: ({ path }, response) =>
      json(response, path.includes("count_tokens") ? { input_tokens: 17 } : { data: [{ id: "claude-opus-5" }] }),
    stdout: /^claude-opus-5 \{ type: 'exact', inputTokens: 17 \}\n$/,
    requests: 2,
  },
  "hedge.ts": { stdout: /^hello 1 request\(s\)\n$/ },
  "hedged-stack.ts": { stdout: /^hello 1 request\(s\)\n$/ },
  "adaptive-concurrency.ts": { stdout: /hello\n$/, requests: 1000 },
  "cache.ts": { stdout: /^hello 0 requests\n$/ },
  "cache-with-effect.ts": { stdout: /^hello true\n$/ },
  "deployments.ts": {
    environment: (url) => ({ ...settings(url), TEAM_KEY: "sk-team", SHARED_KEY: "sk-shared" }),
    stdout: /^hello sticky at a deployment\n$/,
  },
  "balance.ts": {
    environment: (url) => ({
      ...settings(url),
      AZURE_API_KEY: "azure-key",
      AZURE_API_BASE: url,
      AZURE_API_VERSION: "v1",
    }),
    stdout: /^hello from (azure|openai) chosen by latency\n$/,
  },
  "budget.ts": {
    stdout:
      /^ada: hello\nbob: no room in a user's hour\nada: 1 calls, 0 failed, some output\nbob: 1 calls, 1 failed, no output\n$/,
  },
  "effect-budget.ts": { stdout: /^hello\nhello\n\[ 'search 1', 'ads 1' \]\n$/, requests: 2 },
  "rate-limit.ts": { stdout: /^hello \d+ ms in the line\n$/ },
  "two-models.ts": { stdout: /^gpt-5-nano, then gpt-5: hello\n$/, requests: 2 },
  "pace.ts": { stdout: /^hello \d+ ms in the line\n$/ },
  "timeouts.ts": { stdout: /^hello\n$/ },
  "one-stack.ts": { stdout: /^hello\nhello\nhello\n$/, requests: 3 },
  "execution-plan.ts": {
    reply: ({ path, ...request }, response, position) =>
      (path.includes("/messages") ? answers("hello") : refuses(402))({ path, ...request }, response, position),
    // The account is empty: with the circuit of the first call remembered, and no target after it, it is asked each time.
    stdout: /^(anthropic: hello\n){3}$/,
    requests: 6,
  },
  "effect-object.ts": {
    reply: answers('{"dish":"leek soup","minutes":20}'),
    stdout: /^leek soup, ready in 20 minutes\n$/,
  },
  "effect-tools.ts": {
    reply: calls(["today", {}], ["add_days", { date: "2026-11-26", days: 100 }], "On 6 March 2027."),
    stdout: /^On 6 March 2027\. \(3 steps\)\n$/,
    requests: 3,
    check: (bodies) => expect(bodies[2]).toContain("2027-03-06"),
  },
  "failures.ts": {
    reply: inTurn(refuses(402), refuses(404)),
    stdout: /^$/,
    stderr: /^The account is empty\.\nModelNotFoundError .*refused with 404\n$/,
    requests: 2,
  },
  "rate-limits.ts": {
    reply: (request, response) => {
      response.setHeader("x-ratelimit-limit-requests", "60")
      response.setHeader("x-ratelimit-remaining-requests", "59")
      response.setHeader("x-ratelimit-remaining-tokens", "1500")
      response.setHeader("x-ratelimit-reset-tokens", "6s")
      return answers("hello")(request, response, 0)
    },
    stdout: /^59 of 60 requests are left\n1500 tokens are left, whole again in 6000 ms\nreq_1\n$/,
  },
  "ai-sdk.ts": { stdout: /^hello 18\n$/ },
  "effect-ai.ts": { stdout: /^hello\n$/ },
  "own-policy.ts": {
    reply: inTurn(answers(""), answers("hello")),
    stdout: /^asked openai: 200\nasked openai: 200\nhello \(2 requests\)\n$/,
    requests: 2,
  },
  "own-provider.ts": { stdout: /^local: Hello!\nopenai: hello\n$/, stderr: /^.*OverloadedError.*\n$|^$/ },
  "logging.ts": { stdout: /DEBUG .*\n/ },
}

/** Recipes that need more than an upstream: each has its own test below, `embed.ts` in `Embed.test.ts`. */
const ownTests = ["changing-keys.ts", "chat.ts", "embed.ts", "picture-and-pdf.ts", "proxy.ts"]

const run = async (
  name: string,
  { environment, options = {}, reply = answers("hello") }: Pick<Recipe, "environment" | "options" | "reply">,
): Promise<{
  readonly ended: Ended
  readonly bodies: ReadonlyArray<string>
  readonly paths: ReadonlyArray<string>
}> => {
  await using upstream = await listen(reply)
  const ended = await runProgram(`${folder}${name}`, {
    ...options,
    environment: { ...settings(upstream.url), ...environment?.(upstream.url) },
  })
  return {
    ended,
    bodies: upstream.requests.map(({ body }) => JSON.stringify(body)),
    paths: upstream.requests.map(({ path }) => path),
  }
}

describe.concurrent("the recipes run", () => {
  it.each(Object.entries(recipes))("%s", async (name, recipe) => {
    const { bodies, ended } = await run(name, recipe)
    expect(ended.stderr).toMatch(recipe.stderr ?? /^$/)
    expect(ended.stdout).toMatch(recipe.stdout)
    expect(ended.code).toBe(0)
    expect(bodies).toHaveLength(recipe.requests ?? 1)
    recipe.check?.(bodies)
  })

  it("chat.ts goes on with a second provider where the first left off", async () => {
    const own = await mkdtemp(join(tmpdir(), "chat-"))
    const saved = join(own, "chat.json")
    try {
      const environment = () => ({ CHAT_FILE: saved })
      const first = await run("chat.ts", { environment, options: { args: ["What is a bee?"] } })
      expect(first.ended).toMatchObject({ stdout: "hello\n", stderr: "", code: 0 })
      const args = ["And a wasp?", "anthropic/claude-sonnet-5"]
      const second = await run("chat.ts", { environment, options: { args } })
      expect(second.ended).toMatchObject({ stdout: "hello\n", stderr: "", code: 0 })
      expect(second.paths).toEqual(["/v1/messages"])
      expect(second.bodies[0]).toContain("What is a bee?")
      expect(JSON.parse(await readFile(saved, "utf8"))).toHaveLength(4)
    } finally {
      await rm(own, { recursive: true })
    }
  })

  it("picture-and-pdf.ts sends both, in the order in which they stand", async () => {
    const own = await mkdtemp(join(tmpdir(), "files-"))
    const files = [join(own, "receipt.png"), join(own, "contract.pdf")] as const
    try {
      await writeFile(files[0], png)
      await writeFile(files[1], "%PDF-1.7\n")
      const { bodies, ended } = await run("picture-and-pdf.ts", { options: { args: files } })
      expect(ended).toMatchObject({ stdout: "hello\n", stderr: "", code: 0 })
      expect(bodies[0]).toMatch(/receipt fit the contract.*data:image\/png;base64,.*data:application\/pdf;base64,/)
    } finally {
      await rm(own, { recursive: true })
    }
  })

  it("changing-keys.ts asks for the key anew when a request was refused", async () => {
    const own = await mkdtemp(join(tmpdir(), "key-"))
    const file = join(own, "key")
    await writeFile(file, "sk-old\n")
    const seen: Array<string | undefined> = []
    const reply: Reply = async (request, response, position) => {
      seen.push(request.headers.authorization)
      if (position > 0) return answers("hello")(request, response, position)
      await writeFile(file, "sk-new\n")
      return refuses(401)(request, response, position)
    }
    try {
      const { ended } = await run("changing-keys.ts", { reply, environment: () => ({ KEY_FILE: file }) })
      expect(ended).toMatchObject({ stdout: "hello\n", code: 0 })
      expect(seen).toEqual(["Bearer sk-old", "Bearer sk-new"])
    } finally {
      await rm(own, { recursive: true })
    }
  })

  it("proxy.ts asks through the proxy, with its name and password", async () => {
    const asked: Array<string | undefined> = []
    const throughProxy: Reply = (request, response, position) => {
      asked.push(request.headers["proxy-authorization"], request.path)
      return answers("hello")(request, response, position)
    }
    const { ended } = await run("proxy.ts", {
      reply: throughProxy,
      environment: (url) => ({
        COMPANY_PROXY: url.replace("http://", "http://user:password@"),
        OPENAI_API_BASE: "http://llm.example.com/v1",
      }),
    })
    expect(ended).toMatchObject({ stdout: "hello\n", stderr: "", code: 0 })
    const basic = `Basic ${Buffer.from("user:password").toString("base64")}`
    expect(asked).toEqual([basic, "http://llm.example.com/v1/chat/completions"])
  })
})

it("every recipe has a test", () => {
  const tested = [...Object.keys(recipes), ...ownTests].toSorted()
  expect(globSync("*", { cwd: folder }).toSorted()).toEqual(tested)
})
