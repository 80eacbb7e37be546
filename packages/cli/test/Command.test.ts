/** The command as a user runs it: where it asks, what goes to stdout and what to stderr, and how it ends. */
import { assert, describe, it } from "@effect/vitest"
import { command } from "./Command.ts"
import { provider } from "./Provider.ts"

const lines = (text: string) => text.trimEnd().split("\n")

describe.concurrent("without any settings", () => {
  for (const [name, model] of [
    ["openai", "gpt-5-mini"],
    ["anthropic", "claude-sonnet-5"],
    ["azure", "gpt-5-mini"],
    ["litellm", "gpt-5-mini"],
  ] as const) {
    it(`the offline upstream answers as ${name}, after one retry, and says that it is offline`, async () => {
      const args = name === "openai" ? ["Hello, world!"] : ["--provider", name, "Hello, world!"]
      const { code, stderr, stdout } = await command(args)
      assert.strictEqual(code, 0, stderr)
      assert.match(stdout, /^Hello from the offline upstream! You wrote: "Hello, world!"\.[^\n]*\n$/)
      assert.match(stderr, /^OFFLINE: no provider is configured, so an embedded upstream on 127\.0\.0\.1:\d+ answers/)
      assert.match(stderr, /2 attempts \(RateLimitError, answered\), \d+\.\d s, \$0$/m)
      assert.match(
        stderr,
        new RegExp(`^${name} ${model}: \\d+ tokens in, \\d+ out, 2 attempts \\(RateLimitError, answered\\), `, "m"),
      )
    })
  }

  it("limits and log levels are no reason to go online; DEBUG shows the 429 and the retry", async () => {
    const environment = { WISEFLOW_LOG_LEVEL: "DEBUG", LLM_TIMEOUT: "20 seconds", UNRELATED_API_KEY: "x" }
    const { code, stderr } = await command(["hi"], { environment })
    assert.strictEqual(code, 0)
    assert.match(stderr, /message="API call".*status=429/)
    assert.match(stderr, /retrying in \d+ ms/)
    assert.match(stderr, /message="API call".*status=200/)
  })

  it("--json prints the whole response, and nothing else, on stdout", async () => {
    const { code, stdout } = await command(["--json", "--model", "gpt-5", "hi"])
    const response: unknown = JSON.parse(stdout)
    assert.strictEqual(code, 0)
    assert.nestedPropertyVal(response, "metadata.provider", "openai")
    assert.nestedPropertyVal(response, "metadata.model", "gpt-5")
    assert.nestedPropertyVal(response, "metadata.attempts[0].status", 429)
    assert.nestedPropertyVal(response, "metadata.attempts[1].status", 200)
    assert.nestedPropertyVal(response, "finishReason", "stop")
  })

  it("fallback has nobody to fall back to: an error, not the offline upstream", async () => {
    const { code, stderr, stdout } = await command(["--provider", "fallback", "hi"])
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(stderr, /provider: no provider has a key.*\(ConfigurationError\)/)
  })
})

