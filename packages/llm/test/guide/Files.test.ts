/** Where settings come from: the environment, `.env`, `LLM_CONFIG_FILE`, explicit options; and who wins. */
import { assert, describe, it } from "@effect/vitest"
import { askSteps, failed, hello, only, succeeded } from "./Ask.ts"
import { listen } from "./LoopbackUpstream.ts"

const jsonFile = (url: string): string =>
  JSON.stringify({
    LLM_PROVIDER: "openai",
    OPENAI_API_KEY: "sk-json",
    OPENAI_API_BASE: url,
    PRIMARY_MODEL: "from-json",
    LLM_TEMPERATURE: 0.25,
    LLM_MAX_TOKENS: 64,
  })

const yamlFile = (url: string): string =>
  `# settings\nLLM_PROVIDER: openai\nOPENAI_API_KEY: sk-yaml\nOPENAI_API_BASE: "${url}"\nPRIMARY_MODEL: from-yaml\nLLM_MAX_TOKENS: 64\nLLM_TIMEOUT: 30 seconds\n`

const tomlFile = (url: string): string =>
  `# settings\nLLM_PROVIDER = "openai"\nOPENAI_API_KEY = "sk-toml"\nOPENAI_API_BASE = "${url}"\nPRIMARY_MODEL = "from-toml"\nLLM_MAX_TOKENS = 64\n`

describe.concurrent("a configuration file", () => {
  it("is JSON, YAML or TOML with the same keys", async () => {
    await using upstream = await listen()
    const names = ["settings.json", "settings.yaml", "settings.yml", "settings.toml"]
    const { answers } = await askSteps(
      names.map((LLM_CONFIG_FILE) => ({ environment: { LLM_CONFIG_FILE }, options: {}, requests: [hello] })),
      {
        files: {
          "settings.json": jsonFile(upstream.url),
          "settings.yaml": yamlFile(upstream.url),
          "settings.yml": yamlFile(upstream.url),
          "settings.toml": tomlFile(upstream.url),
        },
      },
    )
    assert.deepStrictEqual(
      answers.map((answer) => [succeeded(answer).metadata.model, succeeded(answer).metadata.maxTokens]),
      [
        ["from-json", 64],
        ["from-yaml", 64],
        ["from-yaml", 64],
        ["from-toml", 64],
      ],
    )
    assert.deepStrictEqual(
      upstream.requests.map(({ headers }) => headers.authorization),
      ["Bearer sk-json", "Bearer sk-yaml", "Bearer sk-yaml", "Bearer sk-toml"],
    )
    assert.strictEqual(succeeded(answers[0]).metadata.temperature, 0.25)
  })

  it("that is missing, unreadable, or has another ending is a ConfigurationError", async () => {
    const cases = [
      ["missing.json", /LLM_CONFIG_FILE.*missing\.json cannot be read/],
      ["broken.json", /LLM_CONFIG_FILE.*broken\.json cannot be understood/],
      ["broken.toml", /LLM_CONFIG_FILE.*broken\.toml cannot be understood/],
      ["list.json", /LLM_CONFIG_FILE.*list\.json holds no settings.*for example/],
      ["settings.ini", /LLM_CONFIG_FILE.*must end in \.json, \.yaml, \.yml or \.toml/],
      ["nested.json", /OPENAI.*nested\.json is neither/],
      ["wrong.yaml", /LLM_TIMEOUT: "soon" is not a duration.*for example/],
    ] as const
    const { answers } = await askSteps(
      cases.map(([LLM_CONFIG_FILE]) => ({ environment: { LLM_CONFIG_FILE }, options: {}, requests: [hello] })),
      {
        files: {
          "broken.json": "{",
          "broken.toml": "= 3",
          "list.json": "[]",
          "settings.ini": "",
          "nested.json": `{"OPENAI": {"API_KEY": "sk"}}`,
          "wrong.yaml": "LLM_TIMEOUT: soon",
        },
      },
    )
    for (const [index, [, message]] of cases.entries()) {
      const failure = failed(answers[index])
      assert.strictEqual(failure.errorType, "ConfigurationError")
      assert.match(failure.error, message)
    }
  })
})

