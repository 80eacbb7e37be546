/** Azure: every form in which people write their resource down, and both ways to say who asks. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Tracer from "effect/Tracer"
import { AzureOpenAi, withTelemetry } from "../../src/index.ts"
import * as ApiBase from "../../src/providers/addresses/ApiBase.ts"
import { azureAddress } from "../../src/providers/addresses/AzureAddress.ts"
import { ask, open, outcomeOf, serve } from "../contract/Ask.ts"
import { callOf, goodAnswer } from "../faults/FaultScenario.ts"
import { chat, fullText } from "../faults/WireText.ts"

const classic = "/openai/deployments/my-deployment/chat/completions"
const v1 = "/openai/v1/chat/completions"

/** What follows the host, the version beside it, and what must be asked. */
const forms: ReadonlyArray<readonly [base: string, apiVersion: string | undefined, path: string]> = [
  ["", undefined, `${classic}?api-version=2023-05-15`],
  ["/", undefined, `${classic}?api-version=2023-05-15`],
  ["", "2024-10-21", `${classic}?api-version=2024-10-21`],
  ["", "2025-04-01-preview", `${classic}?api-version=2025-04-01-preview`],
  ["/openai", "2024-10-21", `${classic}?api-version=2024-10-21`],
  ["/openai/", "2024-10-21", `${classic}?api-version=2024-10-21`],
  ["/openai/deployments/my-deployment", "2024-10-21", `${classic}?api-version=2024-10-21`],
  [classic, "2024-10-21", `${classic}?api-version=2024-10-21`],
  [`${classic}?api-version=2024-06-01`, undefined, `${classic}?api-version=2024-06-01`],
  [`${classic}?api-version=2024-06-01`, "2024-10-21", `${classic}?api-version=2024-06-01`],
  ["", "v1", v1],
  ["", "V1", v1],
  ["/openai", "v1", v1],
  ["/openai/v1", undefined, v1],
  ["/openai/v1/", "2024-10-21", v1],
  [v1, undefined, v1],
  ["/gateway/azure", "2024-10-21", `/gateway/azure${classic}?api-version=2024-10-21`],
  ["/gateway/openai/v1", undefined, `/gateway${v1}`],
  ["/models", "2024-05-01-preview", "/models/chat/completions?api-version=2024-05-01-preview"],
]

const hosts = [
  "https://my-resource.openai.azure.com",
  "https://my-resource.services.ai.azure.com",
  "https://my-resource.cognitiveservices.azure.com",
]

const addressOf = (apiBase: string, version: string | undefined, call = "/chat/completions") =>
  azureAddress(Effect.runSync(ApiBase.read("AZURE_API_BASE", apiBase, "https://…")), version, call)

describe("an Azure address", () => {
  it.each(hosts.flatMap((host) => forms.map(([base, version, path]) => ({ host, base, version, path }))))(
    "$host$base with version $version",
    ({ base, host, path, version }) => {
      expect(addressOf(`${host}${base}`, version).url("my-deployment")).toBe(`${host}${path}`)
    },
  )

  it.each([
    ["", undefined, "/openai/v1/responses"],
    ["/models", undefined, "/openai/v1/responses"],
    ["", "2025-04-01-preview", "/openai/responses?api-version=2025-04-01-preview"],
    ["/openai/responses?api-version=2025-04-01-preview", undefined, "/openai/responses?api-version=2025-04-01-preview"],
    [classic, "2025-04-01-preview", "/openai/responses?api-version=2025-04-01-preview"],
    ["", "v1", "/openai/v1/responses"],
    ["/openai/v1/responses", undefined, "/openai/v1/responses"],
    [v1, undefined, "/openai/v1/responses"],
  ])("of Responses, from {resource}%s with version %s, is %s", (base, version, path) => {
    const { url } = addressOf(`https://my-resource.openai.azure.com${base}`, version, "/responses")
    expect(url("my-deployment")).toBe(`https://my-resource.openai.azure.com${path}`)
  })

  it.each([
    ["?tenant=blue", "2024-10-21", `${classic}?api-version=2024-10-21&tenant=blue`],
    ["?tenant=blue&api-version=2024-06-01", undefined, `${classic}?tenant=blue&api-version=2024-06-01`],
    ["/openai/v1?tenant=blue", undefined, `${v1}?tenant=blue`],
    ["/openai/v1?api-version=preview", undefined, `${v1}?api-version=preview`],
    ["?api-version=v1&tenant=blue", undefined, `${v1}?tenant=blue`],
    [
      "/models?tenant=blue",
      "2024-05-01-preview",
      "/models/chat/completions?api-version=2024-05-01-preview&tenant=blue",
    ],
  ])("keeps the query of {resource}%s with version %s: %s", (base, version, path) => {
    const { url } = addressOf(`https://my-resource.openai.azure.com${base}`, version)
    expect(url("my-deployment")).toBe(`https://my-resource.openai.azure.com${path}`)
  })

  it("takes a deployment that is not the encoding of anything as it is written", () => {
    const { deployment } = addressOf("https://my-resource.openai.azure.com/openai/deployments/100%zz", "2024-10-21")
    expect(deployment).toBe("100%zz")
  })

  it("keeps a deployment's name whole", () => {
    const { url } = addressOf("https://my-resource.openai.azure.com", "2024-10-21")
    expect(url("a name/with?signs")).toContain("/openai/deployments/a%20name%2Fwith%3Fsigns/chat/completions?")
  })
})

