/** Recordings: made from a true provider over HTTP, played without it, strict, and without a secret in any byte. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { EmbeddingProvider, type LlmError, LlmProvider, type LlmRequest, unwrap } from "@wiseflow/llm"
import { Recorded, Scripted } from "@wiseflow/llm/testing"
import { CallOptions } from "../../src/call/CallOptions.ts"
import { readFolder, writeFileIn } from "../../src/testing/CassetteFolder.ts"
import { anthropic, type ContractProvider, defaultKey, openai } from "../contract/Providers.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { FaultServer, type Script } from "../faults/FaultServer.ts"
import { stream as streamOf, whole } from "../faults/HttpText.ts"
import { fullText, goodStream, pieces } from "../faults/WireText.ts"
import { ask, callNames, hello } from "../policies/Calls.ts"

let folder = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "recorded-"))
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

const files = () => readdirSync(folder).toSorted()
const bytes = () =>
  files()
    .map((name) => name + readFileSync(join(folder, name), "utf8"))
    .join("\n")

/** Runs with a provider at a server that is gone afterwards, and says how many requests reached it. */
const recording = async <A>(
  provider: ContractProvider,
  script: Script,
  program: Effect.Effect<A, LlmError, LlmProvider>,
  options: Partial<Recorded.RecordingOptions> = {},
) => {
  const server = await FaultServer.start(script)
  try {
    const layer = Recorded.layer({ folder, mode: "record", layer: provider.layer(server.url), ...options })
    const exit = await Effect.runPromiseExit(Effect.provide(program, layer))
    return { exit, requests: server.requests.length }
  } finally {
    await server.close()
  }
}

const replayed = <A>(
  program: Effect.Effect<A, LlmError, LlmProvider>,
  options: Partial<Recorded.RecordingOptions> = {},
) => Effect.runPromise(Effect.provide(program, Recorded.layer({ folder, mode: "replay", ...options })))

const eventsOf = (request: LlmRequest) => Effect.flatMap(LlmProvider, (llm) => Stream.runCollect(llm.stream(request)))

const timeless = ({ metadata, ...answer }: Effect.Success<ReturnType<typeof ask>>) => {
  const { costUsd, finishReason, model, provider, rawFinishReason, servedModel, usage, usageStatus, warnings } = {
    finishReason: answer.finishReason,
    ...metadata,
  }
  return {
    ...answer,
    costUsd,
    finishReason,
    model,
    provider,
    rawFinishReason,
    servedModel,
    usage,
    usageStatus,
    warnings,
  }
}

const good =
  (provider: ContractProvider): Script =>
  (request) =>
    goodAnswer(provider.wire, callOf(request))

