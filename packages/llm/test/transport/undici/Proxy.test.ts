/**
 * Requests through a real proxy on the loopback interface, with TLS in the tunnel and to the proxy: what it is asked, what
 * a failure of its says, that an abort reaches it, and that its credentials go nowhere else.
 */
import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import { goodAnswer, partial } from "../../faults/FaultScenario.ts"
import { end, type Script, stall } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"
import { chat, fullText } from "../../faults/WireText.ts"
import { ask, calls, provider, serve } from "../Sending.ts"
import { tlsFront, trusted } from "../tls/TlsFront.ts"
import { loopbackProxy, type ProxyManners } from "./LoopbackProxy.ts"

/** A server behind TLS, which this process trusts, and a proxy to it. */
const world = Effect.fnUntraced(function* (script: Script, manners?: ProxyManners) {
  yield* trusted
  const server = yield* serve(script)
  const secure = yield* tlsFront(server.url)
  return { server, secure, proxy: yield* loopbackProxy(manners) }
})

const authority = (url: string) => new URL(url).host
/** A connection is free again a turn of the event loop after its answer. */
const pause = Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))

const ways = calls.flatMap((call) =>
  [false, true].map((tls) => ({ call, tls, to: tls ? "a proxy with TLS" : "a proxy" })),
)

describe("through a proxy", () => {
  it.live.each(ways)("an https address is reached by a tunnel ($call, $to)", ({ call, tls }) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, call), { tls })
      expect(yield* Effect.provide(ask(call), provider(secure, { proxy: proxy.url }))).toBe(fullText)
      expect(proxy.asked).toMatchObject([{ method: "CONNECT", target: authority(secure) }])
      expect(server.requests).toHaveLength(1)
    }).pipe(Effect.scoped),
  )

  it.live.each(ways)("an http address is asked by its whole URL ($call, $to)", ({ call, tls }) =>
    Effect.gen(function* () {
      const { proxy, server } = yield* world(() => goodAnswer(chat, call), { tls })
      expect(yield* Effect.provide(ask(call), provider(server.url, { proxy: proxy.url }))).toBe(fullText)
      expect(proxy.asked).toMatchObject([{ method: "POST", target: `${server.url}/v1/chat/completions` }])
      expect(server.requests[0]?.headers).toMatchObject({
        host: authority(server.url),
        authorization: "Bearer sk-test",
      })
    }).pipe(Effect.scoped),
  )

  it.live.each([true, false])("calls one after the other share one connection (https: %s)", (isSecure) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, "generate"))
      yield* Effect.gen(function* () {
        for (let index = 0; index < 4; index++) {
          expect(yield* ask("generate")).toBe(fullText)
          yield* pause
        }
      }).pipe(Effect.provide(provider(isSecure ? secure : server.url, { proxy: proxy.url })))
      expect(proxy.connections).toHaveLength(1)
      expect(server.requests).toHaveLength(4)
    }).pipe(Effect.scoped),
  )

  it.live("the variables lead through it, and NO_PROXY and `proxy: false` past it", () =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, "generate"))
      const under = (settings: Record<string, string>, options?: object) =>
        Effect.provide(ask("generate"), provider(secure, options)).pipe(
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnvRecord(settings)),
        )
      yield* under({ HTTPS_PROXY: proxy.url, NO_PROXY: "localhost" })
      yield* under({ https_proxy: proxy.url }, { proxy: false })
      expect(proxy.asked).toHaveLength(0)
      yield* under({ HTTPS_PROXY: proxy.url, NO_PROXY: "example.com" })
      yield* under({ HTTPS_PROXY: "http://127.0.0.1:9" }, { proxy: proxy.url })
      expect(proxy.asked).toHaveLength(2)
      expect(server.requests).toHaveLength(4)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("credentials reach the proxy alone (%s)", (call) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, call), { credentials: "ann:hunter22" })
      const options = { proxy: Redacted.make(proxy.url.replace("//", "//ann:hunter22@")) }
      expect(yield* Effect.provide(ask(call), provider(secure, options))).toBe(fullText)
      expect(yield* Effect.provide(ask(call), provider(server.url, options))).toBe(fullText)
      const basic = `Basic ${Buffer.from("ann:hunter22").toString("base64")}`
      expect(proxy.asked.map(({ headers }) => headers["proxy-authorization"])).toEqual([basic, basic])
      expect(proxy.asked[0]?.headers.authorization).toBeUndefined()
      for (const { headers } of server.requests) expect(headers["proxy-authorization"]).toBeUndefined()
    }).pipe(Effect.scoped),
  )
})

const cells = calls.flatMap((call) => [true, false].map((isSecure) => ({ call, isSecure })))

