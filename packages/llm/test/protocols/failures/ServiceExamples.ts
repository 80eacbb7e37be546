/**
 * Whole error bodies as services send them, with the status under which they came and what each means. They are recorded
 * exchanges, examples of the services' documentation, and public reports (see `ServiceWordsTable` for where).
 */
import type { ErrorType } from "../../../src/model/LlmError.ts"

export interface ServiceExample {
  readonly name: string
  readonly status: number
  readonly body: unknown
  readonly errorType: ErrorType
}

const example = (name: string, status: number, body: unknown, errorType: ErrorType): ServiceExample => ({
  name,
  status,
  body,
  errorType,
})

const error = (message: string, more: object = {}) => ({ error: { message, ...more } })
const invalid = { type: "invalid_request_error", param: null, code: "invalid_request_error" }
const google = (code: number, message: string, status: string, details?: ReadonlyArray<object>) => [
  { error: { code, message, status, ...(details === undefined ? {} : { details }) } },
]
const anthropic = (type: string, message: string) => ({ type: "error", error: { type, message }, request_id: "req_1" })

const tooLong: ReadonlyArray<ServiceExample> = (
  [
    ["OpenAI", 400, error("Your input exceeds the context window of this model.", { code: "context_length_exceeded" })],
    [
      "Azure",
      400,
      error("This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."),
    ],
    [
      "GitHub Models",
      413,
      error("Request body too large for gpt-4o model. Max size: 8000 tokens.", { code: "tokens_limit_reached" }),
    ],
    ["Anthropic", 400, anthropic("invalid_request_error", "prompt is too long: 3333404 tokens > 200000 maximum")],
    [
      "Gemini",
      400,
      google(
        400,
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        "INVALID_ARGUMENT",
      ),
    ],
    [
      "Mistral",
      400,
      {
        object: "error",
        message:
          "Prompt contains 150004 tokens and 0 draft tokens, too large for model with 131072 maximum context length",
        type: "invalid_request_invalid_args",
        param: null,
        code: "3051",
      },
    ],
    [
      "DeepSeek",
      400,
      error("This model's maximum context length is 65536 tokens. However, you requested 1250019 tokens.", invalid),
    ],
    [
      "Moonshot",
      400,
      error("Invalid request: Your request exceeded model token limit: 262144 (requested: 269030)", {
        type: "invalid_request_error",
      }),
    ],
    [
      "Qwen",
      400,
      error("<400> InternalError.Algo.InvalidParameter: Range of input length should be [1, 204800]", {
        code: "invalid_parameter_error",
      }),
    ],
    ["Z.ai", 400, error("Prompt exceeds max length", { code: "1261" })],
    [
      "xAI",
      400,
      {
        code: "Client specified an invalid argument",
        error: "This model's maximum prompt length is 131072 but the request contains 625077 tokens.",
      },
    ],
    ["Groq", 400, error("Please reduce the length of the messages or completion.", { param: "messages" })],
    [
      "Groq, larger than the limit of a minute",
      413,
      error(
        "Request too large for model `m` on tokens per minute (TPM): Limit 12000, Requested 14137, please reduce your message size and try again.",
        {
          type: "tokens",
          code: "rate_limit_exceeded",
        },
      ),
    ],
    [
      "OpenAI, larger than the limit of a minute",
      429,
      error(
        "Request too large for gpt-5-nano in organization org-1 on tokens per min (TPM): Limit 200000, Requested 2500013.",
        {
          type: "tokens",
          code: "rate_limit_exceeded",
        },
      ),
    ],
    [
      "Together",
      400,
      error("Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4097. Given: 5013", {
        type: "invalid_request_error",
      }),
    ],
    [
      "Fireworks",
      400,
      error("The prompt is too long: 180000, model maximum context length: 131071", { code: "invalid_request_error" }),
    ],
    [
      "Cerebras",
      400,
      error("Please reduce the length of the messages or completion. Current length is 42328 while limit is 40000"),
    ],
    [
      "OpenRouter",
      400,
      error("This endpoint's maximum context length is 200000 tokens. However, you requested about 2500021 tokens.", {
        code: 400,
        metadata: { provider_name: null },
      }),
    ],
    ["Ollama", 400, error("prompt too long; exceeded max context length by 120 tokens", { type: "api_error" })],
    [
      "vLLM",
      400,
      {
        object: "error",
        message: "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens.",
        type: "BadRequestError",
        param: null,
        code: 400,
      },
    ],
    [
      "LM Studio",
      400,
      {
        error:
          "The number of tokens to keep from the initial prompt is greater than the context length (n_keep: 10247 >= n_ctx: 4096).",
      },
    ],
    [
      "llama.cpp",
      400,
      error("request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it", {
        code: 400,
        type: "exceed_context_size_error",
      }),
    ],
    ["llama.cpp, as its own fault", 500, error("Context size has been exceeded.", { code: 500, type: "server_error" })],
    [
      "LiteLLM",
      400,
      error("litellm.ContextWindowExceededError: litellm.BadRequestError: OpenAIException - too long", {
        type: "None",
        param: "None",
        code: "400",
      }),
    ],
    ["Bedrock", 400, { message: "Input is too long for requested model." }],
    [
      "Cohere",
      400,
      { message: "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4292." },
    ],
  ] as const
).map(([name, status, body]) => example(`${name}: too long`, status, body, "ContextLengthExceededError"))

