/** Which texts are secret, and which values a message may quote. */
import { describe, expect, it } from "@effect/vitest"
import { looksLikeKey } from "../../src/model/KeyShape.ts"
import { ofAddress, ofHeaders, quoted } from "../../src/settings/Secrets.ts"

describe("the secrets of headers", () => {
  it("are their values without the scheme", () => {
    expect(
      ofHeaders({
        authorization: "Bearer abc.def",
        "x-api-key": "k1",
        cookie: "session=1; other=2",
        "x-tenant": " t ",
      }),
    ).toEqual(["abc.def", "k1", "session=1; other=2", "t"])
  })

  it("are password and whole of Basic credentials", () => {
    const encoded = Buffer.from("user:pass word").toString("base64")
    expect(ofHeaders({ "proxy-authorization": `Basic ${encoded}` })).toEqual([encoded, "user:pass word", "pass word"])
  })

  it("are not versions and features, which errors quote", () => {
    expect(ofHeaders({ "anthropic-beta": "context-1m", "User-Agent": "mine/1", "x-title": "App" })).toEqual([])
    expect(ofHeaders(undefined)).toEqual([])
  })
})

describe("the secrets of an address", () => {
  it("are what its query holds but for versions", () => {
    expect(ofAddress("https://a.example/v1?api-version=2024-10-21&key=abc%2Fdef&sig=1")).toEqual(["abc/def", "1"])
  })

  it("are its credentials", () => {
    expect(ofAddress("http://me:p%40ss@proxy.example:8080")).toEqual(["me:p@ss", "p@ss"])
    expect(ofAddress("http://token@proxy.example")).toEqual(["token"])
    expect(ofAddress("http://bad:%zz@proxy.example")).toEqual(["bad:%zz", "%zz"])
  })

  it("are none where there is no address", () => {
    expect(ofAddress(undefined)).toEqual([])
    expect(ofAddress("not an address")).toEqual([])
  })
})

describe("what looks like a key", () => {
  it.each([
    "sk-canary-7f3a9c1e5b2d8046",
    "sk-ant-api03-abcdefghijkl",
    "gsk_abcdefghijkl",
    "AIzaSyA1234567890abcdefg",
    "0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0",
    "openai/sk-proj-abcdefghij",
    "Bearer abcdefghijk",
    "QWxhZGRpbjpvcGVuIHNlc2FtZVRoaXNJc0xvbmc",
  ])("%s", (text) => {
    expect(looksLikeKey(text)).toBe(true)
    expect(quoted(text)).not.toContain(text.slice(0, 8))
  })

  it.each([
    "gpt-5-mini",
    "claude-sonnet-5-20260101",
    "accounts/fireworks/models/llama-v3p1-405b-instruct",
    "ft:gpt-4o-mini-2024-07-18:acme::AbCd1234",
    "us.anthropic.claude-opus-4-5-20251101-v1:0",
    "30 seconds",
    "hugging face",
    "skeleton-model-long-name",
  ])("%s does not, and is quoted", (text) => {
    expect(looksLikeKey(text)).toBe(false)
    expect(quoted(text)).toBe(`"${text}"`)
  })

  it("is not decided by more than a beginning of a long text, which is cut", () => {
    expect(quoted("a ".repeat(100_000))).toHaveLength(67)
  })
})