describe.each([openai, anthropic])("a recording of $name", (provider) => {
  it.each(callNames)("is played as it came, without its server and without a key: %s", async (name) => {
    const { exit } = await recording(provider, good(provider), ask(name))
    const answer = Exit.isSuccess(exit) ? exit.value : undefined
    expect(answer?.text).toBe(fullText)
    const again = await replayed(ask(name))
    expect(timeless(again)).toEqual(answer && timeless(answer))
    expect(again.metadata.attempts).toHaveLength(1)
  })

  it("of a stream is played with its pieces, and as a whole", async () => {
    const { exit } = await recording(provider, good(provider), eventsOf(hello))
    const events = Exit.isSuccess(exit) ? exit.value : []
    const untimed = (list: typeof events) => list.filter(({ type }) => !type.startsWith("response-"))
    expect(untimed(await replayed(eventsOf(hello)))).toEqual(untimed(events))
    expect(untimed(events).length).toBeGreaterThan(1)
    expect((await replayed(ask("generate"))).text).toBe(fullText)
  })

  it("is one readable file for each request, named by the request and its model", async () => {
    const twice = Effect.andThen(ask("generate"), ask("generate", { ...hello, temperature: 0.5 }))
    await recording(provider, good(provider), twice)
    expect(files()).toHaveLength(2)
    for (const name of files()) {
      expect(name).toMatch(new RegExp(`^[0-9a-f]{16}-${provider.model}\\.json$`))
      const text = readFileSync(join(folder, name), "utf8")
      expect(JSON.parse(text)).toMatchObject({
        version: 1,
        provider: provider.name,
        request: { messages: hello.messages },
      })
      expect(text).toMatch(/^\{\n {2}"version": 1,\n/)
      expect(text).not.toMatch(/timestamp|latencyMs|requestId|header/i)
    }
  })

  it("is the same bytes when it is made again", async () => {
    await recording(provider, good(provider), ask("stream"))
    const before = bytes()
    await recording(provider, good(provider), ask("stream"))
    expect(bytes()).toBe(before)
  })

  it("holds no secret, wherever it was: in the request, in headers, in an answer, in an answer's pieces", async () => {
    const secret = "hunter2-Zq8rT5wVb1"
    vi.stubEnv("SOME_SERVICE_TOKEN", "env-9f8e7d6c5b4a")
    const shaped = "sk-proj-abcdefghij0123456789XYZ"
    const said = [
      `a ${secret.slice(0, 7)}`,
      `${secret.slice(7)} b `,
      "env-9f8e",
      "7d6c5b4a ",
      `${shaped} tenant-key`,
      `-4711-0815 ${defaultKey}`,
    ]
    const script: Script = (request) =>
      callOf(request) === "generate"
        ? whole(provider.wire.answer(said.join("")))
        : streamOf(
            provider.wire.opening,
            ...said.map(provider.wire.piece),
            ...goodStream(provider.wire).slice(1 + pieces.length),
          )
    const request: LlmRequest = { messages: [{ role: "user", content: `My password is ${secret}, my key ${shaped}.` }] }
    const program = Effect.andThen(ask("generate", request), ask("stream", { ...request, seed: 1 }))
    const { exit } = await recording(
      provider,
      script,
      Effect.provideService(program, CallOptions, { headers: { "x-tenant-key": "tenant-key-4711-0815" } }),
      { secrets: [Redacted.make(secret)] },
    )
    expect(Exit.isSuccess(exit)).toBe(true)
    expect(files()).toHaveLength(2)
    for (const text of [secret, "env-9f8e7d6c5b4a", shaped, "tenant-key-4711-0815", "sk-contract", "0123456789"]) {
      expect(bytes()).not.toContain(text)
    }
    const played = await replayed(ask("stream", { ...request, seed: 1 }), { secrets: [secret] })
    for (const text of [secret, "env-9f8e7d6c5b4a", shaped, "4711-0815", defaultKey])
      expect(played.text).not.toContain(text)
    expect(played.text).toContain("<redacted>")
  })

  it("holds a failure that the request causes, and none that comes from the day or the account", async () => {
    const refusal = JSON.stringify({
      type: "error",
      error: { type: "invalid_request_error", message: "top_p: no such thing" },
    })
    const { exit } = await recording(provider, () => whole(refusal, 400), ask("generate"))
    const failure = Exit.isFailure(exit)
      ? await Effect.runPromise(Effect.flip(Effect.failCause(exit.cause)))
      : undefined
    expect(failure?.reason).toMatchObject({ _tag: "InvalidRequestError", message: "top_p: no such thing" })
    expect(files()).toHaveLength(1)
    const again = await Effect.runPromise(
      Effect.provide(Effect.flip(ask("generate")), Recorded.layer({ folder, mode: "replay" })),
    )
    expect([again.reason._tag, again.message, again.provider]).toEqual([
      "InvalidRequestError",
      failure?.message,
      provider.provider,
    ])
    for (const kind of ["overloaded", "authentication", "rate-limit", "quota"] as const) {
      const { body, status } = provider.wire.error(kind)
      await recording(provider, () => whole(body, status), ask("generate", { ...hello, seed: status }))
    }
    expect(files()).toHaveLength(1)
  })
})

describe("a request that is not recorded", () => {
  it.each(callNames)(
    "fails, says which file is missing and where the nearest one differs, and sends nothing: %s",
    async (name) => {
      const layer = Scripted.layer(["one", "two"])
      await Effect.runPromise(
        Effect.provide(
          Effect.andThen(
            ask("generate"),
            ask("generate", { messages: [{ role: "user", content: "x" }], maxTokens: 5, seed: 1 }),
          ),
          Recorded.layer({ folder, mode: "record", layer }),
        ),
      )
      const error = await Effect.runPromise(
        Effect.flip(ask(name, { ...hello, temperature: 0.5 })).pipe(
          Effect.provide(Recorded.layer({ folder, layer, mode: "replay" })),
        ),
      )
      expect(error.reason._tag).toBe("InvalidRequestError")
      expect(error.message).toMatch(
        /^not recorded: .*recorded-.* has no file [0-9a-f]{16}-….json .* differs in temperature\. Set RECORD=new/,
      )
      expect(layer.requests).toHaveLength(2)
    },
  )

  it("is asked and written where RECORD=new, and everything where RECORD=1", async () => {
    const layer = Scripted.layer(["one", "two", "three", "four"])
    const run = (RECORD: string | undefined, ...seeds: ReadonlyArray<number>) =>
      Effect.forEach(seeds, (seed) => Effect.map(ask("generate", { ...hello, seed }), ({ text }) => text)).pipe(
        Effect.provide(Recorded.layer({ folder, layer })),
        Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord({ RECORD })),
        Effect.runPromise,
      )
    expect(await run("1", 1)).toEqual(["one"])
    expect(await run("new", 1, 2)).toEqual(["one", "two"])
    expect(await run(undefined, 1, 2)).toEqual(["one", "two"])
    expect(await run("1", 2, 1)).toEqual(["three", "four"])
    expect(await run("0", 1, 2)).toEqual(["four", "three"])
    expect(layer.requests).toHaveLength(4)
    await expect(run("maybe", 1)).rejects.toThrow(/RECORD/)
  })

  it("is no request at all: it is refused as a provider refuses it", async () => {
    const error = await Effect.runPromise(
      Effect.provide(Effect.flip(ask("generate", { messages: [] })), Recorded.layer({ folder, mode: "replay" })),
    )
    expect(error.message).toMatch(/^invalid request/)
  })
})

