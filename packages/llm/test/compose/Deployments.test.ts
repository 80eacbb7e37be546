/** Several deployments by settings, by files and by options: who is asked, under which limits, and what is wrong with an entry. */
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it, vi } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LLMInterface, LlmStack, type InterfaceOptions } from "../../src/index.ts"
import { useBareEnvironment } from "../contract/BareEnvironment.ts"
import { answers, listen, refuses } from "../guide/LoopbackUpstream.ts"
import { ask, callNames } from "../policies/Calls.ts"

useBareEnvironment("none")

const canary = "sk-canary-7f3a9c1e5b2d8046"

const stack = (settings: Readonly<Record<string, string>>) =>
  Layer.provide(
    LlmStack.layerConfig(),
    ConfigProvider.layer(ConfigProvider.fromEnvRecord({ PRIMARY_MODEL: "gpt-5-mini", ...settings })),
  )

const deployment = (name: string, url: string, more: object = {}) => ({
  name,
  provider: "openai",
  api_key: `sk-${name}`,
  api_base: url,
  ...more,
})

describe.each(callNames)("DEPLOYMENTS, %s", (name) => {
  it.live("spreads calls by weight over three servers, each with its own key and name of the model", () =>
    Effect.gen(function* () {
      const servers = yield* Effect.promise(() => Promise.all([listen(), listen(), listen()]))
      const entries = servers.map(({ url }, index) =>
        deployment(`d${index}`, url, { weight: 3 - index, model: `mini-${index}`, concurrency: 50 }),
      )
      const settings = { DEPLOYMENTS: JSON.stringify(entries), LLM_BALANCE: "weighted" }
      const all = yield* Effect.all(
        Array.from({ length: 60 }, () => ask(name)),
        { concurrency: "unbounded" },
      ).pipe(Effect.provide(stack(settings)))
      expect(servers.map(({ requests }) => requests.length)).toEqual([30, 20, 10])
      for (const [index, { requests }] of servers.entries()) {
        expect(new Set(requests.map(({ headers }) => headers.authorization))).toEqual(new Set([`Bearer sk-d${index}`]))
        expect(new Set(requests.map(({ body }) => body["model"]))).toEqual(new Set([`mini-${index}`]))
      }
      expect(all.every(({ metadata }) => metadata.attempts[0]?.chosenBy === "weighted")).toBe(true)
      yield* Effect.promise(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())))
    }),
  )

  it.live(
    "passes over one that fails, and one that asks to wait, and never exceeds what a deployment may have in flight",
    () =>
      Effect.gen(function* () {
        const servers = yield* Effect.promise(() =>
          Promise.all([
            listen(refuses(500)),
            listen((_, response) => {
              response.writeHead(429, { "retry-after": "60", "content-type": "application/json" }).end("{}")
            }),
            listen(async (request, response, position) => {
              await new Promise((resume) => setTimeout(resume, 20))
              return answers("hello")(request, response, position)
            }),
          ]),
        )
        const [broken, busy, well] = servers
        const entries = [
          deployment("broken", broken.url),
          deployment("busy", busy.url),
          deployment("well", well.url, { concurrency: 2 }),
        ]
        const texts = yield* Effect.forEach(
          Array.from({ length: 30 }),
          () => Effect.map(ask(name), ({ text }) => text),
          { concurrency: 4 },
        ).pipe(Effect.provide(stack({ DEPLOYMENTS: JSON.stringify(entries), LLM_BALANCE: "weighted" })))
        expect(new Set(texts)).toEqual(new Set(["hello"]))
        expect(broken.requests.length).toBeLessThanOrEqual(6)
        expect(busy.requests.length).toBeLessThanOrEqual(4)
        expect(well.requests.length).toBe(30)
        expect(well.mostInFlight()).toBeLessThanOrEqual(2)
        yield* Effect.promise(() => Promise.all(servers.map((server) => server[Symbol.asyncDispose]())))
      }),
  )
})