const noModel: ReadonlyArray<ServiceExample> = (
  [
    ["OpenAI", 404, error("The model `gpt-3.5` does not exist", { code: "model_not_found" })],
    ["OpenAI, retired", 404, error("The model `gpt-3.5-turbo-0613` has been deprecated", { code: "model_not_found" })],
    ["Azure", 404, error("The API deployment for this resource does not exist.", { code: "DeploymentNotFound" })],
    ["Azure inference", 400, error("Unknown model: nope", { code: "unknown_model", details: "Unknown model: nope" })],
    ["Anthropic", 404, anthropic("not_found_error", "model: claude-3-5-sonnet-20241022")],
    [
      "Gemini",
      404,
      google(
        404,
        "models/gemini-pro is not found for API version v1beta, or is not supported for generateContent.",
        "NOT_FOUND",
      ),
    ],
    [
      "Mistral",
      400,
      { object: "error", message: "Invalid model: nope", type: "invalid_model", param: null, code: "1500" },
    ],
    ["DeepSeek", 400, error("Model Not Exist", invalid)],
    ["Moonshot", 404, error("Not found the model nope or Permission denied", { type: "resource_not_found_error" })],
    [
      "Qwen",
      404,
      error("The model `nope` does not exist or you do not have access to it.", { code: "model_not_found" }),
    ],
    ["Z.ai", 400, error("Unknown Model, please check the model code.", { code: "1211" })],
    [
      "xAI",
      404,
      {
        code: "Some requested entity was not found",
        error: "The model nope does not exist or your team does not have access to it.",
      },
    ],
    [
      "Groq, retired",
      400,
      error("The model `gemma2-9b-it` has been decommissioned and is no longer supported.", {
        code: "model_decommissioned",
      }),
    ],
    [
      "Together",
      400,
      {
        id: "o",
        ...error("Unable to access non-serverless model nope.", {
          type: "invalid_request_error",
          code: "model_not_available",
        }),
      },
    ],
    [
      "Fireworks",
      404,
      {
        message: "Model not found, inaccessible, and/or not deployed",
        param: "model",
        code: "NOT_FOUND",
        type: "error",
      },
    ],
    [
      "Cerebras",
      404,
      {
        message: "Model nope does not exist or you do not have access to it.",
        type: "not_found_error",
        param: "model",
        code: "model_not_found",
      },
    ],
    [
      "Perplexity",
      400,
      error("Invalid model 'nope'. Permitted models can be found in the documentation.", {
        type: "invalid_model",
        code: 400,
      }),
    ],
    ["OpenRouter", 400, { ...error("nope is not a valid model ID", { code: 400 }), user_id: "user_1" }],
    [
      "Hugging Face",
      400,
      error("The requested model 'nope' is not supported by any provider you have enabled.", {
        code: "model_not_supported",
      }),
    ],
    ["NVIDIA", 404, { status: 404, title: "Not Found", detail: "Function '23d4': Not found for account 'a'" }],
    [
      "LiteLLM",
      400,
      error(
        "{'error': '/chat/completions: Invalid model name passed in model=x. Call `/v1/models` to view available models for your key.'}",
        { type: "None", param: "None", code: "400" },
      ),
    ],
    ["Ollama", 404, error('model "nope" not found, try pulling it first', { type: "api_error" })],
    [
      "vLLM",
      404,
      { object: "error", message: "The model `nope` does not exist.", type: "NotFoundError", param: null, code: 404 },
    ],
    ["LM Studio", 400, { error: 'Invalid model identifier "nope".' }],
    ["Bedrock", 400, { message: "The provided model identifier is invalid." }],
    [
      "Cohere",
      404,
      {
        message:
          "model 'nope' not found, make sure the correct model ID was used and that you have access to the model.",
      },
    ],
    ["a model that is gone", 410, error("Gone")],
  ] as const
).map(([name, status, body]) => example(`${name}: no such model`, status, body, "ModelNotFoundError"))

