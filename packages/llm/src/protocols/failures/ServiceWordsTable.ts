/**
 * The words in which services report their failures, as data: one row for each code and each phrase, with what it means
 * and where it was seen. `docs/services.md` is this table, and a test keeps it so.
 *
 * A source is "recorded" (an exchange in the corpus of the tests), "SDK" (the vendor's own, openai 7.57 or
 * @anthropic-ai/sdk 1.14), a page of documentation, a public report (`owner/repository#number`), or "not re-checked".
 */

export type FailureKind =
  | "rate-limit"
  | "quota"
  /** The budget of one end user or tag, which is no other caller's matter. */
  | "user-quota"
  | "overloaded"
  | "server"
  /** The model slipped: what it wrote is not what was asked for. Once more may do. */
  | "slip"
  | "authentication"
  | "permission"
  | "model-not-found"
  | "context-length"
  | "content-filter"
  | "invalid-request"
  | "redirect"

/** Words in lower case. In a phrase `…` stands for anything in between, up to 200 characters. */
export type WordsRow = readonly [words: string, means: FailureKind, source: string]

export type WordsByService = Readonly<Record<string, ReadonlyArray<WordsRow>>>

/** Codes, types and statuses (`error.code`, `error.type`, Google's `status`) that mean one thing under every HTTP status. */
export const codes: WordsByService = {
  OpenAI: [
    ["insufficient_quota", "quota", "recorded"],
    ["credit_balance_exhausted", "quota", "developersdigest.tech/errors/api/openai-api"],
    ["organization_spend_limit_exceeded", "quota", "developersdigest.tech/errors/api/openai-api"],
    ["project_spend_limit_exceeded", "quota", "developersdigest.tech/errors/api/openai-api"],
    ["organization_usage_limit_exceeded", "quota", "developersdigest.tech/errors/api/openai-api"],
    ["billing_hard_limit_reached", "quota", "not re-checked"],
    ["billing_not_active", "quota", "not re-checked"],
    ["rate_limit_exceeded", "rate-limit", "recorded"],
    ["slow_down", "rate-limit", "developersdigest.tech/errors/api/openai-api"],
    ["context_length_exceeded", "context-length", "recorded"],
    ["model_not_found", "model-not-found", "recorded"],
    ["invalid_api_key", "authentication", "recorded"],
    ["content_filter", "content-filter", "recorded"],
    ["content_policy_violation", "content-filter", "docs.litellm.ai/docs/exception_mapping"],
    ["invalid_prompt", "content-filter", "openai/codex#7250"],
    ["bio_policy", "content-filter", "SDK"],
    ["misalignment_policy_violation", "content-filter", "SDK"],
    ["moderation_blocked", "content-filter", "not re-checked"],
    ["unsupported_country_region_territory", "permission", "recorded"],
    ["request_forbidden", "permission", "recorded"],
    ["insufficient_permissions", "permission", "not re-checked"],
    ["previous_response_not_found", "invalid-request", "recorded"],
    ["image_content_policy_violation", "content-filter", "SDK"],
    ["invalid_image", "invalid-request", "SDK"],
    ["invalid_image_format", "invalid-request", "SDK"],
    ["invalid_base64_image", "invalid-request", "SDK"],
    ["invalid_image_url", "invalid-request", "SDK"],
    ["image_too_large", "invalid-request", "SDK"],
    ["image_too_small", "invalid-request", "SDK"],
    ["image_parse_error", "invalid-request", "SDK"],
    ["invalid_image_mode", "invalid-request", "SDK"],
    ["image_file_too_large", "invalid-request", "SDK"],
    ["unsupported_image_media_type", "invalid-request", "SDK"],
    ["empty_image_file", "invalid-request", "SDK"],
    ["failed_to_download_image", "invalid-request", "SDK"],
    ["image_file_not_found", "invalid-request", "SDK"],
    ["data_residency_mismatch", "invalid-request", "SDK"],
  ],
  Azure: [
    ["deploymentnotfound", "model-not-found", "learn.microsoft.com/azure/ai-foundry/openai/reference"],
    ["unknown_model", "model-not-found", "recorded"],
    ["responsibleaipolicyviolation", "content-filter", "recorded"],
    ["ratelimitreached", "rate-limit", "recorded"],
    ["nocapacity", "overloaded", "not re-checked"],
    ["insufficientquota", "quota", "not re-checked"],
    ["quotaexceeded", "quota", "not re-checked"],
    ["tokens_limit_reached", "context-length", "eslint/tsc-meetings#593"],
  ],
  Anthropic: [
    ["rate_limit_error", "rate-limit", "recorded"],
    ["overloaded_error", "overloaded", "recorded"],
    ["authentication_error", "authentication", "recorded"],
    ["permission_error", "permission", "SDK"],
    ["billing_error", "quota", "SDK"],
    ["enforced_spend_limit_reached", "quota", "SDK"],
    ["contract_spend_limit_reached", "quota", "SDK"],
    ["linked_organization_spend_limit_reached", "quota", "SDK"],
    ["ramp_limit_exceeded", "rate-limit", "SDK"],
    ["request_too_large", "context-length", "docs.claude.com/en/api/errors"],
    ["model_context_window_exceeded", "context-length", "SDK"],
  ],
  Gemini: [
    ["api_key_invalid", "authentication", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["unauthenticated", "authentication", "cloud.google.com/apis/design/errors"],
    ["permission_denied", "permission", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["resource_exhausted", "rate-limit", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["model_capacity_exhausted", "overloaded", "google-gemini/gemini-cli#21096"],
    ["unavailable", "overloaded", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["cancelled", "server", "google-gemini/gemini-cli#20309"],
    ["deadline_exceeded", "server", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["aborted", "server", "cloud.google.com/apis/design/errors"],
  ],
  Mistral: [
    ["3051", "context-length", "recorded"],
    ["invalid_model", "model-not-found", "tmc/langchaingo#1233"],
    ["rate_limited", "rate-limit", "recorded"],
  ],
  DeepSeek: [["insufficient_balance", "quota", "api-docs.deepseek.com/quick_start/error_codes"]],
  Moonshot: [
    ["exceeded_current_quota_error", "quota", "MoonshotAI/Kimi-K2#5"],
    ["engine_overloaded_error", "overloaded", "MoonshotAI/MoonshotAI-Cookbook#16"],
    ["rate_limit_reached_error", "rate-limit", "MoonshotAI/kimi-cli#901"],
    ["invalid_authentication_error", "authentication", "platform.kimi.ai/docs/api/errors"],
    ["incorrect_api_key_error", "authentication", "platform.kimi.ai/docs/api/errors"],
    ["permission_denied_error", "permission", "platform.kimi.ai/docs/api/errors"],
    ["resource_not_found_error", "model-not-found", "platform.kimi.ai/docs/api/errors"],
  ],
  Qwen: [
    ["data_inspection_failed", "content-filter", "camel-ai/owl#432"],
    ["datainspectionfailed", "content-filter", "QwenLM/Qwen#938"],
    ["arrearage", "quota", "help.aliyun.com/en/model-studio/error-code"],
    ["allocationquota.freetieronly", "quota", "help.aliyun.com/en/model-studio/error-code"],
    ["throttling", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["throttling.ratequota", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["throttling.burstrate", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["throttling.allocationquota", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["limit_requests", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["limit_burst_rate", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["modelnotfound", "model-not-found", "help.aliyun.com/en/model-studio/error-code-start"],
    ["invalidapikey", "authentication", "help.aliyun.com/en/model-studio/error-code-start"],
    ["access_denied", "permission", "help.aliyun.com/en/model-studio/error-code-start"],
    ["accessdenied", "permission", "help.aliyun.com/en/model-studio/error-code-start"],
  ],
  "Z.ai": [
    ["1113", "quota", "anthropics/claude-code#9201"],
    ["1211", "model-not-found", "docs.bigmodel.cn/cn/api/api-code"],
    ["1220", "permission", "docs.bigmodel.cn/cn/api/api-code"],
    ["1261", "context-length", "docs.bigmodel.cn/cn/api/api-code"],
    ["1301", "content-filter", "docs.bigmodel.cn/cn/api/api-code"],
    ["1302", "rate-limit", "docs.bigmodel.cn/cn/api/api-code"],
    ["1303", "rate-limit", "docs.bigmodel.cn/cn/api/api-code"],
    ["1304", "quota", "docs.bigmodel.cn/cn/api/api-code"],
    ["1305", "rate-limit", "recorded"],
    ["1308", "quota", "dirge-code/dirge#818"],
    ["1309", "quota", "docs.bigmodel.cn/cn/api/api-code"],
    ["1310", "quota", "docs.bigmodel.cn/cn/api/api-code"],
    ["1311", "model-not-found", "docs.bigmodel.cn/cn/api/api-code"],
    ["1312", "overloaded", "docs.bigmodel.cn/cn/api/api-code"],
    ["1313", "rate-limit", "docs.bigmodel.cn/cn/api/api-code"],
  ],
  xAI: [["the service is currently unavailable", "overloaded", "recorded"]],
  Groq: [
    ["tool_use_failed", "slip", "recorded"],
    ["json_validate_failed", "slip", "console.groq.com/docs/structured-outputs"],
    ["capacity_exceeded", "overloaded", "console.groq.com/docs/flex-processing"],
    ["model_decommissioned", "model-not-found", "valentinfrlch/ha-llmvision#324"],
    ["organization_restricted", "permission", "NVIDIA-NeMo/Guardrails#563"],
    ["blocked_api_access", "quota", "console.groq.com/docs/spend-limits"],
  ],
  Together: [["model_not_available", "model-not-found", "HeyPuter/puter#3168"]],
  Cerebras: [
    ["wrong_api_key", "authentication", "inference-docs.cerebras.ai/support/error"],
    ["token_quota_exceeded", "rate-limit", "not re-checked"],
    ["request_quota_exceeded", "rate-limit", "not re-checked"],
    ["queue_exceeded", "overloaded", "not re-checked"],
  ],
  OpenRouter: [
    ["payment_required", "quota", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["provider_overloaded", "overloaded", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["provider_unavailable", "overloaded", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["payload_too_large", "context-length", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["string_too_long", "context-length", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["token_limit_exceeded", "context-length", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["refusal", "content-filter", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
    ["authentication", "authentication", "openrouter.ai/docs/client-sdks/python/components/apierrortype"],
  ],
  LiteLLM: [
    ["budget_exceeded", "quota", "docs.litellm.ai/docs/proxy/users"],
    ["throttling_error", "rate-limit", "jasonacox/TinyLLM#17"],
  ],
  "llama.cpp": [["exceed_context_size_error", "context-length", "ggml-org/llama.cpp#15780"]],
  Bedrock: [
    [
      "throttlingexception",
      "rate-limit",
      "docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html",
    ],
    ["servicequotaexceededexception", "rate-limit", "developersdigest.tech/errors/api/bedrock"],
    ["modelnotreadyexception", "overloaded", "developersdigest.tech/errors/api/bedrock"],
    [
      "serviceunavailableexception",
      "overloaded",
      "docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html",
    ],
    ["modeltimeoutexception", "server", "developersdigest.tech/errors/api/bedrock"],
    ["modelstreamerrorexception", "server", "not re-checked"],
    ["internalserverexception", "server", "not re-checked"],
    ["resourcenotfoundexception", "model-not-found", "not re-checked"],
    [
      "accessdeniedexception",
      "permission",
      "docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html",
    ],
    ["expiredtokenexception", "authentication", "not re-checked"],
    ["unrecognizedclientexception", "authentication", "not re-checked"],
  ],
  Gateways: [
    ["insufficient_credits", "quota", "not re-checked"],
    ["invalid_authentication", "authentication", "not re-checked"],
    ["missing_api_key", "authentication", "novita.ai/docs/api-reference/basic-error-code.md"],
    ["deployment_not_found", "model-not-found", "not re-checked"],
    ["model_not_supported", "model-not-found", "docs.zenmux.ai/guide/advanced/error-codes.html"],
    ["too_many_requests", "rate-limit", "not re-checked"],
    ["request_limit_exceeded", "rate-limit", "not re-checked"],
    ["service_unavailable", "overloaded", "not re-checked"],
    ["server_overloaded", "overloaded", "not re-checked"],
  ],
}

/** What only the message tells. Phrases count under the statuses at which services say several things (`FailureTable`). */
export const phrases: WordsByService = {
  OpenAI: [
    ["maximum context length", "context-length", "recorded"],
    ["exceeds the context window", "context-length", "recorded"],
    ["request too large for", "context-length", "recorded"],
    ["reduce the length of the messages", "context-length", "recorded"],
    ["the requested model … does not exist", "model-not-found", "recorded"],
    ["incorrect api key provided", "authentication", "recorded"],
    ["flagged as potentially violating our usage policy", "content-filter", "openai/codex#38849"],
    ["rejected as a result of our safety system", "content-filter", "docs.litellm.ai/docs/exception_mapping"],
    ["item with id … not found", "invalid-request", "not re-checked"],
  ],
  Azure: [
    ["content management policy", "content-filter", "recorded"],
    ["request body too large for", "context-length", "eslint/tsc-meetings#593"],
    ["unknown model:", "model-not-found", "recorded"],
  ],
  Anthropic: [
    ["prompt is too long", "context-length", "recorded"],
    ["exceed context limit", "context-length", "docs.litellm.ai/docs/exception_mapping"],
    ["too many total text bytes", "context-length", "recorded"],
    ["credit balance is too low", "quota", "recorded"],
    ["specified api usage limits", "quota", "SDK"],
    ["blocked by content filtering policy", "content-filter", "anthropics/claude-code#58367"],
    ["appears to violate our usage policy", "content-filter", "anthropics/claude-code#65116"],
    ["this organization has been disabled", "permission", "anthropics/claude-code#9384"],
  ],
  Gemini: [
    [
      "input token count … exceeds the maximum",
      "context-length",
      "earendil-works/pi packages/ai/src/utils/overflow.ts",
    ],
    ["api key not valid", "authentication", "ai.google.dev/gemini-api/docs/generate-content/api-errors"],
    ["api key expired", "authentication", "continuedev/continue#11336"],
    ["api key not found", "authentication", "Wei-Shaw/sub2api#1709"],
    ["api key was reported as leaked", "authentication", "google-gemini-php/laravel#47"],
    ["user location is not supported", "permission", "FoundationAgents/OpenManus#803"],
    ["is not found for api version", "model-not-found", "wwardaww/gnome-gemini-ai#21"],
    ["the model name is invalid", "model-not-found", "google-gemini/gemini-cli#14603"],
    ["no capacity available for model", "overloaded", "google-gemini/gemini-cli#21096"],
    ["free_tier … limit: 0", "quota", "continuedev/continue#10062"],
  ],
  Mistral: [
    ["too large for model", "context-length", "recorded"],
    ["invalid model:", "model-not-found", "tmc/langchaingo#1233"],
    ["service tier capacity exceeded", "overloaded", "continuedev/continue#6185"],
  ],
  DeepSeek: [
    ["content exists risk", "content-filter", "666ghj/BettaFish#108"],
    ["model not exist", "model-not-found", "langbot-app/LangBot#1643"],
    ["insufficient balance", "quota", "continuedev/continue#9942"],
  ],
  Moonshot: [
    ["exceeded model token limit", "context-length", "MoonshotAI/kimi-cli#2011"],
    ["input token length too long", "context-length", "platform.kimi.ai/docs/api/errors"],
    ["considered high risk", "content-filter", "666ghj/BettaFish#228"],
    ["engine is currently overloaded", "overloaded", "earendil-works/pi#3494"],
    ["not found the model", "model-not-found", "not re-checked"],
  ],
  Qwen: [
    ["range of input length should be", "context-length", "QwenLM/qwen-code#98"],
    ["may contain inappropriate content", "content-filter", "QwenLM/qwen-code#3145"],
    ["account is in good standing", "quota", "tencentmusic/supersonic#1572"],
    ["free tier of the model has been exhausted", "quota", "APIParkLab/APIPark#394"],
    // Its code is `insufficient_quota`, and what it means is the tokens of a minute.
    ["error-code#token-limit", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
    ["allocated quota exceeded", "rate-limit", "help.aliyun.com/en/model-studio/error-code"],
  ],
  "Z.ai": [
    ["no resource package", "quota", "anomalyco/opencode#12671"],
    ["余额不足", "quota", "continuedev/continue#11823"],
  ],
  xAI: [
    ["maximum prompt length", "context-length", "recorded"],
    ["used all available credits", "quota", "continuedev/continue#10373"],
    ["have any credits", "quota", "not re-checked"],
    ["content violates usage guidelines", "content-filter", "UKGovernmentBEIS/inspect_ai#2267"],
  ],
  Groq: [
    ["reduce your message size", "context-length", "HunorLaczko/ha-groq-cloud-api#27"],
    ["has been decommissioned", "model-not-found", "continuedev/continue#12741"],
    ["model did not call a tool", "slip", "recorded"],
    ["failed to call a function", "slip", "recorded"],
  ],
  Together: [
    [
      "inputs … tokens + … max_new_tokens … must be",
      "context-length",
      "portkey.ai/error-library/input-validation-error-10151",
    ],
    ["longer than the model's context length", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["less than the context length of the model", "context-length", "docs.together.ai/docs/error-codes"],
    ["unable to access non-serverless model", "model-not-found", "HeyPuter/puter#3168"],
  ],
  Fireworks: [
    ["model not found", "model-not-found", "warpdotdev/warp#15107"],
    ["is suspended, possibly due to reaching the monthly spending limit", "quota", "pollinations/pollinations#12136"],
  ],
  Cerebras: [["current length is … while limit is", "context-length", "cline/cline#5140"]],
  Perplexity: [["invalid model '", "model-not-found", "FerroxLabs/wayland#603"]],
  OpenRouter: [
    ["is not a valid model id", "model-not-found", "maxnowack/anthropic-proxy#4"],
    ["no endpoints found", "model-not-found", "Routstr/routstr-core#554"],
    ["maximum allowed input length", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["insufficient credits", "quota", "openrouter.ai/docs/api/reference/errors-and-debugging"],
  ],
  "Hugging Face": [["is not supported by any provider you have enabled", "model-not-found", "cline/cline#5098"]],
  NVIDIA: [["degraded function cannot be invoked", "overloaded", "decolua/9router#2527"]],
  LiteLLM: [
    ["exceededbudget: end user=", "user-quota", "docs.litellm.ai/docs/proxy/users"],
    ["budget has been exceeded! tag=", "user-quota", "docs.litellm.ai/docs/proxy/tag_budgets"],
    ["exceeded budget for tag=", "user-quota", "docs.litellm.ai/docs/proxy/provider_budget_routing"],
    ["budget has been exceeded", "quota", "BerriAI/litellm#14144"],
    ["budgetexceeded", "quota", "BerriAI/litellm#22726"],
    ["exceededbudget", "quota", "docs.litellm.ai/docs/proxy/users"],
    ["crossed budget", "quota", "BerriAI/litellm#14144"],
    ["contextwindowexceeded", "context-length", "docs.litellm.ai/docs/exception_mapping"],
    ["contentpolicyviolation", "content-filter", "docs.litellm.ai/docs/exception_mapping"],
    ["invalid model name passed in", "model-not-found", "BerriAI/litellm#3142"],
  ],
  Ollama: [
    ["prompt too long; exceeded", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["input length exceeds the context length", "context-length", "not re-checked"],
    ["not found, try pulling it first", "model-not-found", "not re-checked"],
    ["maximum pending requests exceeded", "overloaded", "valentinfrlch/ha-llmvision#648"],
  ],
  vLLM: [
    ["the model … does not exist", "model-not-found", "vllm-project/vllm#3485"],
    ["maximum input length", "context-length", "docs.litellm.ai/docs/exception_mapping"],
  ],
  "LM Studio": [
    ["greater than the context length", "context-length", "tinyhumansai/openhuman#3550"],
    ["when context the overflows", "context-length", "lmstudio-ai/lmstudio-bug-tracker#546"],
    ["cannot truncate prompt with n_keep", "context-length", "anomalyco/opencode#11141"],
    ["invalid model identifier", "model-not-found", "not re-checked"],
  ],
  "llama.cpp": [
    ["exceeds the available context size", "context-length", "ggml-org/llama.cpp#15780"],
    ["context size has been exceeded", "context-length", "ggml-org/llama.cpp#19774"],
    ["exceed context window", "context-length", "fedora-copr/logdetective-website#193"],
  ],
  Bedrock: [
    ["input is too long", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["model identifier is invalid", "model-not-found", "earendil-works/pi#4993"],
  ],
  Cohere: [
    ["too many tokens: total", "context-length", "docs.cohere.com/v1/reference/errors.md"],
    ["too many tokens: size limit exceeded", "context-length", "docs.cohere.com/v1/reference/errors.md"],
    ["make sure the correct model id was used", "model-not-found", "MaartenGr/BERTopic#1864"],
    ["violation of our usage guidelines", "content-filter", "not re-checked"],
    ["invalid api token", "authentication", "cohere-ai/cohere-toolkit#857"],
  ],
  Gateways: [
    ["invalid api key", "authentication", "recorded"],
    ["context window exceeds limit", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["context length exceeded", "context-length", "not re-checked"],
    ["model context window", "context-length", "None9527/NGOClaw gateway/internal/domain/service/overflow_detect.go"],
    ["max context length", "context-length", "not re-checked"],
    ["violates … content polic", "content-filter", "not re-checked"],
    ["flagged by … content polic", "content-filter", "not re-checked"],
    ["maximum context size", "context-length", "not re-checked"],
    ["token limit exceeded", "context-length", "earendil-works/pi packages/ai/src/utils/overflow.ts"],
    ["prompt too long", "context-length", "docs.zenmux.ai/guide/advanced/error-codes.html"],
    ["the model … has been deprecated", "model-not-found", "recorded"],
  ],
}