describe.concurrent("with settings", () => {
  it("the configured provider answers: the text on stdout, one line of what it took on stderr", async () => {
    await using upstream = await provider()
    const { settings } = upstream
    const { code, stderr, stdout } = await command(["What", "is", "up?"], { environment: settings })
    assert.strictEqual(code, 0, stderr)
    assert.strictEqual(stdout, "a configured answer\n")
    const [summary, ...rest] = lines(stderr)
    assert.match(summary ?? "", /^openai gpt-5-mini: 9 tokens in, 3 out, 1 attempt, \d+\.\d s, cost unknown$/)
    assert.deepStrictEqual(rest, [])
    const body: unknown = upstream.upstream.getLastRequest()?.body
    assert.nestedPropertyVal(body, "messages[0].content", "What is up?")
  })

  it("from .env, from a file, and from options", async () => {
    await using upstream = await provider()
    const { settings } = upstream
    const dotEnv = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
    const fromDotEnv = await command(["hi"], { files: { ".env": dotEnv.join("\n") } })
    const fromFile = await command(["hi"], {
      files: { "llm.json": JSON.stringify(settings) },
      environment: { LLM_CONFIG_FILE: "llm.json" },
    })
    const environment = { ...settings, LLM_PROVIDER: "anthropic", PRIMARY_MODEL: "claude-sonnet-5" }
    const fromOptions = await command(["-p", "openai", "-m", "gpt-5", "hi"], { environment })
    for (const { stdout } of [fromDotEnv, fromFile, fromOptions]) assert.strictEqual(stdout, "a configured answer\n")
    assert.match(fromOptions.stderr, /^openai gpt-5: /)
  })

  it("settings that are incomplete or wrong are an error, never a reason to go offline", async () => {
    for (const [environment, message] of [
      [{ PRIMARY_MODEL: "gpt-5-mini" }, /^OPENAI_API_KEY: .*\(ConfigurationError\)$/m],
      [{ LLM_PROVIDER: "anthropic" }, /^ANTHROPIC_API_KEY: .*\(ConfigurationError\)$/m],
      [{ LLM_CONFIG_FILE: "missing.json" }, /^LLM_CONFIG_FILE: .*\(ConfigurationError\)$/m],
      [{ GROQ_API_KEY: "gsk" }, /^PRIMARY_MODEL: .*\(ConfigurationError\)$/m],
    ] as const) {
      const { code, stderr, stdout } = await command(["hi"], { environment })
      assert.deepStrictEqual([code, stdout], [1, ""])
      assert.match(stderr, message)
      assert.notInclude(stderr, "OFFLINE")
    }
  })

  it("a provider's failure is exit code 1, with message and errorType on stderr, and whole with --json", async () => {
    await using upstream = await provider()
    const refuse = () => upstream.upstream.nextRequestError(401, { message: "wrong key", code: "invalid_api_key" })
    refuse()
    const plain = await command(["hi"], { environment: upstream.settings })
    refuse()
    const whole = await command(["--json", "hi"], { environment: upstream.settings })
    assert.deepStrictEqual([plain.code, plain.stdout], [1, ""])
    assert.match(plain.stderr, /^wrong key \(AuthenticationError\)$/m)
    assert.strictEqual(whole.code, 1)
    assert.nestedPropertyVal(JSON.parse(whole.stdout), "errorType", "AuthenticationError")
    assert.nestedPropertyVal(JSON.parse(whole.stdout), "metadata.attempts[0].status", 401)
  })

  it("SIGINT aborts, with exit code 130", async () => {
    await using upstream = await provider()
    upstream.upstream.nextRequestError(503, { message: "busy" })
    const { code, stderr, stdout } = await command(["hi"], {
      environment: { ...upstream.settings, WISEFLOW_LOG_LEVEL: "DEBUG" },
      signalOn: (stderr) => (stderr.includes("retrying in") ? "SIGINT" : undefined),
    })
    assert.deepStrictEqual([code, stdout], [130, ""])
    assert.match(stderr, /^aborted$/m)
    assert.strictEqual(upstream.upstream.getRequests().length, 1)
  })
})

describe.concurrent("the command line", () => {
  it("reads the prompt from stdin where none is given", async () => {
    const { stdout } = await command([], { stdin: "from a pipe\n" })
    assert.match(stdout, /You wrote: "from a pipe"/)
  })

  it("--help and --version", async () => {
    const help = await command(["--help"])
    assert.deepStrictEqual([help.code, help.stderr], [0, ""])
    assert.match(help.stdout, /wiseflow-llm <subcommand> \[flags\]/)
    const version = await command(["--version"])
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/)
  })

  it("that cannot be understood is exit code 2, with the reason and the usage on stderr", async () => {
    for (const [args, reason] of [
      [["--nonsense"], /--nonsense/],
      [["--provider", "nobody", "hi"], /"nobody"/],
      [["generate", "--set", "lower=1", "--nope"], /--nope/],
      [["completions", "tcsh"], /"tcsh"/],
    ] as const) {
      const { code, stderr, stdout } = await command(args)
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, reason)
      assert.match(stderr, /^Usage: wiseflow-llm/m)
    }
  })

  it("without a prompt is exit code 2, and nothing is asked", async () => {
    const { code, stderr, stdout } = await command([])
    assert.deepStrictEqual([code, stdout], [2, ""])
    assert.strictEqual(stderr, "there is no prompt: give one as an argument or on stdin\n")
  })
})