it("answers to a request that comes again are played in turn, and the last one then again", async () => {
  const record = Recorded.layer({ folder, mode: "record", layer: Scripted.layer(["one", { text: ["t", "wo"] }]) })
  await Effect.runPromise(Effect.provide(Effect.andThen(ask("generate"), ask("stream")), record))
  expect(files()).toHaveLength(1)
  const texts = Effect.forEach(["stream", "generate", "generate"] as const, (name) => ask(name))
  expect((await replayed(texts)).map(({ text }) => text)).toEqual(["one", "two", "two"])
})

it("equal requests at once are all recorded", async () => {
  const answers = Array.from({ length: 20 }, (_, index) => `answer ${index}`)
  const record = Recorded.layer({ folder, mode: "record", layer: Scripted.layer(answers) })
  const all = Effect.all(
    answers.map(() => ask("generate")),
    { concurrency: "unbounded" },
  )
  await Effect.runPromise(Effect.provide(all, record))
  expect((await replayed(all)).map(({ text }) => text).toSorted()).toEqual(answers.toSorted())
})

it("an aborted and a cut stream, and a failure before anything was sent, leave no recording", async () => {
  const layer = Scripted.layer([
    { text: ["a", "b"], stall: true },
    { text: ["a"], error: "StreamInterruptedError" },
  ])
  const run = Effect.gen(function* () {
    const call = yield* Effect.forkChild(ask("stream"), { startImmediately: true })
    yield* Effect.yieldNow
    yield* Fiber.interrupt(call)
    yield* Effect.exit(ask("stream"))
    yield* Effect.exit(ask("generate", { messages: [] }))
  })
  await Effect.runPromise(Effect.provide(run, Recorded.layer({ folder, mode: "record", layer })))
  expect(files()).toEqual([])
})

