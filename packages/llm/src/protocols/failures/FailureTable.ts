/**
 * The words that providers use for their failures, as data. Each row says where it was read; S, D and K are: read in the
 * vendor's SDK source, read in its documentation, general knowledge. "Recorded" is an exchange that was seen.
 */

export type FailureKind =
  | "rate-limit"
  | "quota"
  | "overloaded"
  | "server"
  | "authentication"
  | "permission"
  | "model-not-found"
  | "context-length"
  | "content-filter"
  | "invalid-request"
  | "redirect"

/** Codes and types that mean one thing whatever the status is; compared in lower case. */
const tokens: Readonly<Record<Exclude<FailureKind, "redirect" | "server" | "invalid-request">, ReadonlyArray<string>>> =
  {
    quota: [
      "insufficient_quota", // OpenAI, as code and as type (D; recorded)
      "credit_balance_exhausted", // OpenAI 429 (D)
      "organization_spend_limit_exceeded", // OpenAI 429 (D)
      "project_spend_limit_exceeded", // OpenAI 429 (D)
      "organization_usage_limit_exceeded", // OpenAI 429 (D)
      "billing_hard_limit_reached", // OpenAI (K)
      "billing_not_active", // OpenAI (K)
      "billing_error", // Anthropic 402 (S)
      "enforced_spend_limit_reached", // Anthropic 429, error_code (S)
      "budget_exceeded", // LiteLLM (D)
      "insufficient_credits", // several gateways (K)
      "insufficient_balance", // DeepSeek, Moonshot (K)
      "exceeded_current_quota_error", // Moonshot 429 (K)
      "insufficientquota", // Azure (K)
      "quotaexceeded", // Azure (K)
    ],
    "content-filter": [
      "content_filter", // OpenAI, Azure 400 (D; recorded)
      "content_policy_violation", // OpenAI (K)
      "responsibleaipolicyviolation", // Azure innererror (D)
      "invalid_prompt", // OpenAI: the prompt was refused (S)
      "bio_policy", // OpenAI (S)
      "misalignment_policy_violation", // OpenAI (S)
      "moderation_blocked", // OpenAI (K)
      "data_inspection_failed", // Alibaba (K)
      "1301", // Z.ai: sensitive content (K)
    ],
    "context-length": [
      "context_length_exceeded", // OpenAI (D; recorded)
      "model_context_window_exceeded", // Anthropic (S)
      "request_too_large", // Anthropic 413 (S)
      "tokens_limit_reached", // GitHub Models 413 (K)
      "exceed_context_size_error", // llama.cpp (K)
      "3051", // Mistral (recorded)
      "1261", // Z.ai: prompt too long (K)
    ],
    "model-not-found": [
      "model_not_found", // OpenAI, under 404 and 400 (recorded)
      "deploymentnotfound", // Azure 404 (D)
      "deployment_not_found", // gateways (K)
      "unknown_model", // Azure 400 (recorded)
      "model_not_available", // Together (K)
      "model_not_supported", // GitHub Copilot, Hugging Face (K)
      "invalid_model", // Mistral (K)
      "1211", // Z.ai: unknown model (K)
    ],
    authentication: [
      "invalid_api_key", // OpenAI; Perplexity as type (recorded)
      "authentication_error", // Anthropic; DeepSeek as type (recorded)
      "invalid_authentication_error", // Moonshot (K)
      "invalid_authentication", // gateways (K)
      "missing_api_key", // gateways (K)
    ],
    permission: [
      "permission_error", // Anthropic 403 (S)
      "permission_denied", // Google (K)
      "unsupported_country_region_territory", // OpenAI 403 (recorded)
      "request_forbidden", // OpenAI 403, as type (recorded)
      "insufficient_permissions", // OpenAI (K)
    ],
    "rate-limit": [
      "rate_limit_exceeded", // OpenAI, Groq (recorded)
      "rate_limit_error", // Anthropic (recorded)
      "slow_down", // OpenAI (D)
      "ratelimitreached", // Azure (recorded)
      "rate_limited", // Mistral (recorded)
      "resource_exhausted", // Google (K)
      "throttling_error", // LiteLLM (K)
      "throttlingexception", // Bedrock (K)
      "too_many_requests", // gateways (K)
      "request_limit_exceeded", // Databricks (K)
    ],
    overloaded: [
      "overloaded_error", // Anthropic 529 (recorded)
      "engine_overloaded_error", // Moonshot 429 (K)
      "service_unavailable", // gateways (K)
      "server_overloaded", // gateways (K)
      "capacity_exceeded", // Groq 498 (K)
      "nocapacity", // Azure (K)
      "unavailable", // Google (K)
      "the service is currently unavailable", // xAI (recorded)
    ],
  }

