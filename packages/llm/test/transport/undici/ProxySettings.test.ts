/** Which requests go through a proxy: `NO_PROXY` by undici's rules, held against undici itself. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as FastCheck from "fast-check"
import { Client, EnvHttpProxyAgent } from "undici"
import { fromOption, fromSettings, noProxy } from "../../../src/transport/undici/Proxy.ts"

/** A client that sends nothing. */
class Idle extends Client {
  override dispatch(): boolean {
    return true
  }
}

const proxy = "http://proxy.test:3128"

/** Whether undici's own agent would go to the origin itself. */
const isDirectInUndici = (list: string, origin: string): boolean => {
  const connected: Array<string> = []
  const factory = (to: string | URL) => {
    connected.push(String(to))
    return new Idle(to)
  }
  const agent = new EnvHttpProxyAgent({ httpProxy: proxy, httpsProxy: proxy, noProxy: list, factory })
  try {
    agent.dispatch({ origin, path: "/", method: "GET" }, {})
  } catch {
    // It refuses a handler that hears nothing, but has chosen before.
  }
  return !connected.some((to) => to.startsWith(proxy))
}

const host = FastCheck.constantFrom(
  "example.com",
  "api.example.com",
  "a.api.example.com",
  "notexample.com",
  "EXAMPLE.com",
  "com",
  "localhost",
  "127.0.0.1",
  "10.0.0.1",
  "[::1]",
  "[fe80::1]",
  "example.com.",
)
const port = FastCheck.constantFrom("", ":80", ":443", ":8080")
const entry = FastCheck.oneof(
  FastCheck.tuple(FastCheck.constantFrom("", ".", "*", "*."), host, port).map((parts) => parts.join("")),
  FastCheck.constantFrom("*", "*:8080", "::1", "fe80::1", "", ".", "*.", "10.0.0.0/8", "example", ":80"),
)
const list = FastCheck.tuple(
  FastCheck.array(entry, { maxLength: 4 }),
  FastCheck.constantFrom(",", " ", ", ", ",,"),
).map(([entries, separator]) => entries.join(separator))

describe("NO_PROXY", () => {
  it("names the hosts that undici's agent would ask directly", () => {
    FastCheck.assert(
      FastCheck.property(list, host, port, (entries, name, at) => {
        const origin = `http://${name}${at}`
        expect(noProxy(entries)(new URL(origin))).toBe(isDirectInUndici(entries, new URL(origin).origin))
      }),
      { numRuns: 2000 },
    )
  })

  it.each([
    ["example.com", "https://api.example.com", true],
    ["example.com:443", "https://example.com", true],
    ["example.com:80", "https://example.com", false],
    ["*.example.com", "https://example.com", false],
    ["", "https://127.0.0.1", false],
    ["127.0.0.1", "https://127.0.0.1:8443", true],
    ["1:2:3:4:5:6:7:8", "http://[1:2:3:4:5:6:7:8]", true],
    ["1:2:3:4:5:6:7:8", "http://7:8", false],
    ["[::1]", "http://[::1]:81", true],
    ["[::1]:81", "http://[::1]:81", true],
    ["[::1]:81", "http://[::1]", false],
    ["[::1]x", "http://[::1]", false],
    ["[::1]:x", "http://[::1]", false],
    ["x[::1]", "http://[::1]", false],
    ["example.com:80x", "http://example.com", false],
    ["other,, example.com", "http://example.com", true],
    ["other\texample.com", "http://example.com", true],
    [",", "http://example.com", false],
  ])("%j at %s: direct is %s", (entries, origin, expected) => {
    expect(noProxy(entries)(new URL(origin))).toBe(expected)
    if (origin.startsWith("http:")) expect(isDirectInUndici(entries, new URL(origin).origin)).toBe(expected)
  })
})

const read = (settings: Record<string, string>) =>
  Effect.provideService(fromSettings, ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(settings))

const chosen = (settings: Record<string, string>, origin: string) =>
  Effect.map(read(settings), (proxies) => proxies?.proxyOf(new URL(origin))?.origin)

