/** The guide's section on `fallback`: who is asked next, with which model and key, and what is said of it. */
import { assert, describe, it } from "@effect/vitest"
import { ask, askSteps, failed, hello, succeeded } from "./Ask.ts"
import { answers, byModel, listen, refuses, type Upstream } from "./LoopbackUpstream.ts"

const models = (upstream: Upstream): ReadonlyArray<unknown> => upstream.requests.map(({ body }) => body["model"])

/** Every provider at one upstream, each with a key of its own. */
const everyProvider = (url: string) => ({
  OPENAI_API_KEY: "openai-key",
  OPENAI_API_BASE: `${url}/openai/v1`,
  ANTHROPIC_API_KEY: "anthropic-key",
  ANTHROPIC_API_BASE: `${url}/anthropic`,
  AZURE_API_KEY: "azure-key",
  AZURE_API_BASE: `${url}/azure`,
  LLM_MAX_RETRIES: "0",
})

const unavailable = refuses(503)

describe.concurrent("SECONDARY_MODEL", () => {
  it("is used when the primary is unavailable, and only then", async () => {
    await using upstream = await listen(byModel({ "gpt-5": unavailable, "gpt-5-mini": answers("from the second") }))
    const environment = {
      LLM_PROVIDER: "openai",
      OPENAI_API_KEY: "sk-1",
      OPENAI_API_BASE: upstream.url,
      PRIMARY_MODEL: "gpt-5",
      SECONDARY_MODEL: "gpt-5-mini",
      LLM_MAX_RETRIES: "0",
    }
    const { answers: all } = await askSteps(
      [
        { options: {}, requests: [hello] },
        { options: {}, requests: [hello], streamed: true },
        { environment: { PRIMARY_MODEL: "gpt-5-mini", SECONDARY_MODEL: "gpt-5" }, options: {}, requests: [hello] },
      ],
      { environment },
    )
    for (const answer of all) assert.strictEqual(succeeded(answer).text, "from the second")
    assert.deepStrictEqual(models(upstream), ["gpt-5", "gpt-5-mini", "gpt-5", "gpt-5-mini", "gpt-5-mini"])
    const { attempts, degraded, model } = succeeded(all[0]).metadata
    assert.strictEqual(model, "gpt-5-mini")
    assert.isFalse(degraded)
    assert.deepStrictEqual(
      attempts.map(({ errorType, model, targetIndex }) => [targetIndex, model, errorType]),
      [
        [0, "gpt-5", "OverloadedError"],
        [1, "gpt-5-mini", undefined],
      ],
    )
  })

  it("may be provider/model, whatever LLM_PROVIDER says", async () => {
    await using upstream = await listen(byModel({ "claude-sonnet-5": answers("from Anthropic") }))
    const { answers: all } = await askSteps(
      [
        { environment: { LLM_PROVIDER: "openai" }, options: {}, requests: [hello] },
        { options: {}, requests: [hello] },
      ],
      {
        environment: {
          ...everyProvider(upstream.url),
          PRIMARY_MODEL: "gpt-5",
          SECONDARY_MODEL: "anthropic/claude-sonnet-5",
        },
      },
    )
    for (const answer of all) {
      assert.strictEqual(succeeded(answer).text, "from Anthropic")
      assert.strictEqual(succeeded(answer).metadata.provider, "anthropic")
    }
    assert.deepStrictEqual(
      upstream.requests.map(({ headers }) => headers.authorization ?? headers["x-api-key"]),
      ["Bearer openai-key", "anthropic-key", "Bearer openai-key", "anthropic-key"],
    )
  })

  it("does not save a request that is wrong", async () => {
    await using upstream = await listen(refuses(400))
    const failure = failed(
      await ask({ ...everyProvider(upstream.url), PRIMARY_MODEL: "gpt-5", SECONDARY_MODEL: "gpt-5-mini" }),
    )
    assert.strictEqual(failure.errorType, "InvalidRequestError")
    assert.strictEqual(upstream.requests.length, 1)
  })
})