describe("a file of settings", () => {
  const files = {
    "settings.json": (url: string) =>
      `{"PRIMARY_MODEL": "gpt-5-mini", "DEPLOYMENTS": [{"name": "a", "provider": "openai", "api_key": "sk-a", "api_base": "${url}/a", "weight": 1.5}, {"name": "b]", "provider": "openai", "api_key_variable": "KEY_OF_B", "api_base": "${url}/b"}], "LLM_BALANCE": "weighted", "KEY_OF_B": "sk-b"}`,
    "settings.toml": (url: string) =>
      `PRIMARY_MODEL = "gpt-5-mini"\nLLM_BALANCE = "weighted"\nKEY_OF_B = "sk-b"\n\n[[DEPLOYMENTS]] # the first\nname = "a"\nprovider = "openai"\napi_key = "sk-a"\napi_base = "${url}/a"\nweight = 1.5\n\n[[DEPLOYMENTS]]\nname = 'b]'\nprovider = "openai"\napi_key_variable = "KEY_OF_B"\napi_base = "${url}/b"\n`,
    "settings.yaml": (url: string) =>
      `PRIMARY_MODEL: gpt-5-mini\nDEPLOYMENTS:\n  - name: a # the first\n    provider: openai\n    api_key: sk-a\n    api_base: "${url}/a"\n    weight: 1.5\n\n  - name: "b]"\n    provider: openai\n    api_key_variable: KEY_OF_B\n    api_base: ${url}/b\nLLM_BALANCE: weighted\nKEY_OF_B: sk-b\n`,
    "flow.yaml": (url: string) =>
      `PRIMARY_MODEL: gpt-5-mini\nDEPLOYMENTS: [\n  {"name": "a", "provider": "openai", "api_key": "sk-a", "api_base": "${url}/a", "weight": 1.5},\n  {"name": "b]", "provider": "openai", "api_key_variable": "KEY_OF_B", "api_base": "${url}/b"}]\nLLM_BALANCE: weighted\nKEY_OF_B: sk-b\n`,
    "text.toml": (url: string) =>
      `PRIMARY_MODEL = "gpt-5-mini"\nLLM_BALANCE = "weighted"\nKEY_OF_B = "sk-b"\nDEPLOYMENTS = '[{"name": "a", "provider": "openai", "api_key": "sk-a", "api_base": "${url}/a", "weight": 1.5}, {"name": "b]", "provider": "openai", "apiKeyVariable": "KEY_OF_B", "api_base": "${url}/b"}]'\n`,
  }

  it.live.each(Object.entries(files))("%s holds the deployments as a list", ([file, content]) =>
    Effect.gen(function* () {
      const upstream = yield* Effect.promise(() => listen())
      const folder = yield* Effect.promise(() => mkdtemp(join(tmpdir(), "deployments-")))
      const path = join(folder, file)
      yield* Effect.promise(() => writeFile(path, content(upstream.url)))
      const settings = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: path }))
      const layer = Layer.provide(LlmStack.layerConfig(), settings)
      const asked = Effect.forEach([1, 2, 3, 4, 5], () =>
        Effect.map(ask("generate"), ({ metadata }) => metadata.attempts[0]),
      )
      const attempts = yield* Effect.provide(asked, layer)
      expect(attempts.map((attempt) => attempt?.deployment).toSorted()).toEqual(["a", "a", "a", "b]", "b]"])
      expect(new Set(upstream.requests.map(({ headers, path: at }) => `${at} ${headers.authorization}`))).toEqual(
        new Set(["/a/chat/completions Bearer sk-a", "/b/chat/completions Bearer sk-b"]),
      )
      yield* Effect.promise(() => upstream[Symbol.asyncDispose]())
      yield* Effect.promise(() => rm(folder, { recursive: true }))
    }),
  )
})

/** What is wrong with the second entry, the field that the error names, and what it says. */
const mistakes: ReadonlyArray<readonly [field: string, entry: unknown, message: RegExp]> = [
  ["", "east", /is not an object/],
  [".name", { name: undefined }, /is not set; write for example/],
  [".name", { name: "first" }, /name of another one/],
  [".name", { name: canary }, /looks like a key/],
  [".weight", { weight: 0 }, /above 0, not 0/],
  [".weight", { weight: "2" }, /is not a number; write it without quotes/],
  [".rpm", { rpm: -1 }, /1 or more, not -1/],
  [".tpm", { tpm: 0 }, /1 or more/],
  [".concurrency", { concurrency: 1.5 }, /whole number above 0/],
  [".wieght", { wieght: 1 }, /there is no such field; did you mean "weight"/],
  [".provider", { provider: "opnai" }, /is not one of/],
  [".provider", { provider: undefined, model: "mine" }, /is not set; write one of openai/],
  [".api_key", { api_key: 7 }, /is not a text/],
  [".apiKey", { api_key: "sk 1" }, /copy it again/],
  [".apiKey", { api_key: undefined }, /at an address of its own it needs a key of its own/],
  [".apiKeyVariable", { api_key: undefined, api_key_variable: "KEY_OF_EAST" }, /KEY_OF_EAST is not set/],
  [".apiKeyVariable", { api_key: undefined, api_key_variable: canary }, /is not the name of a variable/],
  [".apiBase", { api_base: "nowhere" }, /DEPLOYMENTS\[1\]\.apiBase/],
  [".wire_api", { wire_api: "both" }, /chat or responses/],
]

