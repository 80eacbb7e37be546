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
  ])("%j at %s: direct is %s", (entries, origin, expected) => {
    expect(noProxy(entries)(new URL(origin))).toBe(expected)
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
    }),
  )
})