const filtered: ReadonlyArray<ServiceExample> = (
  [
    [
      "OpenAI",
      400,
      error("Invalid prompt: your prompt was flagged as potentially violating our usage policy.", {
        type: "invalid_request_error",
        code: "invalid_prompt",
      }),
    ],
    [
      "Azure",
      400,
      error("The response was filtered due to the prompt triggering Azure OpenAI's content management policy.", {
        type: null,
        code: "content_filter",
      }),
    ],
    ["Anthropic", 400, anthropic("invalid_request_error", "Output blocked by content filtering policy")],
    ["DeepSeek", 400, error("Content Exists Risk", invalid)],
    [
      "Moonshot",
      400,
      error("The request was rejected because it was considered high risk", { type: "content_filter", code: 400 }),
    ],
    [
      "Qwen",
      400,
      error("<400> InternalError.Algo.DataInspectionFailed: Input text data may contain inappropriate content.", {
        type: "data_inspection_failed",
        code: "data_inspection_failed",
      }),
    ],
    [
      "Z.ai",
      400,
      error("System detected potentially unsafe or sensitive content in input or generation.", { code: "1301" }),
    ],
    [
      "xAI",
      403,
      {
        code: "The caller does not have permission to execute the specified operation",
        error: "Content violates usage guidelines. Team: t, Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO",
      },
    ],
    [
      "OpenRouter",
      403,
      error("Your chosen model requires moderation and your input was flagged", {
        code: 403,
        metadata: { reasons: ["violence"], flagged_input: "x" },
      }),
    ],
    ["LiteLLM", 400, error("litellm.ContentPolicyViolationError: no", { type: null, code: "400" })],
  ] as const
).map(([name, status, body]) => example(`${name}: filtered`, status, body, "ContentFilterError"))

const keyReason = {
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason: "API_KEY_INVALID",
  domain: "googleapis.com",
}