describe("a deployment that is wrong", () => {
  it.effect.each(mistakes)("is told by its place: DEPLOYMENTS[1]%s of %j", ([field, entry, message]) =>
    Effect.gen(function* () {
      const first = deployment("first", "http://127.0.0.1:1")
      const second = typeof entry === "object" ? { ...deployment("second", "http://127.0.0.1:1"), ...entry } : entry
      const settings = { DEPLOYMENTS: JSON.stringify([first, second]), LLM_PROVIDER: "fallback" }
      const error = yield* Effect.flip(Effect.provide(ask("generate"), stack(settings)))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: `DEPLOYMENTS[1]${field}` })
      expect(error.message).toMatch(message)
      expect(error.message).toContain(`DEPLOYMENTS[1]${field}`)
      expect(error.message).not.toContain("canary")
    }),
  )

  it.effect.each([
    ["DEPLOYMENTS", "east, west", /is not a JSON list/],
    ["DEPLOYMENTS", "[]", /holds no deployment/],
    ["DEPLOYMENTS", "{}", /is not a JSON list/],
    ["LLM_BALANCE", "fair", /is not one of/],
  ] as const)("%s=%s", ([setting, value, message]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(Effect.provide(ask("generate"), stack({ [setting]: value })))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
      expect(error.message).toMatch(message)
    }),
  )
})

describe("the options of an interface", () => {
  const options = (more: object): InterfaceOptions => ({ logger: false, model: "gpt-5-mini", ...more })

  it("ask several deployments, by the key of a call, and stand before the setting", async () => {
    const upstreams = await Promise.all([listen(), listen(), listen()])
    vi.stubEnv("DEPLOYMENTS", JSON.stringify([deployment("other", "http://127.0.0.1:1")]))
    await using llm = new LLMInterface(
      options({
        deployments: upstreams.map(({ url }, index) => ({
          name: `d${index}`,
          provider: "openai",
          apiKey: () => `sk-${index}`,
          apiBase: url,
        })),
        balance: { strategy: "least-in-flight", failures: 2 },
      }),
    )
    const seen = new Map<string, Set<string | undefined>>()
    for (let call = 0; call < 30; call++) {
      const key = `session-${call % 10}`
      const { metadata } = await llm.generate({ prompt: "Hello.", stickyKey: key })
      expect(metadata.attempts[0]?.chosenBy).toBe("sticky")
      seen.set(key, (seen.get(key) ?? new Set()).add(metadata.attempts[0]?.deployment))
    }
    expect([...seen.values()].map(({ size }) => size)).toEqual(Array.from({ length: 10 }, () => 1))
    expect(upstreams.filter(({ requests }) => requests.length > 0).length).toBeGreaterThan(1)
    const { metadata } = await llm.generate({ prompt: "Hello." })
    expect(metadata.attempts[0]?.chosenBy).toBe("least-in-flight")
    for (const upstream of upstreams) await upstream[Symbol.asyncDispose]()
    vi.stubEnv("DEPLOYMENTS", undefined)
  })

  it.each<readonly [string, object, RegExp]>([
    ["deployments[0].weight", { deployments: [{ name: "a", provider: "openai", apiKey: "k", weight: 0 }] }, /above 0/],
    ["deployments[0].wieght", { deployments: [{ name: "a", wieght: 1 }] }, /did you mean "weight"/],
    ["deployments[0].apiKey", { deployments: [{ name: "a", provider: "groq" }] }, /is not set: write the key of groq/],
    ["deployments[0].apiKey", { deployments: [{ name: "a", provider: "openai", apiKey: 7 }] }, /a function/],
    ["deployments[0]", { deployments: ["east"] }, /is not an object/],
    ["deployments", { deployments: [] }, /holds no deployment/],
    ["deployments", { deployments: "east" }, /is not a list/],
    ["balance", { balance: { strategy: "weighted" } }, /there are no deployments/],
    ["balance.strategy", { balance: { strategy: "fair" } }, /is not one of/],
    ["balance.maxTries", { balance: { maxTries: 0 } }, /whole number/],
    ["balance.stickyBy", { balance: { stickyBy: "user" } }, /is not a function/],
    ["balance.tries", { balance: { tries: 1 } }, /there is no such option/],
  ])("name %s where it is wrong", async (setting, more, message) => {
    await using llm = new LLMInterface(options(more))
    const response = await llm.generate({ prompt: "Hello." })
    expect(response).toMatchObject({ errorType: "ConfigurationError", setting })
    expect("error" in response && response.error).toMatch(message)
  })

  it("a key of a call that is no text is refused", async () => {
    await using llm = new LLMInterface(options({ provider: "openai", apiKey: "k" }))
    const response = await llm.generate(untyped({ prompt: "Hello.", stickyKey: 7 }))
    expect(response).toMatchObject({ errorType: "InvalidRequestError" })
    expect("error" in response && response.error).toContain("stickyKey is not a text")
  })
})

/** What a program without types may pass. */
const untyped = (value: unknown): any => value
