/** The guide's section on `LLM_PROVIDER`: who is asked, where, with which key and which model. */
import { assert, describe, it } from "@effect/vitest"
import { ask, askSteps, failed, hello, succeeded } from "./Ask.ts"
import { listen } from "./LoopbackUpstream.ts"

describe.concurrent("LLM_PROVIDER", () => {
  it("openai: bearer key, OPENAI_API_BASE and PRIMARY_MODEL", async () => {
    await using upstream = await listen()
    const answer = succeeded(
      await ask({
        LLM_PROVIDER: "openai",
        OPENAI_API_KEY: "sk-own",
        OPENAI_API_BASE: `${upstream.url}/v1`,
        LLM_API_KEY: "sk-general",
        LLM_API_BASE: "http://127.0.0.1:9",
        PRIMARY_MODEL: "gpt-5-mini",
      }),
    )
    const [request] = upstream.requests
    assert.strictEqual(request?.path, "/v1/chat/completions")
    assert.strictEqual(request?.headers.authorization, "Bearer sk-own")
    assert.strictEqual(request?.body["model"], "gpt-5-mini")
    assert.strictEqual(answer.text, "hello")
    assert.strictEqual(answer.metadata.provider, "openai")
  })

  it("LLM_API_KEY and LLM_API_BASE serve the chosen provider where its own variables are not set", async () => {
    await using upstream = await listen()
    const general = { LLM_API_KEY: "general", LLM_API_BASE: upstream.url, PRIMARY_MODEL: "m" }
    const { answers } = await askSteps(
      ["openai", "anthropic", "azure", "litellm"].map((LLM_PROVIDER) => ({
        environment: { ...general, LLM_PROVIDER },
        options: {},
        requests: [hello],
      })),
    )
    assert.deepStrictEqual(
      answers.map((answer) => succeeded(answer).metadata.provider),
      ["openai", "anthropic", "azure", "litellm"],
    )
    assert.deepStrictEqual(
      upstream.requests.map(({ headers, path }) => [
        path,
        headers.authorization ?? headers["x-api-key"] ?? headers["api-key"],
      ]),
      [
        ["/chat/completions", "Bearer general"],
        ["/v1/messages", "general"],
        ["/openai/deployments/m/chat/completions?api-version=2023-05-15", "general"],
        ["/chat/completions", "Bearer general"],
      ],
    )
  })

  it("anthropic: x-api-key, and ANTHROPIC_API_VERSION with its default", async () => {
    await using upstream = await listen()
    const environment = {
      LLM_PROVIDER: "anthropic",
      ANTHROPIC_API_KEY: "sk-ant-1",
      ANTHROPIC_API_BASE: upstream.url,
      PRIMARY_MODEL: "claude-sonnet-5",
    }
    const { answers } = await askSteps(
      [{ requests: [hello] }, { environment: { ANTHROPIC_API_VERSION: "2024-01-01" }, options: {}, requests: [hello] }],
      { environment },
    )
    assert.deepStrictEqual(
      answers.map((answer) => succeeded(answer).text),
      ["hello", "hello"],
    )
    assert.deepStrictEqual(
      upstream.requests.map(({ headers, path }) => [path, headers["x-api-key"], headers["anthropic-version"]]),
      [
        ["/v1/messages", "sk-ant-1", "2023-06-01"],
        ["/v1/messages", "sk-ant-1", "2024-01-01"],
      ],
    )
  })

  it("azure: api-key, the deployment in the path, every form of the base, and version v1", async () => {
    await using upstream = await listen()
    const deployment = `${upstream.url}/openai/deployments/mine`
    const cases = [
      { AZURE_API_BASE: upstream.url },
      { AZURE_API_BASE: `${upstream.url}/openai/` },
      { AZURE_API_BASE: upstream.url, AZURE_API_VERSION: "2024-10-21" },
      { AZURE_API_BASE: upstream.url, AZURE_API_VERSION: "v1" },
      { AZURE_API_BASE: `${upstream.url}/openai/v1` },
      { AZURE_API_BASE: `${deployment}/chat/completions?api-version=2024-02-01` },
    ]
    const { answers } = await askSteps(
      cases.map((environment) => ({ environment, options: {}, requests: [hello] })),
      { environment: { LLM_PROVIDER: "azure", AZURE_API_KEY: "azure-key", PRIMARY_MODEL: "mine" } },
    )
    for (const answer of answers) assert.strictEqual(succeeded(answer).metadata.provider, "azure")
    assert.deepStrictEqual(
      upstream.requests.map(({ headers, path }) => [headers["api-key"], path]),
      [
        ["azure-key", "/openai/deployments/mine/chat/completions?api-version=2023-05-15"],
        ["azure-key", "/openai/deployments/mine/chat/completions?api-version=2023-05-15"],
        ["azure-key", "/openai/deployments/mine/chat/completions?api-version=2024-10-21"],
        ["azure-key", "/openai/v1/chat/completions"],
        ["azure-key", "/openai/v1/chat/completions"],
        ["azure-key", "/openai/deployments/mine/chat/completions?api-version=2024-02-01"],
      ],
    )
  })
})