const refused: ReadonlyArray<ServiceExample> = [
  example(
    "Gemini: key expired",
    400,
    google(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT", [keyReason]),
    "AuthenticationError",
  ),
  example(
    "Gemini: key by its reason alone",
    400,
    google(400, "No.", "INVALID_ARGUMENT", [keyReason]),
    "AuthenticationError",
  ),
  example(
    "Gemini: key leaked",
    403,
    google(403, "Your API key was reported as leaked. Please use another API key.", "PERMISSION_DENIED"),
    "PermissionDeniedError",
  ),
  example(
    "xAI: wrong key",
    400,
    { code: "Client specified an invalid argument", error: "Incorrect API key provided: xa***" },
    "AuthenticationError",
  ),
  example(
    "Perplexity: wrong key",
    401,
    error("Invalid API key or insufficient credits.", { type: "invalid_api_key", code: 401 }),
    "AuthenticationError",
  ),
  example(
    "DeepSeek: wrong key",
    401,
    error("Authentication Fails, Your api key: test is invalid", {
      type: "authentication_error",
      code: "invalid_request_error",
    }),
    "AuthenticationError",
  ),
  example(
    "Azure: wrong key",
    401,
    { statusCode: 401, message: "Access denied due to invalid subscription key or wrong API endpoint." },
    "AuthenticationError",
  ),
  example("Cohere: wrong key", 401, { message: "invalid api token" }, "AuthenticationError"),
  example(
    "Gemini: region",
    400,
    google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
    "PermissionDeniedError",
  ),
  example(
    "OpenAI: region",
    403,
    error("Country, region, or territory not supported", {
      code: "unsupported_country_region_territory",
      type: "request_forbidden",
    }),
    "PermissionDeniedError",
  ),
  example(
    "Groq: organization restricted",
    400,
    error("Organization has been restricted.", { type: "invalid_request_error", code: "organization_restricted" }),
    "PermissionDeniedError",
  ),
  example(
    "Anthropic: organization disabled",
    400,
    anthropic("invalid_request_error", "This organization has been disabled."),
    "PermissionDeniedError",
  ),
]

const empty: ReadonlyArray<ServiceExample> = (
  [
    [
      "OpenAI",
      429,
      error("You exceeded your current quota, please check your plan and billing details.", {
        type: "insufficient_quota",
        code: "insufficient_quota",
      }),
    ],
    [
      "Anthropic",
      400,
      anthropic("invalid_request_error", "Your credit balance is too low to access the Anthropic API."),
    ],
    [
      "Gemini, without an allowance",
      429,
      google(
        429,
        "You exceeded your current quota. * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit: 0, model: gemini-3-pro\nPlease retry in 10.6s.",
        "RESOURCE_EXHAUSTED",
      ),
    ],
    ["DeepSeek", 402, error("Insufficient Balance", { type: "unknown_error", code: "invalid_request_error" })],
    [
      "Moonshot",
      403,
      error("Your account is not active, exceeded current quota", { type: "exceeded_current_quota_error" }),
    ],
    [
      "Qwen",
      400,
      error("Access denied, please make sure your account is in good standing.", {
        type: "Arrearage",
        code: "Arrearage",
      }),
    ],
    ["Z.ai", 429, error("Insufficient balance or no resource package. Please recharge.", { code: "1113" })],
    [
      "Z.ai, Anthropic's shape",
      429,
      anthropic("1113", "Insufficient balance or no resource package. Please recharge."),
    ],
    ["xAI", 429, { error: "Your team t has either used all available credits or reached its monthly spending limit." }],
    ["Groq", 400, error("Spend limit reached", { type: "invalid_request_error", code: "blocked_api_access" })],
    [
      "Fireworks",
      412,
      error(
        "Account a is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
        { code: "PRECONDITION_FAILED", type: "error" },
      ),
    ],
    [
      "OpenRouter",
      402,
      error("Insufficient credits. Add more using https://openrouter.ai/settings/credits", { code: 402 }),
    ],
    [
      "LiteLLM",
      400,
      error("Budget has been exceeded! Current cost: 26.075, Max budget: 0.25", {
        type: "budget_exceeded",
        param: null,
        code: "400",
      }),
    ],
    [
      "LiteLLM, one end user",
      401,
      error("ExceededBudget: End User=ishaan3 over budget. Spend=0.0008, Budget=0.0001", {
        type: "auth_error",
        param: "None",
        code: 401,
      }),
    ],
    [
      "LiteLLM, one tag",
      429,
      error(
        "No deployments available - crossed budget: Exceeded budget for tag='product:chat-bot', tag_spend=0.00015",
        { type: "None", code: "429" },
      ),
    ],
  ] as const
).map(([name, status, body]) => example(`${name}: no money`, status, body, "QuotaExceededError"))

const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "3s" }