describe("the proxy variables", () => {
  it.effect.each([
    [{}, "https://api.test", undefined],
    [{ HTTPS_PROXY: "http://a.test:1" }, "https://api.test", "http://a.test:1"],
    [{ HTTPS_PROXY: "http://a.test:1" }, "http://api.test", undefined],
    [{ HTTP_PROXY: "http://b.test:1" }, "http://api.test", "http://b.test:1"],
    [{ HTTP_PROXY: "http://b.test:1" }, "https://api.test", "http://b.test:1"],
    [{ HTTPS_PROXY: "http://a.test:1", HTTP_PROXY: "http://b.test:1" }, "http://api.test", "http://b.test:1"],
    [{ HTTPS_PROXY: "http://a.test:1", https_proxy: "http://c.test:1" }, "https://api.test", "http://c.test:1"],
    [{ http_proxy: "http://c.test:1", HTTP_PROXY: "http://b.test:1" }, "http://api.test", "http://c.test:1"],
    [{ HTTPS_PROXY: "http://a.test:1", NO_PROXY: "api.test" }, "https://api.test", undefined],
    [
      { HTTPS_PROXY: "http://a.test:1", NO_PROXY: "api.test", no_proxy: "other" },
      "https://api.test",
      "http://a.test:1",
    ],
    [{ HTTPS_PROXY: "a.test:1" }, "https://api.test", "http://a.test:1"],
    [{ HTTPS_PROXY: "  ", HTTP_PROXY: "" }, "https://api.test", undefined],
  ] as ReadonlyArray<readonly [Record<string, string>, string, string | undefined]>)(
    "%j for %s: %s",
    ([settings, origin, expected]) => Effect.map(chosen(settings, origin), (found) => expect(found).toBe(expected)),
  )

  it.effect.each([
    ["HTTPS_PROXY", "socks5://user:hunter22@a.test:1"],
    ["http_proxy", "http://"],
    ["HTTP_PROXY", "http://user:hunter22@a b"],
  ] as const)("%s=%s is a mistake that names the variable, and not what it holds", ([name, value]) =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(read({ [name]: value }))
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: name })
      expect(error.message).not.toMatch(/hunter22|a\.test/)
    }),
  )

  it.effect("are addresses of HTTP proxies, and others are refused with an example of one", () =>
    Effect.gen(function* () {
      const proxyOf = (url: string) =>
        Effect.map(fromOption(url), (proxies) => proxies.proxyOf(new URL("https://api.test")))
      expect(yield* proxyOf("http://a.test")).toEqual({
        origin: "http://a.test",
        protocol: "http:",
        host: "a.test",
        hostname: "a.test",
        port: "80",
        authorization: undefined,
      })
      expect(yield* proxyOf("https://a.test")).toMatchObject({
        protocol: "https:",
        origin: "https://a.test",
        port: "443",
      })
      expect(yield* proxyOf("https://[::1]:8443")).toMatchObject({ host: "[::1]:8443", hostname: "::1", port: "8443" })
      expect(yield* proxyOf("a.test:3128")).toMatchObject({ hostname: "a.test", port: "3128" })
      for (const [given, problem] of [
        ["http://", "is not a proxy's address"],
        ["", "is not a proxy's address"],
        [42, "is not a proxy's address"],
        ["socks5://a.test:1", "is not an HTTP proxy"],
        ["ftp://a.test:1", "is not an HTTP proxy"],
      ] as const) {
        const { message, reason } = yield* Effect.flip(fromOption(given as string))
        expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: "proxy" })
        expect(message).toContain(problem)
        expect(message).toContain("proxy=http://proxy.example:3128")
      }
    }),
  )

  it.effect("tell everything of their addresses that must be shown nowhere", () =>
    Effect.gen(function* () {
      const secretsOf = (settings: Record<string, string>) =>
        Effect.map(read(settings), (proxies) => [...(proxies?.secrets ?? [])].sort())
      const [ann, bob] = ["http://ann:hunter22@a.test", "http://bob:sesame33@b.test"]
      expect(yield* secretsOf({ HTTPS_PROXY: ann, HTTP_PROXY: bob })).toEqual(
        ["ann:hunter22", "hunter22", "bob:sesame33", "sesame33"].sort(),
      )
      expect(yield* secretsOf({ HTTPS_PROXY: ann })).toEqual(["ann:hunter22", "hunter22"])
      expect(yield* secretsOf({ HTTPS_PROXY: "http://a.test" })).toEqual([])
      expect((yield* fromOption(ann)).secrets).toEqual(["ann:hunter22", "hunter22"])
    }),
  )

  it.effect("hold credentials as they are sent: percent-encoded, of any script, a user alone", () =>
    Effect.gen(function* () {
      const authorization = (url: string) =>
        Effect.map(fromOption(url), ({ proxyOf }) => {
          const [, basic = ""] = proxyOf(new URL("https://api.test"))?.authorization?.split(" ") ?? []
          return Buffer.from(basic, "base64").toString()
        })
      expect(yield* authorization("http://ann:p%40ss%3Aword@a.test")).toBe("ann:p@ss:word")
      expect(yield* authorization("http://ann:%E8%B5%A4@a.test")).toBe("ann:赤")
      expect(yield* authorization("http://token@a.test")).toBe("token:")
      expect(yield* authorization("http://ann:100%@a.test")).toBe("ann:100%")
      expect(yield* authorization("http://:word@a.test")).toBe("")
    }),
  )
})
