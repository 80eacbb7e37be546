/** What response headers say of the request and its price, and which of them a caller is shown. */
import { describe, expect, it } from "vitest"
import { requestId, responseCostUsd, shouldRetry, shownHeaders } from "../../src/transport/ResponseHeaders.ts"

describe("what headers say of a request", () => {
  it("is its name, by the header that its service uses", () => {
    const names = ["x-request-id", "request-id", "apim-request-id", "x-ms-request-id", "x-litellm-call-id"]
    for (const [place, name] of names.entries()) {
      // What stands further on in the list counts only where this one is absent.
      const headers = Object.fromEntries(names.slice(place).map((each) => [each, `by ${each}`]))
      expect(requestId(headers)).toBe(`by ${name}`)
    }
    expect(requestId({ "content-type": "application/json" })).toBeUndefined()
  })

  it.each([
    ["true", true],
    ["false", false],
    ["maybe", undefined],
    [undefined, undefined],
  ] as const)("is the service's verdict on trying again: %s", (value, expected) => {
    expect(shouldRetry({ "x-should-retry": value })).toBe(expected)
  })

  it.each([
    ["0.0042", 0.0042],
    ["0", 0],
    ["-1", undefined],
    ["", undefined],
    ["  ", undefined],
    ["None", undefined],
    ["1e999", undefined],
    [undefined, undefined],
  ] as const)("is what LiteLLM says that it cost: %j", (value, expected) => {
    expect(responseCostUsd({ "x-litellm-response-cost": value })).toBe(expected)
  })
})

describe("the headers that a caller is shown", () => {
  const plain = (text: string) => text

  it("are all but cookies and challenges, without the secrets in them", () => {
    const headers = {
      "content-type": "application/json",
      "x-echo": "Bearer sk-secret",
      "set-cookie": "a=1",
      "set-cookie2": "a=2",
      "proxy-authenticate": "Basic",
      "www-authenticate": "Basic",
    }
    expect(shownHeaders(headers, (text) => text.replace("sk-secret", "***"))).toEqual({
      "content-type": "application/json",
      "x-echo": "Bearer ***",
    })
    expect(Object.keys(shownHeaders({ "x-absent": undefined }, plain))).toEqual([])
  })

  it("are the first hundred, each with its first 2,000 characters", () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`x-${index}`, "v"]))
    expect(Object.keys(shownHeaders(many, plain))).toEqual(Object.keys(many).slice(0, 100))
    expect(shownHeaders({ fits: "a".repeat(2000), cut: "b".repeat(2001) }, plain)).toEqual({
      fits: "a".repeat(2000),
      cut: "b".repeat(2000),
    })
  })
})