describe.concurrent("LLM_PROVIDER=fallback", () => {
  const fallback = (url: string) => ({
    ...everyProvider(url),
    LLM_PROVIDER: "fallback",
    PRIMARY_MODEL: "gpt-5",
    SECONDARY_MODEL: "gpt-5-nano",
  })

  it("primary model, secondary model, then the other configured providers in order", async () => {
    await using upstream = await listen(unavailable)
    const failure = failed(await ask(fallback(upstream.url)))
    assert.strictEqual(failure.errorType, "OverloadedError")
    assert.deepStrictEqual(
      upstream.requests.map(({ body, path }) => [path.split("/")[1], body["model"]]),
      [
        ["openai", "gpt-5"],
        ["openai", "gpt-5-nano"],
        ["anthropic", "claude-sonnet-5"],
        ["azure", "gpt-5"],
      ],
    )
    assert.deepStrictEqual(
      failure.metadata.attempts.map(({ provider, targetIndex }) => [targetIndex, provider]),
      [
        [0, "openai"],
        [1, "openai"],
        [2, "anthropic"],
        [3, "azure"],
      ],
    )
    assert.strictEqual(failure.metadata.provider, "azure", "the error is the last target's")
  })

  it("only providers with a key, and LLM_FALLBACK_PROVIDERS chooses among them and orders them", async () => {
    await using upstream = await listen(unavailable)
    const { ANTHROPIC_API_KEY: _, ...withoutAnthropic } = fallback(upstream.url)
    await ask(withoutAnthropic)
    await ask({ ...fallback(upstream.url), LLM_FALLBACK_PROVIDERS: "azure, anthropic/claude-opus-5" })
    assert.deepStrictEqual(
      upstream.requests.map(({ body, path }) => [path.split("/")[1], body["model"]]),
      [
        ["openai", "gpt-5"],
        ["openai", "gpt-5-nano"],
        ["azure", "gpt-5"],
        ["openai", "gpt-5"],
        ["openai", "gpt-5-nano"],
        ["azure", "gpt-5"],
        ["anthropic", "claude-opus-5"],
      ],
    )
  })

  it("the fallback text comes last, only if it is set, and says that it is degraded", async () => {
    await using upstream = await listen(unavailable)
    const { answers: all } = await askSteps(
      [
        { environment: { LLM_FALLBACK_TEXT: "Please try later." }, options: {}, requests: [hello] },
        { environment: { LLM_FALLBACK_TEXT: "Please try later." }, options: {}, requests: [hello], streamed: true },
        { options: { fallbackText: "From the options." }, requests: [hello] },
        { options: {}, requests: [hello] },
      ],
      { environment: fallback(upstream.url) },
    )
    for (const [index, text] of ["Please try later.", "Please try later.", "From the options."].entries()) {
      const answer = succeeded(all[index])
      assert.strictEqual(answer.text, text)
      assert.isTrue(answer.metadata.degraded)
      assert.strictEqual(answer.metadata.attempts.length, 4)
    }
    assert.strictEqual(failed(all[3]).errorType, "OverloadedError")
  })

  it("without any key it is a ConfigurationError, even with a fallback text", async () => {
    const failure = failed(await ask({ LLM_PROVIDER: "fallback", LLM_FALLBACK_TEXT: "Please try later." }))
    assert.strictEqual(failure.errorType, "ConfigurationError")
    assert.match(failure.error, /OPENAI_API_KEY/)
  })
})

describe.concurrent("LLM_FALLBACK_PROVIDERS and LLM_FALLBACK_TEXT", () => {
  it("serve every LLM_PROVIDER that they are set for", async () => {
    await using upstream = await listen(unavailable)
    const environment = {
      ...everyProvider(upstream.url),
      LLM_PROVIDER: "azure",
      PRIMARY_MODEL: "mine",
      LLM_FALLBACK_PROVIDERS: "anthropic",
      LLM_FALLBACK_TEXT: "Please try later.",
    }
    assert.isTrue(succeeded(await ask(environment)).metadata.degraded)
    assert.deepStrictEqual(
      upstream.requests.map(({ path }) => path.split("/")[1]),
      ["azure", "anthropic"],
    )
  })

  it("without them a provider that is not fallback asks nobody else", async () => {
    await using upstream = await listen(unavailable)
    await ask({ ...everyProvider(upstream.url), LLM_PROVIDER: "openai", PRIMARY_MODEL: "gpt-5" })
    assert.strictEqual(upstream.requests.length, 1)
  })
})

describe.concurrent("the fallbacks option", () => {
  it("names targets with keys, bases and versions of their own", async () => {
    await using upstream = await listen(byModel({ last: answers("from the last") }))
    const { answers: all } = await askSteps([
      {
        options: {
          provider: "openai",
          model: "first",
          apiKey: "sk-1",
          apiBase: `${upstream.url}/one`,
          fallbacks: [
            { provider: "anthropic", model: "middle", apiKey: "sk-2", apiBase: `${upstream.url}/two` },
            { provider: "azure", model: "last", apiKey: "k-3", apiBase: `${upstream.url}/three`, apiVersion: "v1" },
          ],
        },
        requests: [hello],
      },
    ])
    assert.strictEqual(succeeded(all[0]).text, "from the last")
    assert.deepStrictEqual(
      upstream.requests.map(({ headers, path }) => [
        path,
        headers.authorization ?? headers["x-api-key"] ?? headers["api-key"],
      ]),
      [
        ["/one/chat/completions", "Bearer sk-1"],
        ["/two/v1/messages", "sk-2"],
        ["/three/openai/v1/chat/completions", "k-3"],
      ],
    )
  })
})