describe.concurrent("litellm, which is the default", () => {
  it("a machine with only OPENAI_API_KEY and PRIMARY_MODEL works at once", async () => {
    await using upstream = await listen()
    const answer = succeeded(
      await ask({ OPENAI_API_KEY: "sk-1", OPENAI_API_BASE: `${upstream.url}/v1`, PRIMARY_MODEL: "gpt-5-mini" }),
    )
    assert.strictEqual(answer.metadata.provider, "openai")
    assert.strictEqual(answer.metadata.model, "gpt-5-mini")
    assert.strictEqual(upstream.requests[0]?.headers.authorization, "Bearer sk-1")
  })

  it("with LLM_API_BASE it is the LiteLLM proxy there, with a bearer key, or none", async () => {
    await using upstream = await listen()
    const { answers } = await askSteps(
      [
        { environment: { LLM_API_KEY: "sk-proxy" }, options: {}, requests: [hello] },
        { options: {}, requests: [hello] },
      ],
      { environment: { LLM_API_BASE: upstream.url, PRIMARY_MODEL: "my-alias" } },
    )
    for (const answer of answers) assert.strictEqual(succeeded(answer).metadata.provider, "litellm")
    assert.deepStrictEqual(
      upstream.requests.map(({ body, headers, path }) => [path, headers.authorization, body["model"]]),
      [
        ["/chat/completions", "Bearer sk-proxy", "my-alias"],
        ["/chat/completions", undefined, "my-alias"],
      ],
    )
  })

  it("without it, it routes in process by provider/model, or by a bare known name", async () => {
    await using upstream = await listen()
    const models = ["openai/gpt-5-mini", "anthropic/claude-sonnet-5", "azure/mine", "gpt-5", "o3-mini", "claude-opus-5"]
    const { answers } = await askSteps([{ options: {}, requests: models.map((model) => ({ ...hello, model })) }], {
      environment: {
        OPENAI_API_KEY: "openai-key",
        OPENAI_API_BASE: `${upstream.url}/v1`,
        ANTHROPIC_API_KEY: "anthropic-key",
        ANTHROPIC_API_BASE: upstream.url,
        AZURE_API_KEY: "azure-key",
        AZURE_API_BASE: upstream.url,
      },
    })
    assert.deepStrictEqual(
      answers.map((answer) => [succeeded(answer).metadata.provider, succeeded(answer).metadata.model]),
      [
        ["openai", "gpt-5-mini"],
        ["anthropic", "claude-sonnet-5"],
        ["azure", "mine"],
        ["openai", "gpt-5"],
        ["openai", "o3-mini"],
        ["anthropic", "claude-opus-5"],
      ],
    )
    for (const { headers, path } of upstream.requests) {
      const key = headers.authorization ?? headers["x-api-key"] ?? headers["api-key"]
      const owner = path.includes("/messages")
        ? "anthropic-key"
        : path.includes("/deployments/")
          ? "azure-key"
          : "Bearer openai-key"
      assert.strictEqual(key, owner, "one provider's key never goes to another")
    }
  })

  it("LLM_API_KEY serves the provider that the primary model names, and no other", async () => {
    await using upstream = await listen()
    const { answers } = await askSteps([{ options: {}, requests: [hello, { ...hello, model: "claude-sonnet-5" }] }], {
      environment: {
        LLM_API_KEY: "general",
        PRIMARY_MODEL: "gpt-5-mini",
        OPENAI_API_BASE: upstream.url,
        ANTHROPIC_API_BASE: upstream.url,
      },
    })
    assert.strictEqual(succeeded(answers[0]).metadata.provider, "openai")
    assert.match(failed(answers[1]).error, /ANTHROPIC_API_KEY/)
    assert.strictEqual(upstream.requests.length, 1)
  })

  it("claude-… needs only ANTHROPIC_API_KEY", async () => {
    await using upstream = await listen()
    const answer = succeeded(
      await ask({ ANTHROPIC_API_KEY: "sk-ant", ANTHROPIC_API_BASE: upstream.url, PRIMARY_MODEL: "claude-sonnet-5" }),
    )
    assert.strictEqual(answer.metadata.provider, "anthropic")
  })

  it("a compatible service is a prefix: ollama/…, without a key", async () => {
    await using upstream = await listen()
    const answer = succeeded(await ask({ OLLAMA_API_BASE: `${upstream.url}/v1`, PRIMARY_MODEL: "ollama/llama3.2" }))
    assert.strictEqual(answer.metadata.provider, "ollama")
    assert.deepStrictEqual(
      upstream.requests.map(({ body, path }) => [path, body["model"]]),
      [["/v1/chat/completions", "llama3.2"]],
    )
  })

  it("a model whose provider has no key is a ConfigurationError that names the key", async () => {
    const failure = failed(await ask({ OPENAI_API_KEY: "sk-1", PRIMARY_MODEL: "claude-sonnet-5" }))
    assert.strictEqual(failure.errorType, "ConfigurationError")
    assert.match(failure.error, /ANTHROPIC_API_KEY.*for example/)
  })
})
