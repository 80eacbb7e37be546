/** The same fault has one meaning, whatever shape it comes in (law 2). */
import { describe, expect, it } from "vitest"
import type { ErrorType } from "../../../src/model/LlmError.ts"
import { readFailure } from "../../../src/protocols/failures/FailureReader.ts"
import { toReason } from "../../../src/protocols/failures/ProviderFailure.ts"

const openAi = (error: object) => ({ error: { message: "It failed.", param: null, ...error } })
const anthropic = (type: string, message = "It failed.", more: object = {}) => ({
  type: "error",
  error: { type, message, ...more },
  request_id: "req_1",
})

/** What the provider sent, the status under which it came, and the reason that it is. */
const table: ReadonlyArray<readonly [string, unknown, number | undefined, ErrorType]> = [
  ["OpenAI pace", openAi({ type: "tokens", code: "rate_limit_exceeded" }), 429, "RateLimitError"],
  ["OpenAI slow_down under 503", openAi({ code: "slow_down" }), 503, "RateLimitError"],
  ["OpenAI quota by code", openAi({ code: "insufficient_quota" }), 429, "QuotaExceededError"],
  ["OpenAI quota by type", openAi({ code: null, type: "insufficient_quota" }), 429, "QuotaExceededError"],
  [
    "OpenAI credit",
    openAi({ code: "credit_balance_exhausted", type: "insufficient_quota" }),
    429,
    "QuotaExceededError",
  ],
  ["OpenAI organization spend", openAi({ code: "organization_spend_limit_exceeded" }), 429, "QuotaExceededError"],
  ["OpenAI project spend", openAi({ code: "project_spend_limit_exceeded" }), 429, "QuotaExceededError"],
  ["OpenAI usage limit", openAi({ code: "organization_usage_limit_exceeded" }), 429, "QuotaExceededError"],
  ["Anthropic billing", anthropic("billing_error"), 402, "QuotaExceededError"],
  [
    "Anthropic empty account",
    anthropic("invalid_request_error", "Your credit balance is too low to access"),
    400,
    "QuotaExceededError",
  ],
  [
    "Anthropic own limit",
    anthropic("rate_limit_error", "no", { details: { error_code: "enforced_spend_limit_reached" } }),
    429,
    "QuotaExceededError",
  ],
  ["LiteLLM budget", openAi({ type: "budget_exceeded", param: "None", code: "400" }), 400, "QuotaExceededError"],
  ["a plain 402", {}, 402, "QuotaExceededError"],
  ["a redirect", "", 307, "InvalidResponseError"],
  ["a redirect that a browser hides", "", 0, "InvalidResponseError"],
  [
    "xAI without credits",
    { code: "permission denied", error: "Your team doesn't have any credits yet." },
    403,
    "QuotaExceededError",
  ],
  ["Anthropic pace", anthropic("rate_limit_error"), 429, "RateLimitError"],
  [
    "Azure pace",
    { error: { code: "429", message: "Requests have exceeded the token rate limit." } },
    429,
    "RateLimitError",
  ],
  ["Anthropic overload", anthropic("overloaded_error", "Overloaded"), 529, "OverloadedError"],
  ["a proxy's 503", "upstream connect error", 503, "OverloadedError"],
  ["Anthropic server", anthropic("api_error"), 500, "ServerError"],
  ["Anthropic timeout", anthropic("timeout_error"), 504, "ServerError"],
  ["OpenAI server", openAi({ type: "server_error" }), 500, "ServerError"],
  ["a gateway's page", "<html><head><title>502 Bad Gateway</title></head></html>", 502, "ServerError"],
  ["a passing conflict", anthropic("conflict_error"), 409, "ServerError"],
  ["a request that took too long", "", 408, "ServerError"],
  ["a wrong key", openAi({ code: "invalid_api_key" }), 401, "AuthenticationError"],
  ["a wrong key under a vague type", openAi({ type: "api_error" }), 401, "AuthenticationError"],
  [
    "xAI's wrong key",
    { code: "Client specified an invalid argument", error: "Incorrect API key provided: xa***" },
    400,
    "AuthenticationError",
  ],
  ["a forbidden region", openAi({ code: "unsupported_country_region_territory" }), 403, "PermissionDeniedError"],
  ["Anthropic permission", anthropic("permission_error"), 403, "PermissionDeniedError"],
  ["OpenAI model", openAi({ code: "model_not_found" }), 404, "ModelNotFoundError"],
  ["OpenAI model under 400", openAi({ code: "model_not_found" }), 400, "ModelNotFoundError"],
  ["Azure deployment", { error: { code: "DeploymentNotFound", message: "no" } }, 404, "ModelNotFoundError"],
  ["Azure resource", { error: { code: "404", message: "Resource not found" } }, 404, "ModelNotFoundError"],
  ["Anthropic model", anthropic("not_found_error", "model: nope"), 404, "ModelNotFoundError"],
  ["OpenAI context", openAi({ code: "context_length_exceeded" }), 400, "ContextLengthExceededError"],
  [
    "Anthropic context",
    anthropic("invalid_request_error", "prompt is too long: 200027 tokens > 200000 maximum"),
    400,
    "ContextLengthExceededError",
  ],
  [
    "Anthropic context with the answer",
    anthropic("invalid_request_error", "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000"),
    400,
    "ContextLengthExceededError",
  ],
  ["a plain 413", "Payload Too Large", 413, "ContextLengthExceededError"],
  [
    "LiteLLM context",
    openAi({ message: "litellm.ContextWindowExceededError: no", type: "None", code: "400" }),
    400,
    "ContextLengthExceededError",
  ],
  ["OpenAI filter", openAi({ code: "content_policy_violation" }), 400, "ContentFilterError"],
  ["an unknown parameter", openAi({ code: "unknown_parameter", param: "x" }), 400, "InvalidRequestError"],
  [
    "FastAPI's list",
    { detail: [{ loc: ["body", "messages", 0], msg: "wrong", type: "string_type" }] },
    422,
    "InvalidRequestError",
  ],
  ["FastAPI's sentence", { detail: "Not allowed here" }, 405, "InvalidRequestError"],
  ["Google's array", [{ error: { code: 429, message: "slow", status: "RESOURCE_EXHAUSTED" } }], 429, "RateLimitError"],
  ["a redirect", "", 307, "InvalidResponseError"],
  ["nothing at all", undefined, 500, "ServerError"],
  // Without a status: inside a stream, or in a body under 200.
  ["OpenRouter's number", { error: { code: 429, message: "Rate limited" } }, undefined, "RateLimitError"],
  [
    "OpenRouter's key",
    { error: { code: 401, message: "No cookie auth credentials found" } },
    undefined,
    "AuthenticationError",
  ],
  ["OpenRouter's refusal", { error: { code: 403, message: "no" } }, undefined, "PermissionDeniedError"],
  ["LiteLLM's number as text", { error: { code: "503", message: "no" } }, undefined, "OverloadedError"],
  [
    "Groq's status",
    { error: { code: "tool_use_failed", message: "no", status_code: 400 } },
    undefined,
    "InvalidResponseError",
  ],
  ["an overload in a stream", anthropic("overloaded_error"), undefined, "OverloadedError"],
  ["a server error in a stream", openAi({ type: "server_error" }), undefined, "ServerError"],
  ["an invalid request in a stream", anthropic("invalid_request_error"), undefined, "InvalidRequestError"],
  ["a type from the future in a stream", anthropic("cosmic_ray_error"), undefined, "ServerError"],
]