describe("Azure over HTTP", () => {
  it.live.each(forms.map(([base, apiVersion, path]) => ({ base, apiVersion, path })))(
    "asks $path for {resource}$base with version $apiVersion, with the key in api-key alone",
    Effect.fnUntraced(function* ({ apiVersion, base, path }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const llm = yield* open(
        AzureOpenAi.layer({
          apiKey: Redacted.make("azure-key"),
          apiBase: `${server.url}${base}`,
          apiVersion,
          model: "my-deployment",
        }),
      )
      for (const call of ["generate", "stream"] as const) expect((yield* ask(llm, call)).text).toBe(fullText)
      for (const request of server.requests) {
        expect(request).toMatchObject({ method: "POST", path, headers: { "api-key": "azure-key" } })
        expect(request.headers).not.toHaveProperty("authorization")
      }
      expect(server.requests.map(({ json }) => json)).toMatchObject([{ model: "my-deployment" }, { stream: true }])
    }),
  )

  it.live(
    "is told to traces by the name that the conventions have for it",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const names: Array<unknown> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          const end = span.end.bind(span)
          span.end = (...ending) => {
            names.push(span.attributes.get("gen_ai.provider.name"))
            end(...ending)
          }
          return span
        },
      })
      const options = { apiKey: "azure-key", apiBase: server.url, model: "my-deployment" }
      const llm = yield* open(AzureOpenAi.layer(options).pipe(withTelemetry))
      for (const call of ["generate", "stream"] as const) {
        yield* Effect.provideService(ask(llm, call), Tracer.Tracer, tracer)
      }
      expect(names.length).toBeGreaterThanOrEqual(2)
      expect(new Set(names)).toEqual(new Set(["azure.ai.openai"]))
    }),
  )

  it.live.each([
    { deployment: "my-deployment", version: "2024-10-21", field: "max_completion_tokens" },
    { deployment: "my-deployment", version: "2023-05-15", field: "max_tokens" },
    { deployment: "DeepSeek-R1", version: "2024-10-21", field: "max_tokens" },
  ])(
    "takes $deployment for a model that wants $field in version $version",
    Effect.fnUntraced(function* ({ deployment, field, version }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const options = { apiKey: "azure-key", apiBase: server.url, apiVersion: version, model: deployment }
      const llm = yield* open(AzureOpenAi.layer(options))
      yield* ask(llm, "generate", { messages: [{ role: "user", content: "Hi" }], maxTokens: 7 })
      expect(server.requests[0]?.json).toMatchObject({ [field]: 7 })
    }),
  )

  it.live.each([".", "..", "", "half a \ud800 character"].map((deployment) => ({ deployment })))(
    "refuses a deployment that no path can hold: %j",
    Effect.fnUntraced(function* ({ deployment }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const llm = yield* open(AzureOpenAi.layer({ apiKey: "azure-key", apiBase: server.url, model: "my-deployment" }))
      for (const call of ["generate", "stream"] as const) {
        const seen = yield* ask(llm, call, { messages: [{ role: "user", content: "Hi" }], model: deployment })
        expect(outcomeOf(seen)).toBe("InvalidRequestError")
        expect(seen.error?.reason).toMatchObject({ parameter: "model" })
      }
      expect(server.connections).toEqual([])
    }),
  )

  it.live(
    "takes the deployment from a base that names it, and the request's model before it",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const apiBase = `${server.url}${classic}?api-version=2024-10-21`
      const llm = yield* open(AzureOpenAi.layer({ apiKey: "azure-key", apiBase }))
      yield* ask(llm, "generate")
      yield* ask(llm, "generate", { messages: [{ role: "user", content: "Hi" }], model: "another" })
      expect(server.requests.map(({ path }) => path.split("/")[3])).toEqual(["my-deployment", "another"])
    }),
  )

  it.live(
    "asks for an Entra token before each request, and sends it as bearer alone",
    Effect.fnUntraced(function* () {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      let asked = 0
      const entraToken = () => Promise.resolve(`token-${asked++}`)
      const llm = yield* open(AzureOpenAi.layer({ entraToken, apiBase: server.url, model: "my-deployment" }))
      yield* ask(llm, "generate")
      yield* ask(llm, "stream")
      expect(server.requests.map(({ headers }) => headers["authorization"])).toEqual([
        "Bearer token-0",
        "Bearer token-1",
      ])
      for (const { headers } of server.requests) expect(headers).not.toHaveProperty("api-key")
    }),
  )

  it.live.each([
    { what: "fails", entraToken: () => Promise.reject(new Error("no identity")) },
    { what: "gives no token", entraToken: () => Promise.resolve("two\nlines") },
    { what: "gives nothing", entraToken: () => Promise.resolve("") },
  ])(
    "sends nothing where entraToken $what",
    Effect.fnUntraced(function* ({ entraToken }) {
      const server = yield* serve((request) => goodAnswer(chat, callOf(request)))
      const llm = yield* open(AzureOpenAi.layer({ entraToken, apiBase: server.url, model: "my-deployment" }))
      for (const call of ["generate", "stream"] as const) {
        expect(outcomeOf(yield* ask(llm, call))).toBe("AuthenticationError")
      }
      expect(server.connections).toEqual([])
    }),
  )
})