describe.concurrent("precedence", () => {
  it("options win over the environment, the environment over .env, .env over the file", async () => {
    await using upstream = await listen()
    const everywhere = (where: string) => ({ LLM_TEMPERATURE: where, LLM_MAX_TOKENS: where, LLM_MAX_RETRIES: where })
    const lines = (settings: object) =>
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}`)
        .join("\n")
    const files = {
      "settings.json": JSON.stringify({
        OPENAI_API_KEY: "sk-file",
        OPENAI_API_BASE: upstream.url,
        PRIMARY_MODEL: "openai/file",
        LLM_TEMPERATURE: 0.1,
        LLM_MAX_TOKENS: 1,
      }),
      ".env": lines({ LLM_CONFIG_FILE: "settings.json", LLM_TEMPERATURE: "0.2", LLM_MAX_TOKENS: "2" }),
    }
    const { answers } = await askSteps(
      [
        { options: {}, requests: [hello] },
        { environment: { LLM_TEMPERATURE: "0.3" }, options: {}, requests: [hello] },
        { environment: everywhere("3"), options: { temperature: 0.4, maxTokens: 4 }, requests: [hello] },
        { environment: everywhere("3"), options: {}, requests: [{ ...hello, temperature: 0.5, maxTokens: 5 }] },
      ],
      { files },
    )
    assert.deepStrictEqual(
      answers.map((answer) => [
        succeeded(answer).metadata.model,
        succeeded(answer).metadata.temperature,
        succeeded(answer).metadata.maxTokens,
      ]),
      [
        ["file", 0.2, 2],
        ["file", 0.3, 2],
        ["file", 0.4, 4],
        ["file", 0.5, 5],
      ],
    )
    assert.deepStrictEqual(
      upstream.requests.map(({ headers }) => headers.authorization),
      Array.from({ length: 4 }, () => "Bearer sk-file"),
    )
  })

  it("explicit provider, key and base win over every variable of the environment", async () => {
    await using upstream = await listen()
    const { answers } = await askSteps(
      [
        {
          options: { provider: "openai", model: "mine", apiKey: "sk-mine", apiBase: `${upstream.url}/v1` },
          requests: [hello],
        },
        {
          options: { provider: "azure", model: "dep", apiKey: "az-mine", apiBase: upstream.url, apiVersion: "v1" },
          requests: [hello],
        },
      ],
      {
        environment: {
          LLM_PROVIDER: "anthropic",
          PRIMARY_MODEL: "claude-sonnet-5",
          LLM_API_KEY: "general",
          LLM_API_BASE: "http://127.0.0.1:9",
          OPENAI_API_KEY: "sk-environment",
          OPENAI_API_BASE: "http://127.0.0.1:9/v1",
          AZURE_API_KEY: "az-environment",
          AZURE_API_BASE: "http://127.0.0.1:9",
          AZURE_API_VERSION: "2024-10-21",
          ANTHROPIC_API_KEY: "sk-ant",
        },
      },
    )
    assert.deepStrictEqual(
      answers.map((answer) => succeeded(answer).metadata.provider),
      ["openai", "azure"],
    )
    assert.deepStrictEqual(
      upstream.requests.map(({ body, headers, path }) => [
        path,
        headers.authorization ?? headers["api-key"],
        body["model"],
      ]),
      [
        ["/v1/chat/completions", "Bearer sk-mine", "mine"],
        ["/openai/v1/chat/completions", "az-mine", "dep"],
      ],
    )
  })

  it("an explicit key and base win wherever the provider comes from: LLM_PROVIDER, or the model's name", async () => {
    await using upstream = await listen()
    const apiKey = "sk-mine"
    const apiBase = upstream.url
    const { answers } = await askSteps(
      [
        { environment: { LLM_PROVIDER: "openai" }, options: { apiKey, apiBase }, requests: [hello] },
        { environment: { LLM_PROVIDER: "anthropic" }, options: { apiKey, apiBase }, requests: [hello] },
        { environment: { OPENAI_API_BASE: apiBase }, options: { apiKey, model: "gpt-5-mini" }, requests: [hello] },
        {
          environment: { LITELLM_PROXY_API_BASE: "http://127.0.0.1:9" },
          options: { apiKey, apiBase },
          requests: [hello],
        },
        { environment: { OPENAI_API_BASE: apiBase }, options: { provider: "fallback", apiKey }, requests: [hello] },
      ],
      {
        environment: {
          PRIMARY_MODEL: "gpt-5",
          OPENAI_API_KEY: "sk-environment",
          OPENAI_API_BASE: "http://127.0.0.1:9",
          ANTHROPIC_API_KEY: "sk-environment",
          ANTHROPIC_API_BASE: "http://127.0.0.1:9",
          LITELLM_PROXY_API_KEY: "sk-environment",
          LLM_MAX_RETRIES: "0",
        },
      },
    )
    assert.deepStrictEqual(
      answers.map((answer) => succeeded(answer).metadata.provider),
      ["openai", "anthropic", "openai", "litellm", "openai"],
    )
    for (const { headers } of upstream.requests) {
      assert.strictEqual(headers["x-api-key"] ?? headers.authorization?.slice("Bearer ".length), apiKey)
    }
  })

  it(".env alone is enough, and an empty variable counts as not set", async () => {
    await using upstream = await listen()
    const { answers } = await askSteps([{ requests: [hello] }], {
      environment: { LLM_PROVIDER: "", LLM_TIMEOUT: " " },
      files: {
        ".env": `OPENAI_API_KEY="sk-dot"\nexport PRIMARY_MODEL=gpt-5-mini\nOPENAI_API_BASE=${upstream.url} # here\n`,
      },
    })
    assert.strictEqual(succeeded(only(answers)).metadata.provider, "openai")
    assert.strictEqual(upstream.requests[0]?.headers.authorization, "Bearer sk-dot")
  })
})
