/** The tokens of a request as a service counts them: what of a request is sent, and how the answer is read. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { anthropic, countBody, liteLlm, openAi } from "../../../src/protocols/models/TokenCounting.ts"

const forms = { openAi, anthropic, liteLlm }
const field = { openAi: "input_tokens", anthropic: "input_tokens", liteLlm: "total_tokens" } as const
const names = ["openAi", "anthropic", "liteLlm"] as const

describe("the body of a count", () => {
  it.each([
    ["openAi", ["input", "instructions", "model", "reasoning", "text", "tool_choice", "tools"]],
    ["anthropic", ["messages", "model", "output_config", "system", "thinking", "tool_choice", "tools"]],
    ["liteLlm", ["messages", "model", "tools"]],
  ] as const)("has what the service takes of a request and nothing else (%s)", (name, taken) => {
    const body = Object.fromEntries([...taken, "stream", "temperature"].map((key) => [key, `the ${key}`]))
    expect(Object.keys(countBody(forms[name], body)).sort()).toEqual([...taken].sort())
    expect(countBody(forms[name], { model: "m", stream: false })).toEqual({ model: "m" })
  })
})

describe.each(names)("the answer of %s", (name) => {
  const { decode } = forms[name]
  const counted = field[name]

  it("is a whole number of tokens, 0 included", () => {
    for (const tokens of [0, 7]) {
      const read = Result.getOrThrow(decode({ [counted]: tokens, original_response: {} }))
      expect(read).toEqual({ type: "exact", inputTokens: tokens })
    }
  })

  it("is unreadable without one, and says which field", () => {
    for (const tokens of [undefined, 1.5, -1, "7", null]) {
      const fault = Result.getOrThrow(Result.flip(decode({ [counted]: tokens })))
      expect(fault).toMatchObject({
        _tag: "Unreadable",
        message: expect.stringContaining(`it has no ${counted}`),
        position: counted,
      })
    }
    for (const body of [[7], "7", null]) {
      const fault = Result.getOrThrow(Result.flip(decode(body)))
      expect(fault).toMatchObject({ message: expect.stringContaining("it is not a JSON object"), position: "$" })
    }
  })

  it("is the failure that it tells, beside a count too", () => {
    for (const more of [{}, { [counted]: 7 }]) {
      const fault = Result.getOrThrow(Result.flip(decode({ error: { message: "slow down" }, ...more })))
      expect(fault).toMatchObject({ _tag: "ProviderFailure", message: "slow down" })
    }
  })
})

describe("a count of the LiteLLM proxy's own", () => {
  const reasonOf = (more: object) => {
    const count = Result.getOrThrow(liteLlm.decode({ total_tokens: 7, ...more }))
    expect(count.type).toBe("unknown")
    return count.type === "unknown" ? count.reason : ""
  }

  it("is not known, and says with what the proxy counted", () => {
    expect(reasonOf({ tokenizer_type: "huggingface_tokenizer" })).toMatch(
      /counted 7 with huggingface_tokenizer, and did not ask/,
    )
    expect(reasonOf({ original_response: null })).toContain("counted 7 with a tokenizer of its own")
    expect(reasonOf({ original_response: "x", tokenizer_type: 7 })).toContain("counted 7 with a tokenizer of its own")
  })
})
