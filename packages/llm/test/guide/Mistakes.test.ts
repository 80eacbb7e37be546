/** A missing or malformed setting names the variable, what was wrong and an example; nothing is sent anywhere. */
import { assert, describe, it } from "@effect/vitest"
import { ask, askSteps, failed, hello } from "./Ask.ts"
import { listen } from "./LoopbackUpstream.ts"

describe.concurrent("a malformed setting", () => {
  const malformed: ReadonlyArray<readonly [name: string, value: string, example?: RegExp]> = [
    ["LLM_PROVIDER", "opnai"],
    ["LLM_CONCURRENT_NUMBER", "0"],
    ["LLM_CONCURRENT_NUMBER", "many"],
    ["LLM_CONCURRENT_NUMBER", "2.5"],
    ["LLM_MAX_RETRIES", "-1"],
    ["LLM_MAX_RETRIES", "three"],
    ["LLM_TIMEOUT", "soon"],
    ["LLM_TIMEOUT", "0"],
    ["LLM_TIMEOUT", "-5 seconds"],
    ["LLM_IDLE_TIMEOUT", "2 fortnights"],
    ["LLM_TEMPERATURE", "warm"],
    ["LLM_TEMPERATURE", "NaN"],
    ["LLM_MAX_TOKENS", "0"],
    ["LLM_MAX_TOKENS", "1e400"],
    ["LLM_FALLBACK_PROVIDERS", "nobody"],
    ["WISEFLOW_LOG_LEVEL", "loud"],
    ["OPENAI_API_BASE", "localhost:4000"],
    ["OPENAI_API_KEY", "sk two words", /copy it again/],
    ["OPENAI_API_KEY", "sk-ключ", /copy it again/],
  ]

  it("is a ConfigurationError that names the variable and shows an example, and no request is made", async () => {
    await using upstream = await listen()
    const { answers } = await askSteps(
      malformed.map(([name, value]) => ({
        environment: {
          LLM_PROVIDER: "openai",
          OPENAI_API_KEY: "sk-1",
          OPENAI_API_BASE: upstream.url,
          PRIMARY_MODEL: "gpt-5-mini",
          [name]: value,
        },
        options: {},
        requests: [hello],
      })),
    )
    for (const [index, [name, value, example]] of malformed.entries()) {
      const { error, errorType, metadata, text } = failed(answers[index])
      const what = `${name}=${value} gave: ${error}`
      assert.strictEqual(errorType, "ConfigurationError", what)
      assert.strictEqual(text, "")
      assert.isTrue(error.startsWith(`${name}: `), what)
      assert.match(error, example ?? new RegExp(`for example ${name}=`), what)
      assert.deepStrictEqual(metadata.attempts, [])
    }
    assert.strictEqual(upstream.requests.length, 0)
  })

  it("keys are never quoted", async () => {
    const failure = failed(await ask({ LLM_PROVIDER: "openai", OPENAI_API_KEY: "canary key", PRIMARY_MODEL: "m" }))
    assert.notInclude(JSON.stringify(failure), "canary")
  })

  it("the same goes for explicit options", async () => {
    const { answers } = await askSteps([
      { options: { provider: "openai", apiKey: "sk-1", maxRetries: -1 }, requests: [hello] },
      { options: { provider: "openai", apiKey: "sk-1", maxConcurrentRequests: 0 }, requests: [hello] },
      { options: { provider: "openai", apiKey: "sk-1", temperature: 1, timeout: 0 }, requests: [hello] },
      {
        options: { provider: "openai", apiKey: "sk-1", model: "m", fallbacks: [{ provider: "nobody" }] },
        requests: [hello],
      },
    ])
    for (const answer of answers) assert.strictEqual(failed(answer).errorType, "ConfigurationError")
  })
})