it("tool calls, reasoning and refusals come back as they were", async () => {
  const layer = Scripted.layer([
    {
      reasoning: "Hm.",
      text: ["Let me ", "see."],
      toolCalls: [{ id: "c", name: "look", arguments: { at: [1, null] } }],
    },
  ])
  const recorded = await Effect.runPromise(
    Effect.provide(ask("stream"), Recorded.layer({ folder: pathToFileURL(folder), mode: "record", layer })),
  )
  const played = await replayed(ask("generate"), { folder: pathToFileURL(folder) })
  expect([played.parts, played.toolCalls, played.finishReason]).toEqual([
    recorded.parts,
    recorded.toolCalls,
    recorded.finishReason,
  ])
})

it("a file that is no recording is told by its name, and may be recorded over", async () => {
  const layer = Scripted.layer(["one", "two"])
  const record = Effect.provide(ask("generate"), Recorded.layer({ folder, mode: "record", layer }))
  await Effect.runPromise(record)
  const [name = ""] = files()
  for (const damage of ["", "{}", '{"version":2}', readFileSync(join(folder, name), "utf8").slice(0, -20)]) {
    writeFileSync(join(folder, name), damage)
    const error = await Effect.runPromise(
      Effect.flip(Effect.provide(ask("generate"), Recorded.layer({ folder, mode: "replay" }))),
    )
    expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "folder" })
    expect(error.message).toContain(name)
  }
  await Effect.runPromise(record)
  expect((await replayed(ask("generate"))).text).toBe("two")
})

it("invalid settings fail the Layer", async () => {
  const settingOf = (options: object) =>
    Effect.runPromise(
      Effect.flip(Effect.provide(ask("generate"), Recorded.layer({ folder, ...options }))).pipe(
        Effect.map(({ reason }) => (reason._tag === "ConfigurationError" ? reason.setting : reason._tag)),
      ),
    )
  writeFileSync(join(folder, "file"), "")
  expect(await settingOf({ mode: "record" })).toBe("layer")
  expect(await settingOf({ mode: "rewind" })).toBe("mode")
  expect(await settingOf({ mode: "record", folder: join(folder, "file", "x"), layer: Scripted.layer(["one"]) })).toBe(
    "folder",
  )
})

it("no secret stands in any recording, whatever is said and however it is cut into pieces", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.stringMatching(/^[a-z]{3}[A-Z0-9]{9}[a-z]{3}$/),
      fc.string({ maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 15 }), { maxLength: 4 }),
      async (secret, around, cuts) => {
        const at = mkdtempSync(join(folder, "run-"))
        const said = `${around} ${secret} ${around}`
        const places = [
          0,
          ...cuts.map((cut) => around.length + 1 + cut).toSorted((one, other) => one - other),
          said.length,
        ]
        const text = places.slice(1).map((end, index) => said.slice(places[index], end))
        const layer = Scripted.layer([
          { text, reasoning: said, toolCalls: [{ name: "f", arguments: { [secret]: said } }] },
        ])
        const request: LlmRequest = { messages: [{ role: "user", content: said }] }
        const options = { folder: at, secrets: [secret] }
        await Effect.runPromise(
          Effect.provide(ask("stream", request), Recorded.layer({ ...options, mode: "record", layer })),
        )
        const written = readdirSync(at).map((name) => readFileSync(join(at, name), "utf8"))
        expect(written).toHaveLength(1)
        expect(written.join("")).not.toContain(secret)
        const played = await Effect.runPromise(
          Effect.provide(ask("generate", request), Recorded.layer({ ...options, mode: "replay" })),
        )
        expect(JSON.stringify(played)).not.toContain(secret)
        expect(played.text).toContain("<redacted>")
      },
    ),
    { numRuns: 50 },
  )
})

it("embeddings are recorded and played too", async () => {
  const embed = (...inputs: ReadonlyArray<string>) =>
    Effect.flatMap(EmbeddingProvider, (embeddings) => embeddings.embed({ inputs }))
  const script = Scripted.layerEmbeddings()
  const recorded = await Effect.runPromise(
    Effect.provide(embed("a", "b"), Recorded.layerEmbeddings({ folder, mode: "record", layer: script })),
  )
  const replay = Recorded.layerEmbeddings({ folder, mode: "replay" })
  const played = await Effect.runPromise(Effect.provide(embed("a", "b"), replay))
  expect(played.embeddings).toEqual(recorded.embeddings)
  const error = await Effect.runPromise(Effect.flip(Effect.provide(embed("c"), replay)))
  expect([error.reason._tag, script.requests.length]).toEqual(["InvalidRequestError", 1])
  expect(error.message).toContain("differs in inputs[0], inputs[1]")
})

