/** `doctor` and `models`: what they say of settings, keys, providers, the clock and the proxy, and that they show no key. */
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { command } from "./Command.ts"

/** A service that lists its models to one key, by a clock that is wrong by `skewMs`. */
const service = async ({ models = ["gpt-5-mini", "gpt-5"], skewMs = 0, status = 200 } = {}) => {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.setHeader("date", new Date(Date.now() + skewMs).toUTCString())
    response.statusCode = request.headers.authorization === "Bearer sk-secret-1" ? status : 401
    response.end(JSON.stringify({ data: models.map((id) => ({ id })) }))
  }).listen(0, "127.0.0.1")
  await new Promise((resolve) => server.once("listening", resolve))
  const address = server.address() as AddressInfo
  const settings = {
    LLM_PROVIDER: "openai",
    OPENAI_API_KEY: "sk-secret-1",
    OPENAI_API_BASE: `http://127.0.0.1:${address.port}/v1`,
    PRIMARY_MODEL: "gpt-5-mini",
  }
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { asked, settings, [Symbol.asyncDispose]: close }
}

describe.concurrent("doctor", () => {
  it("says that all is well, asks for the models alone, and shows no key", async () => {
    await using upstream = await service()
    const { code, stderr, stdout } = await command(["doctor"], { environment: upstream.settings })
    assert.deepStrictEqual([code, stderr], [0, ""], stdout)
    assert.match(stdout, /^✓ settings .*OPENAI_API_KEY/m)
    assert.match(stdout, /^✓ openai .*the key is accepted, gpt-5-mini is among its 2\s+models/m)
    assert.match(stdout, /^✓ clock /m)
    assert.match(stdout, /^✓ proxy +none$/m)
    assert.notInclude(stdout, "sk-secret-1")
    assert.deepStrictEqual(upstream.asked, ["GET /v1/models"])
  })

  it("says what to fix where nothing is set", async () => {
    const { code, stderr, stdout } = await command(["doctor"])
    assert.strictEqual(code, 1)
    assert.match(stdout, /^✗ settings .*none are set[\s\S]*→ set OPENAI_API_KEY and PRIMARY_MODEL/m)
    assert.strictEqual(stderr, "1 thing to fix\n")
  })

  it("names the variable of a key that is refused, of a server that is not there, and of a setting that is wrong", async () => {
    await using upstream = await service()
    const refused = await command(["doctor"], { environment: { ...upstream.settings, OPENAI_API_KEY: "sk-secret-2" } })
    assert.match(refused.stdout, /^✗ openai .*refuses the key \(401\)[\s\S]*→ put a valid key into OPENAI_API_KEY/m)
    assert.notInclude(refused.stdout, "sk-secret-2")
    const base = { ...upstream.settings, OPENAI_API_BASE: "http://127.0.0.1:1/v1" }
    const absent = await command(["doctor"], { environment: base })
    assert.match(absent.stdout, /^✗ openai .*is not reached[\s\S]*OPENAI_API_BASE/m)
    const wrong = await command(["doctor"], { environment: { ...upstream.settings, LLM_TIMEOUT: "soon" } })
    assert.match(wrong.stdout, /^✗ choice +LLM_TIMEOUT: /m)
    assert.deepStrictEqual([refused.code, absent.code, wrong.code], [1, 1, 1])
  })

  it("notices a clock that is wrong, a model that is not served, and a proxy variable that is not read", async () => {
    await using upstream = await service({ skewMs: -600_000, models: ["gpt-5"] })
    const environment = { ...upstream.settings, ALL_PROXY: "http://user:hidden@127.0.0.1:9" }
    const { code, stdout } = await command(["doctor", "--json"], { environment })
    const findings: ReadonlyArray<{ about: string; verdict: string; says: string }> = JSON.parse(stdout)
    const said = Object.fromEntries(findings.map(({ about, says, verdict }) => [about, `${verdict}: ${says}`]))
    assert.match(said["clock"] ?? "", /^fix: (599|600|601) s ahead of the servers$/)
    assert.match(said["openai"] ?? "", /^note: .*gpt-5-mini is not among the 1 models/)
    assert.strictEqual(said["proxy"], "note: ALL_PROXY is not read")
    assert.notInclude(stdout, "hidden")
    assert.strictEqual(code, 1)
  })

  it("asks through the proxy that is set, and shows no password of it", async () => {
    await using proxy = await service()
    const port = new URL(proxy.settings.OPENAI_API_BASE).port
    const { stdout } = await command(["doctor"], {
      environment: {
        ...proxy.settings,
        OPENAI_API_BASE: "http://upstream.invalid/v1",
        HTTP_PROXY: `http://user:hidden@127.0.0.1:${port}`,
      },
    })
    assert.deepStrictEqual(proxy.asked, ["GET http://upstream.invalid/v1/models"], stdout)
    assert.match(stdout, /^✓ proxy +HTTP_PROXY=http:\/\/…@127\.0\.0\.1/m)
    assert.notInclude(stdout, "hidden")
  })
})

describe.concurrent("models", () => {
  it("lists what the provider lists, filtered, as a table and as JSON lines", async () => {
    await using upstream = await service({ models: ["zeta", "gpt-5-mini", "gpt-5"] })
    const environment = upstream.settings
    const table = await command(["models", "GPT"], { environment })
    assert.deepStrictEqual(
      [table.code, table.stdout],
      [0, "provider  model\nopenai    gpt-5\nopenai    gpt-5-mini\n"],
      table.stderr,
    )
    const lines = await command(["models", "zeta", "--json"], { environment })
    assert.strictEqual(lines.stdout, '{"provider":"openai","id":"zeta"}\n')
  })

  it("a provider that lists nothing, and a filter that fits nothing, are exit code 1", async () => {
    await using upstream = await service({ status: 404 })
    const none = await command(["models"], { environment: upstream.settings })
    assert.deepStrictEqual([none.code, none.stdout], [1, ""])
    assert.match(none.stderr, /^openai: .*does not list its models \(404\)/m)
    await using listing = await service()
    const unfit = await command(["models", "llama"], { environment: listing.settings })
    assert.deepStrictEqual([unfit.code, unfit.stdout], [1, ""])
    assert.match(unfit.stderr, /none of 2 models has llama in its name/)
  })
})
