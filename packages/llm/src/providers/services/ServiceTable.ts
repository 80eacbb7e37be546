/**
 * Every service that speaks Chat Completions with its key in a header, one row each, and Voyage for embeddings. Each address is
 * the one in the service's own documentation, which was read in November 2026. It holds data and no code.
 */
import { deepSeekReturn, mistralCallIds } from "../../protocols/encoding/ServiceCapabilities.ts"
import * as EmbeddingService from "../EmbeddingService.ts"
import type { ProviderRow } from "../ProviderRow.ts"

const service = EmbeddingService.row

/** Of a service that serves Responses beside Chat Completions. */
const protocols: ProviderRow["protocols"] = ["chat-completions", "responses"]

/**
 * In the order in which a fallback tries them. `telemetryName` is the value in OpenTelemetry's GenAI conventions, where they
 * have one.
 */
export const services = {
  // ai.google.dev, "OpenAI compatibility".
  gemini: service({
    name: "gemini",
    title: "Google Gemini",
    apiBase: "https://generativelanguage.googleapis.com/v1beta/openai",
    families: ["gemini-"],
    example: { apiKey: "AIza…" },
    telemetryName: "gcp.gemini",
    embeddings: { limits: { inputs: 100 }, families: ["gemini-embedding-"], exampleModel: "gemini-embedding-001" },
    capabilities: {
      returnedFields: ["extra_content", "thought_signature"],
      // ai.google.dev, "Thought signatures": the value for calls that Gemini did not make.
      foreignCall: { extra_content: { google: { thought_signature: "skip_thought_signature_validator" } } },
    },
  }),
  // openrouter.ai/docs, "Quickstart" and "Responses API".
  openrouter: service({
    name: "openrouter",
    title: "OpenRouter",
    apiBase: "https://openrouter.ai/api/v1",
    protocols,
    embeddings: { exampleModel: "openai/text-embedding-3-small" },
    capabilities: {
      returnedFields: ["reasoning", "reasoning_details"],
      foreignTurn: undefined,
      reasoningOption: "reasoning",
      withoutReasoning: undefined,
      files: ["url", "data", "id"],
    },
  }),
  // console.groq.com/docs, "OpenAI Compatibility".
  groq: service({
    name: "groq",
    title: "Groq",
    apiBase: "https://api.groq.com/openai/v1",
    priceList: "groq",
    capabilities: { returnedFields: ["reasoning"], files: [] },
  }),
  // api-docs.deepseek.com, "Your First API Call".
  deepseek: service({
    name: "deepseek",
    title: "DeepSeek",
    apiBase: "https://api.deepseek.com/v1",
    families: ["deepseek"],
    priceList: "deepseek",
    capabilities: deepSeekReturn,
  }),
  // docs.mistral.ai, "API".
  mistral: service({
    name: "mistral",
    title: "Mistral",
    apiBase: "https://api.mistral.ai/v1",
    families: ["mistral", "ministral", "magistral", "codestral", "devstral", "pixtral"],
    telemetryName: "mistral_ai",
    capabilities: {
      toolCallIds: mistralCallIds,
      returnedFields: ["thinking"],
      files: ["url", "data"],
      documentPart: "document_url",
    },
    priceList: "mistral",
    embeddings: {
      limits: { inputs: 256, tokens: 16_384 },
      encodingFormat: "base64",
      dimensionsField: "output_dimension",
      families: ["mistral-embed", "codestral-embed"],
      exampleModel: "mistral-embed",
    },
  }),
  // docs.x.ai, "REST API".
  xai: service({
    name: "xai",
    title: "xAI",
    apiBase: "https://api.x.ai/v1",
    families: ["grok"],
    telemetryName: "x_ai",
    protocols,
    priceList: "xai",
    capabilities: { returnedFields: ["reasoning_content"] },
  }),
  // platform.kimi.ai/docs, "API overview"; the host in mainland China is api.moonshot.cn.
  moonshot: service({
    name: "moonshot",
    title: "Moonshot AI (Kimi)",
    aliases: ["kimi"],
    apiBase: "https://api.moonshot.ai/v1",
    families: ["kimi-", "moonshot-"],
    telemetryName: "moonshot_ai",
    protocols,
    priceList: "moonshotai",
    capabilities: {
      returnedFields: ["reasoning_content"],
      foreignTurn: { reasoning_content: "" },
      withoutReasoning: { thinking: { type: "disabled" } },
    },
  }),
  // docs.z.ai, "API introduction".
  zai: service({
    name: "zai",
    title: "Z.ai (GLM)",
    aliases: ["z.ai", "zhipu"],
    apiBase: "https://api.z.ai/api/paas/v4",
    families: ["glm-"],
    capabilities: {
      returnedFields: ["reasoning_content"],
      withoutReasoning: { thinking: { type: "disabled" } },
    },
  }),
  // help.aliyun.com and alibabacloud.com, Model Studio, "OpenAI compatible"; mainland China: dashscope.aliyuncs.com.
  qwen: service({
    name: "qwen",
    title: "Qwen (Alibaba Model Studio)",
    aliases: ["dashscope"],
    prefix: "DASHSCOPE",
    apiBase: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    families: ["qwen", "qwq-", "qvq-"],
    embeddings: {
      limits: { inputs: 10 },
      encodingFormat: "float",
      families: ["text-embedding-v", "qwen3-embedding"],
      exampleModel: "text-embedding-v4",
    },
    capabilities: {
      returnedFields: ["reasoning_content", "encrypted_content"],
      budgetField: "thinking_budget",
      withoutReasoning: { enable_thinking: false },
    },
  }),
  // docs.cohere.com, "Compatibility API": `stream_options` is not among the parameters that it takes.
  cohere: service({
    name: "cohere",
    title: "Cohere",
    apiBase: "https://api.cohere.ai/compatibility/v1",
    families: ["command-"],
    capabilities: { streamUsage: false },
    embeddings: { limits: { inputs: 96 }, families: ["embed-"], exampleModel: "embed-v4.0" },
  }),
  // docs.perplexity.ai, "OpenAI SDK compatibility".
  perplexity: service({
    name: "perplexity",
    title: "Perplexity",
    apiBase: "https://api.perplexity.ai",
    families: ["sonar"],
  }),
  // docs.together.ai, "OpenAI compatibility".
  together: service({
    name: "together",
    title: "Together AI",
    apiBase: "https://api.together.xyz/v1",
    priceList: "together",
    embeddings: { exampleModel: "BAAI/bge-base-en-v1.5" },
  }),
  // docs.fireworks.ai, "OpenAI compatibility".
  fireworks: service({
    name: "fireworks",
    title: "Fireworks AI",
    apiBase: "https://api.fireworks.ai/inference/v1",
    embeddings: { exampleModel: "nomic-ai/nomic-embed-text-v1.5" },
  }),
  // inference-docs.cerebras.ai, "OpenAI compatibility".
  cerebras: service({
    name: "cerebras",
    title: "Cerebras",
    apiBase: "https://api.cerebras.ai/v1",
    capabilities: { returnedFields: ["reasoning"] },
  }),
  // docs.sambanova.ai, "API keys and URLs".
  sambanova: service({ name: "sambanova", title: "SambaNova", apiBase: "https://api.sambanova.ai/v1" }),
  // docs.api.nvidia.com, "NIM API reference".
  nvidia: service({
    name: "nvidia",
    title: "NVIDIA NIM",
    aliases: ["nvidia_nim"],
    apiBase: "https://integrate.api.nvidia.com/v1",
    example: { apiKey: "nvapi-…" },
    embeddings: { exampleModel: "nvidia/nv-embedqa-e5-v5" },
  }),
  // docs.github.com, "REST API endpoints for models inference". Not `GITHUB_TOKEN`: every CI job has one.
  github: service({
    name: "github",
    title: "GitHub Models",
    prefix: "GITHUB_MODELS",
    apiBase: "https://models.github.ai/inference",
    example: { apiKey: "github_pat_…" },
    embeddings: { exampleModel: "openai/text-embedding-3-small" },
  }),
  // huggingface.co/docs/inference-providers, "OpenAI-compatible API".
  huggingface: service({
    name: "huggingface",
    title: "Hugging Face",
    apiBase: "https://router.huggingface.co/v1",
    example: { apiKey: "hf_…" },
  }),
  // docs.ollama.com, "OpenAI compatibility".
  ollama: service({
    name: "ollama",
    title: "Ollama",
    apiBase: "http://localhost:11434/v1",
    isKeyOptional: true,
    embeddings: { encodingFormat: "base64", exampleModel: "nomic-embed-text" },
    capabilities: { images: ["data"], files: [], returnedFields: ["reasoning", "reasoning_content"] },
  }),
  // docs.vllm.ai, "OpenAI-Compatible Server".
  vllm: service({
    name: "vllm",
    title: "vLLM",
    apiBase: "http://localhost:8000/v1",
    isKeyOptional: true,
    protocols,
    embeddings: { encodingFormat: "base64", exampleModel: "BAAI/bge-base-en-v1.5" },
    capabilities: { returnedFields: ["reasoning", "reasoning_content"] },
  }),
  // lmstudio.ai/docs, "OpenAI Compatible Endpoints".
  lmstudio: service({
    name: "lmstudio",
    title: "LM Studio",
    apiBase: "http://localhost:1234/v1",
    isKeyOptional: true,
    protocols,
    embeddings: { exampleModel: "text-embedding-nomic-embed-text-v1.5" },
  }),
  // github.com/ggml-org/llama.cpp, tools/server/README.md.
  llamacpp: service({
    name: "llamacpp",
    title: "llama.cpp",
    aliases: ["llama.cpp"],
    apiBase: "http://localhost:8080/v1",
    isKeyOptional: true,
    embeddings: { exampleModel: "nomic-embed-text" },
    capabilities: { returnedFields: ["reasoning_content"] },
  }),
} satisfies Readonly<Record<string, ProviderRow>>

/** Anthropic recommends it, and has no embeddings of its own. docs.voyageai.com, "Text embeddings API". */
export const voyage = service({
  name: "voyage",
  title: "Voyage AI",
  apiBase: "https://api.voyageai.com/v1",
  protocols: ["embeddings"],
  example: { apiKey: "pa-…" },
  embeddings: {
    // Tokens of all inputs together, by model; the smallest of them for a model that is not known.
    limits: (model) => ({
      inputs: 1000,
      tokens: model.endsWith("-lite") ? 1_000_000 : /^voyage-(?:2|3\.5|4)$/.test(model) ? 320_000 : 120_000,
    }),
    encodingFormat: "base64",
    dimensionsField: "output_dimension",
    // It cuts texts that are too long, unless it is told to say so.
    fields: { truncation: false },
    families: ["voyage-"],
    exampleModel: "voyage-3.5",
  },
})