describe("a proxy that does not carry the request", () => {
  const refusals: ReadonlyArray<readonly [string, ProxyManners, RegExp]> = [
    ["wants credentials", { credentials: "ann:hunter22" }, /refused the connection with 407: it wants credentials/],
    ["dies", { dies: true }, /the proxy http:\/\/127\.0\.0\.1:\d+/],
  ]
  it.live.each(
    refusals.flatMap(([what, manners, message]) => cells.map((cell) => ({ ...cell, what, manners, message }))),
  )("$what: the error says that the proxy did ($call, https: $isSecure)", ({ call, isSecure, manners, message }) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, call), manners)
      const url = proxy.url.replace("//", "//bob:opensesame@")
      const error = yield* Effect.flip(
        Effect.provide(ask(call), provider(isSecure ? secure : server.url, { proxy: url })),
      )
      expect(error.reason._tag).toBe("ConnectionError")
      expect(error.message).toMatch(message)
      const shown = [error.message, JSON.stringify(error), inspect(error, { depth: 10, showHidden: true })].join()
      expect(shown).not.toMatch(/opensesame|Ym9iOm9wZW5zZXNhbWU|hunter22/)
      expect(server.requests).toHaveLength(0)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("is not there: the error says so, with the system's code (%s)", (call) =>
    Effect.gen(function* () {
      const { secure } = yield* world(() => [stall])
      const { message, reason } = yield* Effect.flip(
        Effect.provide(ask(call), provider(secure, { proxy: "http://127.0.0.1:9" })),
      )
      expect(reason).toMatchObject({ _tag: "ConnectionError", code: "ECONNREFUSED" })
      expect(message).toContain("the proxy http://127.0.0.1:9 cannot be reached: ECONNREFUSED")
    }).pipe(Effect.scoped),
  )

  it.live.each([
    ["HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", "refused the connection with 403"],
    ["HTTP/1.0 502 Bad Gateway\r\n\r\nno route", "refused the connection with 502"],
    ["SSH-2.0-OpenSSH_9.6\r\n\r\n", "did not answer in HTTP"],
    ["x".repeat(20_000), "did not answer in HTTP"],
    ["HTTP/1.1 200 Conn", "closed the connection"],
  ] as const)("answers a tunnel with %j", ([says, message]) =>
    Effect.gen(function* () {
      const { proxy, secure } = yield* world(() => [stall], { says })
      const error = yield* Effect.flip(Effect.provide(ask("generate"), provider(secure, { proxy: proxy.url })))
      expect(error.reason._tag).toBe("ConnectionError")
      expect(error.message).toContain(message)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("leads to a server without a valid certificate: the request is not sent (%s)", (call) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(() => goodAnswer(chat, call))
      const elsewhere = secure.replace("localhost", "other.test")
      const { message, reason } = yield* Effect.flip(
        Effect.provide(ask(call), provider(elsewhere, { proxy: proxy.url })),
      )
      expect(reason).toMatchObject({ _tag: "ConnectionError", code: "ERR_TLS_CERT_ALTNAME_INVALID" })
      expect(message).toContain(`(through the proxy ${proxy.url})`)
      expect(server.requests).toHaveLength(0)
    }).pipe(Effect.scoped),
  )

  it.live.each(calls)("is not the one that refuses where the service itself says 407 behind a tunnel (%s)", (call) =>
    Effect.gen(function* () {
      const { proxy, secure } = yield* world(() => whole(`{"error":{"message":"not here"}}`, 407))
      const { message, reason } = yield* Effect.flip(Effect.provide(ask(call), provider(secure, { proxy: proxy.url })))
      expect(reason).toMatchObject({ status: 407 })
      expect(message).toContain("not here")
    }).pipe(Effect.scoped),
  )

  it.live("echoes credentials in its page: they are not shown", () =>
    Effect.gen(function* () {
      const basic = Buffer.from("ann:hunter22").toString("base64")
      const page = `<h1>Bad gateway</h1> sent: Basic ${basic}, password hunter22`
      const { proxy, server } = yield* world(() => whole(page, 502, { "content-type": "text/html" }))
      const url = proxy.url.replace("//", "//ann:hunter22@")
      const error = yield* Effect.flip(Effect.provide(ask("generate"), provider(server.url, { proxy: url })))
      expect(error.reason._tag).toBe("ServerError")
      expect(JSON.stringify(error)).not.toMatch(/hunter22|YW5uOmh1bnRlcjIy/)
    }).pipe(Effect.scoped),
  )

  it.live("is no address: the option is named, and nothing that it holds", () =>
    Effect.gen(function* () {
      for (const proxy of ["socks5://ann:hunter22@127.0.0.1:1080", "http://", 42 as unknown as string]) {
        const error = yield* Effect.flip(Effect.provide(ask("generate"), provider("http://127.0.0.1:9", { proxy })))
        expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "proxy" })
        expect(error.message).not.toContain("hunter22")
      }
    }),
  )
})

describe("an interruption behind a proxy", () => {
  const stages: ReadonlyArray<readonly [string, Script, ProxyManners]> = [
    ["while the tunnel opens", () => [stall], { says: "" }],
    ["before the head", () => [stall], {}],
    ["inside the body", () => [...partial(chat), stall], {}],
  ]
  it.live.each(
    stages.flatMap(([stage, script, manners]) => cells.map((cell) => ({ ...cell, stage, script, manners }))),
  )("closes the connection to the proxy: $stage ($call, https: $isSecure)", ({ call, isSecure, manners, script }) =>
    Effect.gen(function* () {
      const { proxy, secure, server } = yield* world(script, manners)
      const url = isSecure || manners.says !== undefined ? secure : server.url
      const asking = yield* Effect.forkChild(Effect.provide(ask(call), provider(url, { proxy: proxy.url })))
      yield* Effect.promise(() => proxy.first)
      if (manners.says === undefined) yield* Effect.promise(() => server.request(0))
      yield* Fiber.interrupt(asking)
      yield* Effect.promise(() => proxy.connections[0]?.closed ?? Promise.reject(new Error("no connection")))
    }).pipe(Effect.scoped),
  )

  it.live("while TLS begins inside the tunnel closes it too", () =>
    Effect.gen(function* () {
      yield* trusted
      const silent = yield* serve(() => [end])
      const proxy = yield* loopbackProxy({ says: "HTTP/1.1 200 OK\r\n\r\n" })
      const error = yield* Effect.flip(
        Effect.provide(ask("generate"), provider(silent.url.replace("http:", "https:"), { proxy: proxy.url })),
      )
      expect(error.reason._tag).toBe("ConnectionError")
      yield* Effect.promise(() => proxy.connections[0]?.closed ?? Promise.reject(new Error("no connection")))
    }).pipe(Effect.scoped),
  )
})