describe("a provider's failure", () => {
  it.each(table)("%s", (_, body, status, errorType) => {
    expect(toReason(readFailure(body, status), {})._tag).toBe(errorType)
  })

  it("keeps what the provider and its response told", () => {
    const body = openAi({ code: "unsupported_value", type: "invalid_request_error", param: "temperature" })
    const context = { requestId: "req_1", retryAfterMs: 5, shouldRetry: false, body: "x".repeat(5000) }
    expect(toReason(readFailure(body, 400), context)).toMatchObject({
      _tag: "InvalidRequestError",
      message: "It failed.",
      status: 400,
      code: "unsupported_value",
      type: "invalid_request_error",
      parameter: "temperature",
      requestId: "req_1",
      retryAfterMs: 5,
      shouldRetry: false,
      body: `${"x".repeat(1999)}…`,
    })
  })

  it("names the filters that fired", () => {
    const content_filter_result = {
      hate: { filtered: true, severity: "high" },
      jailbreak: { filtered: false, detected: true },
      violence: { filtered: false, severity: "safe" },
    }
    const innererror = { code: "ResponsibleAIPolicyViolation", content_filter_result }
    const reason = toReason(readFailure(openAi({ code: "content_filter", param: "prompt", innererror }), 400), {})
    expect(reason).toMatchObject({ _tag: "ContentFilterError", categories: ["hate", "jailbreak"] })
  })

  it("says what a gateway's provider said", () => {
    const raw = JSON.stringify(
      openAi({ message: "Country not supported", code: "unsupported_country_region_territory" }),
    )
    const body = openAi({ message: "Provider returned error", code: 403, metadata: { raw, provider_name: "OpenAI" } })
    expect(toReason(readFailure(body, 403), {})).toMatchObject({
      _tag: "PermissionDeniedError",
      message: "Provider returned error: Country not supported",
      code: "unsupported_country_region_territory",
    })
  })

  it("is short where the body is a page", () => {
    expect(readFailure("<html><head><title>502 Bad Gateway</title></head></html>", 502).message).toBe("502 Bad Gateway")
    expect(readFailure("a".repeat(10_000), 500).message).toHaveLength(500)
  })

  it("says that a redirect is not followed", () => {
    expect(toReason(readFailure("go there", 308), {}).message).toBe(
      "the provider answered with a redirect (HTTP 308), which is not followed: go there",
    )
    expect(toReason(readFailure("", 0), {}).message).toBe(
      "the provider answered with a redirect, which is not followed",
    )
  })

  it("has no field for what nobody told", () => {
    const reason = toReason(readFailure({ error: { message: "no" } }, undefined), {})
    expect(Object.keys(reason).filter((name) => Reflect.get(reason, name) === undefined)).toEqual([])
    expect(toReason(readFailure(openAi({ code: "content_filter" }), 400), {})).toMatchObject({ categories: [] })
  })

  it("tells a wait that needs the time of day only where that is known", () => {
    const headers = { "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "5s" }
    const body = openAi({ code: 429, metadata: { headers } })
    expect(toReason(readFailure(body, 429), { nowMs: 0 })).toMatchObject({ retryAfterMs: 5000 })
    expect(toReason(readFailure(body, 429), {})).not.toHaveProperty("retryAfterMs")
  })

  it("is read by a service's own number only where no type in words stands beside it", () => {
    const own = (fields: object) => toReason(readFailure(openAi(fields), 400), {})._tag
    expect(own({ code: "1305" })).toBe("RateLimitError")
    expect(own({ code: "1305", type: "1305" })).toBe("RateLimitError")
    for (const type of ["odd", "x1305", "1305x"]) expect(own({ code: "1305", type })).toBe("InvalidRequestError")
    expect(own({ code: "rate_limit_exceeded", type: "odd" })).toBe("RateLimitError")
  })

  it("is a spent budget where its code ends like one of OpenAI's", () => {
    const tagOf = (code: string) => toReason(readFailure(openAi({ code }), 400), {})._tag
    for (const code of ["team_spend_limit_exceeded", "Seat_Usage_Limit_Reached", "key_budget_limit_exceeded"])
      expect(tagOf(code)).toBe("QuotaExceededError")
    for (const code of ["_spend_limit_exceeded_soon", "depth_limit_exceeded"])
      expect(tagOf(code)).toBe("InvalidRequestError")
  })

  it("without a status is what its code suggests, before its type", () => {
    const tagOf = (fields: object) => toReason(readFailure(openAi(fields), undefined), {})._tag
    expect(tagOf({ code: "Internal_Error", type: "invalid_request_error" })).toBe("ServerError")
    expect(tagOf({ code: "bad_request", type: "server_error" })).toBe("InvalidRequestError")
    expect(tagOf({ code: "odd", type: "not_found_error" })).toBe("ModelNotFoundError")
  })

  it("is read by a phrase only under a status with which services have said it", () => {
    const tagOf = (status: number) =>
      toReason(readFailure(openAi({ message: "Incorrect API key provided" }), status), {})._tag
    expect(tagOf(400)).toBe("AuthenticationError")
    expect(tagOf(500)).toBe("ServerError")
  })

  it("is read by a phrase whose pieces stand up to 200 characters apart, wherever it begins", () => {
    const tagOf = (message: string) => toReason(readFailure(openAi({ message }), 400), {})._tag
    const between = (length: number) => `The model${"x".repeat(length)} does not exist`
    expect(tagOf(between(199))).toBe("ModelNotFoundError")
    expect(tagOf(between(200))).toBe("InvalidRequestError")
    expect(tagOf(`The model ${"y".repeat(300)} the model x does not exist`)).toBe("ModelNotFoundError")
    const inputs = (order: string) => tagOf(`inputs ${order} must be small`)
    expect(inputs("1 tokens + 2 max_new_tokens")).toBe("ContextLengthExceededError")
    expect(inputs(`1 tokens +${"x".repeat(200)}max_new_tokens`)).toBe("ContextLengthExceededError")
    expect(inputs("1 max_new_tokens 2 tokens +")).toBe("InvalidRequestError")
  })

  it("under 413 is what its code says, but for the limit of a rate, which the request alone is larger than", () => {
    const tagOf = (code: string) => toReason(readFailure(openAi({ code }), 413), {})._tag
    expect(tagOf("rate_limit_exceeded")).toBe("ContextLengthExceededError")
    expect(tagOf("invalid_api_key")).toBe("AuthenticationError")
  })
})