/** Types that say whose fault it is and no more. Only a failure without a status needs them. */
const vagueTokens: Partial<Record<FailureKind, ReadonlyArray<string>>> = {
  "invalid-request": ["invalid_request_error", "bad_request", "invalid_argument", "tool_use_failed"],
  "model-not-found": ["not_found_error"],
  server: ["api_error", "server_error", "internal_server_error", "internal_error", "timeout_error", "conflict_error"],
}

const index = (table: Partial<Record<string, ReadonlyArray<string>>>): ReadonlyMap<string, FailureKind> => {
  const byToken = new Map<string, FailureKind>()
  const kinds: ReadonlyArray<FailureKind> = [
    "rate-limit",
    "quota",
    "overloaded",
    "server",
    "authentication",
    "permission",
    "model-not-found",
    "context-length",
    "content-filter",
    "invalid-request",
  ]
  for (const kind of kinds) for (const token of table[kind] ?? []) byToken.set(token, kind)
  return byToken
}

const certain = index(tokens)
const vague = index(vagueTokens)

/** OpenAI names a spend limit per kind of owner, and may name more of them (D). */
const spendLimit = /_(spend|usage|budget)_limit_(exceeded|reached)$/

/** What a code or type means for certain. */
export const kindOfToken = (token: string | undefined): FailureKind | undefined => {
  if (token === undefined) return undefined
  const lower = token.toLowerCase()
  return certain.get(lower) ?? (spendLimit.test(lower) ? "quota" : undefined)
}

/** What a code or type suggests where nothing better is known. */
export const kindOfVagueToken = (token: string | undefined): FailureKind | undefined =>
  token === undefined ? undefined : vague.get(token.toLowerCase())

/**
 * What a status means where no code said better; undefined for those (400, 422 …) under which providers report several
 * things. 408, 409 and 425 are passing states, so they are the server's fault and tried again, as OpenAI's SDK does (S);
 * 498 is Groq's and 529 Anthropic's word for "no capacity".
 */
export const kindOfStatus = (status: number): FailureKind | undefined => {
  if (status < 400) return "redirect"
  switch (status) {
    case 401:
      return "authentication"
    case 402:
      return "quota"
    case 403:
      return "permission"
    case 404:
      return "model-not-found"
    case 408:
    case 409:
    case 425:
      return "server"
    case 413:
      return "context-length"
    case 429:
      return "rate-limit"
    case 498:
    case 503:
    case 529:
      return "overloaded"
    default:
      return status >= 500 ? "server" : undefined
  }
}

/**
 * What only the message tells. Anthropic reports an empty account as a plain 400 (recorded) and so its own spend limit
 * (S); xAI a wrong key as a plain 400 (K); most services a prompt that is too long (recorded for each of them).
 */
const phrases: ReadonlyArray<readonly [RegExp, FailureKind]> = [
  [/credit balance is too low|specified api usage limits|have any credits|insufficient (balance|credits)/i, "quota"],
  [/budget has been exceeded|BudgetExceeded/i, "quota"],
  [/(incorrect|invalid) api key|api key not valid/i, "authentication"],
  [
    /prompt is too long|input is too long|prompt too long|too large for model|too many total text bytes/i,
    "context-length",
  ],
  [/(maximum|max) (context|prompt) (length|size|window)|context (length|size|window|limit)/i, "context-length"],
  [/ContextWindowExceeded|reduce the length of the (messages|prompt|input)/i, "context-length"],
  [/ContentPolicyViolation|content management policy|(violates|flagged by) .*content polic/i, "content-filter"],
  [
    /^model not found|model `?[^ ]+`? (does not exist|not found)|The requested model .* does not exist/i,
    "model-not-found",
  ],
]

/** What a message says. */
export const kindOfMessage = (message: string): FailureKind | undefined => {
  for (const [phrase, kind] of phrases) if (phrase.test(message)) return kind
  return undefined
}