describe.concurrent("a missing setting", () => {
  const missing: ReadonlyArray<readonly [environment: Record<string, string>, names: RegExp]> = [
    [{}, /PRIMARY_MODEL.*for example PRIMARY_MODEL=gpt-5-mini/],
    [{ OPENAI_API_KEY: "sk-1" }, /^PRIMARY_MODEL: write for example PRIMARY_MODEL=gpt-5-mini/],
    [{ ANTHROPIC_API_KEY: "sk-1" }, /^PRIMARY_MODEL: write for example PRIMARY_MODEL=claude-sonnet-5/],
    [{ LLM_PROVIDER: "anthropic", ANTHROPIC_API_KEY: "sk-1" }, /^PRIMARY_MODEL: .*PRIMARY_MODEL=claude-sonnet-5/],
    [{ GEMINI_API_KEY: "sk-1" }, /^PRIMARY_MODEL: write for example PRIMARY_MODEL=gemini\//],
    [
      { OPENAI_API_KEY: "sk-1", PRIMARY_MODEL: "gemini-3-flash-preview" },
      /^GEMINI_API_KEY.*for example GEMINI_API_KEY=/,
    ],
    [{ PRIMARY_MODEL: "kimi-k2.6" }, /^MOONSHOT_API_KEY.*for example MOONSHOT_API_KEY=/],
    [{ PRIMARY_MODEL: "glm-5" }, /^ZAI_API_KEY.*for example ZAI_API_KEY=/],
    [{ PRIMARY_MODEL: "qwen3.7-plus" }, /^DASHSCOPE_API_KEY.*for example DASHSCOPE_API_KEY=/],
    [{ PRIMARY_MODEL: "command-a-03-2025" }, /^COHERE_API_KEY.*for example COHERE_API_KEY=/],
    [{ AZURE_API_KEY: "k", PRIMARY_MODEL: "gpt-5-mini" }, /^AZURE_API_BASE.*for example AZURE_API_BASE=/],
    [
      { OPENROUTER_API_KEY: "k", PRIMARY_MODEL: "my-own-model" },
      /^PRIMARY_MODEL.*for example openrouter\/my-own-model/,
    ],
    [{ LLM_PROVIDER: "qwen", PRIMARY_MODEL: "m" }, /^DASHSCOPE_API_KEY.*for example/],
    [{ PRIMARY_MODEL: "gpt-5-mini" }, /OPENAI_API_KEY.*for example OPENAI_API_KEY=/],
    [{ PRIMARY_MODEL: "claude-sonnet-5" }, /ANTHROPIC_API_KEY.*for example/],
    [{ PRIMARY_MODEL: "my-own-model" }, /PRIMARY_MODEL.*provider.*for example/],
    [{ LLM_PROVIDER: "openai", PRIMARY_MODEL: "gpt-5-mini" }, /OPENAI_API_KEY.*for example/],
    [{ LLM_PROVIDER: "openai", OPENAI_API_KEY: "sk-1" }, /PRIMARY_MODEL.*for example/],
    [{ LLM_PROVIDER: "anthropic", PRIMARY_MODEL: "claude-sonnet-5" }, /ANTHROPIC_API_KEY.*for example/],
    [{ LLM_PROVIDER: "azure", AZURE_API_KEY: "k", PRIMARY_MODEL: "d" }, /AZURE_API_BASE.*for example/],
    [{ LLM_PROVIDER: "azure", AZURE_API_BASE: "https://x.openai.azure.com" }, /AZURE_API_KEY.*for example/],
    [
      {
        LLM_PROVIDER: "openai",
        OPENAI_API_KEY: "sk-1",
        PRIMARY_MODEL: "m",
        SECONDARY_MODEL: "anthropic/claude-sonnet-5",
      },
      /ANTHROPIC_API_KEY.*for example/,
    ],
    [
      { LLM_PROVIDER: "openai", OPENAI_API_KEY: "sk-1", PRIMARY_MODEL: "m", LLM_FALLBACK_PROVIDERS: "anthropic" },
      /ANTHROPIC_API_KEY.*for example/,
    ],
  ]

  it("is a ConfigurationError that says what to write", async () => {
    const { answers } = await askSteps(
      missing.map(([environment]) => ({ environment, options: {}, requests: [hello] })),
    )
    for (const [index, [environment, names]] of missing.entries()) {
      const { error, errorType } = failed(answers[index])
      assert.strictEqual(errorType, "ConfigurationError", `${JSON.stringify(environment)} gave: ${error}`)
      assert.match(error, names, JSON.stringify(environment))
    }
  })
})
