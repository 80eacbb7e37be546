/** The words that services have for their failures: each means what its row says, and `docs/services.md` has each row. */
import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import type { ErrorType, LlmErrorReason } from "../../../src/model/LlmError.ts"
import { readFailure } from "../../../src/protocols/failures/FailureReader.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"
import {
  codes,
  type FailureKind,
  phrases,
  type WordsByService,
} from "../../../src/protocols/failures/ServiceWordsTable.ts"
import { serviceExamples } from "./ServiceExamples.ts"

const errorTypes: Readonly<Record<Exclude<FailureKind, "redirect">, ErrorType>> = {
  "rate-limit": "RateLimitError",
  quota: "QuotaExceededError",
  "user-quota": "QuotaExceededError",
  overloaded: "OverloadedError",
  server: "ServerError",
  slip: "InvalidResponseError",
  authentication: "AuthenticationError",
  permission: "PermissionDeniedError",
  "model-not-found": "ModelNotFoundError",
  "context-length": "ContextLengthExceededError",
  "content-filter": "ContentFilterError",
  "invalid-request": "InvalidRequestError",
}

const meaningOf = (kind: FailureKind): ErrorType => (kind === "redirect" ? "InvalidResponseError" : errorTypes[kind])

const rowsOf = (table: WordsByService) =>
  Object.entries(table).flatMap(([service, rows]) =>
    rows.map(([words, kind, source]) => ({ service, words, kind, source, errorType: meaningOf(kind) })),
  )

const reasonOf = (body: unknown, status: number | undefined): LlmErrorReason => toReason(readFailure(body, status), {})

/** The services that the README and the registry name, each with rows of its own. */
const services = [
  ..."OpenAI Azure Anthropic Gemini Mistral DeepSeek Moonshot Qwen Z.ai xAI Groq Together Fireworks Cerebras".split(
    " ",
  ),
  ..."Perplexity OpenRouter Ollama vLLM llama.cpp LiteLLM Bedrock Cohere".split(" "),
  "LM Studio",
]

describe("the table of words", () => {
  it("has words of every service", () => {
    const known = new Set([...Object.keys(codes), ...Object.keys(phrases)])
    expect(services.filter((service) => !known.has(service))).toEqual([])
  })

  it("gives no words two meanings, writes them in lower case, and says where each was seen", () => {
    for (const table of [codes, phrases]) {
      const meanings = new Map<string, FailureKind>()
      for (const { kind, source, words } of rowsOf(table)) {
        expect([words, meanings.get(words) ?? kind]).toEqual([words, kind])
        expect(words).toBe(words.toLowerCase())
        expect(source).not.toBe("")
        meanings.set(words, kind)
      }
    }
  })

  it.each(rowsOf(codes))("$words of $service is a $errorType", ({ errorType, kind, words }) => {
    for (const status of [400, 429, 500, undefined]) {
      const own = { code: words.toUpperCase(), message: "It failed." }
      expect(reasonOf({ error: own }, status)._tag).toBe(errorType)
      expect(reasonOf(own, status)._tag).toBe(errorType)
      expect(reasonOf({ error: { type: words, message: "It failed." } }, status)._tag).toBe(errorType)
      expect(reasonOf([{ error: { code: 400, status: words, message: "no" } }], status)._tag).toBe(errorType)
    }
    expect(kind).not.toBe("redirect")
  })

  it.each(rowsOf(phrases))('"$words" of $service is a $errorType', ({ errorType, kind, words }) => {
    const message = `Sorry: ${words.replaceAll(" … ", " `gpt-5` ").toUpperCase()}, so it is.`
    const status = kind === "invalid-request" ? 404 : kind === "rate-limit" || kind === "overloaded" ? 429 : 400
    for (const under of [status, undefined]) {
      const found = reasonOf({ error: { message, type: "invalid_request_error", code: null } }, under)
      expect(found._tag).toBe(errorType)
      if (found._tag === "QuotaExceededError") expect(found.scope).toBe(kind === "user-quota" ? "user" : "account")
      expect(reasonOf({ error: { message: `${"x".repeat(2000)} ${message}` } }, 400)._tag).toBe("InvalidRequestError")
    }
  })

  it("leaves a message alone that only sounds like a phrase", () => {
    const sounds = [
      "max_tokens must be less than or equal to 16384, the maximum value for max_tokens is less than the context_window",
      "max_tokens is too large: 200000. This model supports at most 16384 completion tokens.",
      `The model was asked. ${"It did not answer. ".repeat(20)} The file does not exist.`,
      "Unsupported value: 'none' is not supported with the 'gpt-5-pro' model.",
    ]
    for (const message of sounds) {
      const reason = reasonOf({ error: { message, type: "invalid_request_error" } }, 400)
      expect(reason).toMatchObject({ _tag: "InvalidRequestError", message })
    }
  })
})

describe("a body of a service", () => {
  it.each(serviceExamples)("$name", ({ body, errorType, status }) => {
    expect(reasonOf(body, status)._tag).toBe(errorType)
  })

  it("tells the wait that no header told", () => {
    const waitOf = (name: string) => {
      const found = serviceExamples.find((one) => one.name === name)
      const reason = reasonOf(found?.body, found?.status)
      return reason._tag === "ConfigurationError" ? undefined : reason.retryAfterMs
    }
    expect(waitOf("Gemini: pace")).toBe(3000)
    expect(waitOf("Groq: pace")).toBe(2810)
    expect(waitOf("Gemini: overload")).toBeUndefined()
  })

  it("tells the time of a reset that OpenRouter quotes from its headers", () => {
    const headers = { "X-RateLimit-Limit": "1", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1754667660000" }
    const body = { error: { message: "Rate limit exceeded", code: 429, metadata: { headers, provider_name: null } } }
    const reason = toReason(readFailure(body, 429), { nowMs: 1_754_667_600_000 })
    expect(reason).toMatchObject({ _tag: "RateLimitError", retryAfterMs: 60_000 })
    expect(toReason(readFailure(body, 429), { nowMs: 1_754_667_600_000, retryAfterMs: 5 })).toMatchObject({
      retryAfterMs: 5,
    })
  })

  it("tells whose budget is used up", () => {
    const scopes = serviceExamples
      .filter(({ errorType }) => errorType === "QuotaExceededError")
      .map(({ body, name, status }) => [name, reasonOf(body, status)] as const)
      .flatMap(([name, reason]) => (reason._tag === "QuotaExceededError" && reason.scope === "user" ? [name] : []))
    expect(scopes).toEqual(["LiteLLM, one end user: no money", "LiteLLM, one tag: no money"])
  })
})

describe("docs/services.md", () => {
  it("has the rows of the table, in both directions", () => {
    const page = readFileSync(new URL("../../../../../docs/services.md", import.meta.url), "utf8")
    const shown = page
      .split("\n")
      .filter((line) => /^\| .*Error`/.test(line))
      .map((line) =>
        line
          .split("|")
          .slice(1, -1)
          .map((cell) => cell.trim())
          .join(" | "),
      )
    const row = (quote: string) => (one: ReturnType<typeof rowsOf>[number]) =>
      [
        one.service,
        `${quote}${one.words}${quote}`,
        `\`${one.errorType}\`${one.kind === "user-quota" ? ", scope `user`" : ""}`,
        one.source,
      ].join(" | ")
    const expected = [...rowsOf(codes).map(row("`")), ...rowsOf(phrases).map(row('"'))]
    expect(shown.toSorted()).toEqual(expected.toSorted())
  })
})