const passing: ReadonlyArray<ServiceExample> = [
  example("Gemini: cancelled", 499, google(499, "The operation was cancelled.", "CANCELLED"), "ServerError"),
  example(
    "Gemini: deadline",
    504,
    google(504, "Deadline expired before operation could complete.", "DEADLINE_EXCEEDED"),
    "ServerError",
  ),
  example(
    "Gemini: pace",
    429,
    google(429, "You exceeded your current quota.", "RESOURCE_EXHAUSTED", [retryInfo]),
    "RateLimitError",
  ),
  example(
    "Gemini: overload",
    503,
    google(503, "The model is overloaded. Please try again later.", "UNAVAILABLE"),
    "OverloadedError",
  ),
  example(
    "Gemini: capacity",
    429,
    google(429, "No capacity available for model gemini-3.1-pro-preview on the server", "RESOURCE_EXHAUSTED"),
    "OverloadedError",
  ),
  example(
    "Groq: slip of the model",
    400,
    error("Failed to call a function. Please adjust your prompt.", {
      type: "invalid_request_error",
      code: "tool_use_failed",
    }),
    "InvalidResponseError",
  ),
  example(
    "Groq: pace",
    429,
    error(
      "Rate limit reached for model `m` on tokens per minute (TPM): Limit 6000, Used 5572, Requested 709. Please try again in 2.81s.",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    "RateLimitError",
  ),
  example(
    "Groq: flex capacity",
    498,
    error("Flex tier capacity exceeded", { code: "capacity_exceeded" }),
    "OverloadedError",
  ),
  example(
    "Moonshot: overload",
    429,
    error("The engine is currently overloaded, please try again later", { type: "engine_overloaded_error" }),
    "OverloadedError",
  ),
  example(
    "Qwen: tokens of a minute",
    429,
    error(
      "You exceeded your current quota, please check your plan and billing details. For details, see: https://help.aliyun.com/zh/model-studio/error-code#token-limit",
      { type: "insufficient_quota", code: "insufficient_quota" },
    ),
    "RateLimitError",
  ),
  example(
    "Mistral: capacity",
    429,
    {
      object: "error",
      message: "Service tier capacity exceeded for this model.",
      type: "invalid_request_error",
      param: null,
      code: null,
    },
    "OverloadedError",
  ),
  example(
    "Mistral: own number beside a type",
    500,
    { object: "error", message: "Service unavailable.", type: "internal_server_error", param: null, code: "1000" },
    "ServerError",
  ),
  example(
    "xAI: capacity",
    503,
    { code: "The service is currently unavailable", error: "The model is at capacity." },
    "OverloadedError",
  ),
  example(
    "NVIDIA: degraded",
    400,
    { status: 400, title: "Bad Request", detail: "Function id '87ea': DEGRADED function cannot be invoked" },
    "OverloadedError",
  ),
  example(
    "Ollama: busy",
    503,
    error("server busy, please try again.  maximum pending requests exceeded", { type: "api_error" }),
    "OverloadedError",
  ),
  example(
    "Bedrock: pace",
    429,
    {
      __type: "com.amazon.coral.service#ThrottlingException",
      message: "Too many tokens, please wait before trying again.",
    },
    "RateLimitError",
  ),
  example(
    "Cloudflare's page",
    524,
    "<!DOCTYPE html><html><head><title>524: A timeout occurred</title></head></html>",
    "ServerError",
  ),
]

/** Bodies of the table's services, each with what it means. */
export const serviceExamples: ReadonlyArray<ServiceExample> = [
  ...tooLong,
  ...noModel,
  ...filtered,
  ...refused,
  ...empty,
  ...passing,
]