it("recorded vectors are taken when they are asked for, and what is no request fails as elsewhere", async () => {
  const script = Scripted.layerEmbeddings([[[1]], [[2]]])
  const twice = Effect.gen(function* () {
    const ask = (yield* EmbeddingProvider).embed({ inputs: ["a"] })
    return [yield* ask, yield* ask].map(({ embeddings }) => embeddings[0]?.[0])
  })
  const numbers = await Effect.runPromise(
    Effect.provide(twice, Recorded.layerEmbeddings({ folder, mode: "record", layer: script })),
  )
  expect(numbers).toEqual([1, 2])
  const replay = Recorded.layerEmbeddings({ folder, mode: "replay" })
  expect(await Effect.runPromise(Effect.provide(twice, replay))).toEqual([1, 2])
  const inputs: ReadonlyArray<string> = Object([1n])
  const odd = Effect.flatMap(EmbeddingProvider, (embeddings) => embeddings.embed({ inputs }))
  const error = await Effect.runPromise(Effect.flip(Effect.provide(odd, replay)))
  expect(error.message).toContain("inputs[0]")
})

describe("Recorded.llm", () => {
  const messages = [{ role: "user", content: "Hello." }] as const

  it("records with RECORD=1 what an interface answers, and plays it without server, settings and key", async () => {
    const answer = JSON.stringify({
      object: "list",
      model: "text-embedding-3-small",
      data: [{ object: "embedding", index: 0, embedding: [0.25, -0.5] }],
    })
    const server = await FaultServer.start((request) =>
      request.path.endsWith("/embeddings") ? whole(answer) : goodAnswer(openai.wire, callOf(request)),
    )
    const key = "a-key-of-no-known-shape-1234"
    vi.stubEnv("RECORD", "1")
    const recorder = Recorded.llm({
      folder,
      interface: { ...openai.options(server.url, key), headers: { "x-own": "own-secret-77" } },
    })
    const recorded = unwrap(await recorder.generate({ messages }))
    unwrap(await recorder.stream({ messages, temperature: 0 }).response)
    unwrap(await recorder.embed({ inputs: ["a"], model: "text-embedding-3-small" }))
    await recorder.dispose()
    await server.close()
    expect([server.requests.length, files().length]).toEqual([3, 3])
    expect(bytes()).not.toMatch(/a-key-of|own-secret/)

    vi.stubEnv("RECORD", "")
    const llm = Recorded.llm({ folder })
    const played = unwrap(await llm.generate({ messages }))
    expect([played.text, played.parts, played.metadata.usage]).toEqual([
      fullText,
      recorded.parts,
      recorded.metadata.usage,
    ])
    expect(played.metadata).toMatchObject({
      provider: "openai",
      model: "gpt-5-mini",
      costUsd: recorded.metadata.costUsd,
    })
    const deltas: Array<string> = []
    for await (const event of llm.stream({ messages, temperature: 0 })) {
      if (event.type === "text-delta") deltas.push(event.delta)
    }
    expect(deltas).toEqual([...pieces])
    expect(unwrap(await llm.embed({ inputs: ["a"], model: "text-embedding-3-small" })).embeddings).toEqual([
      [0.25, -0.5],
    ])
    expect(await llm.generate({ messages, seed: 4 })).toMatchObject({ errorType: "InvalidRequestError" })
  })
})

it("there are no recordings where there are no files", async () => {
  expect(await Effect.runPromise(Effect.flip(readFolder("x")))).toContain("no files")
  expect(await Effect.runPromise(Effect.flip(writeFileIn("x", { name: "a.json", text: "" }, undefined)))).toContain(
    "no files",
  )
})
