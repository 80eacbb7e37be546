import { isLlmError, type Llm } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import { expect, it } from "vitest"
import { headline } from "./headline.ts"

it("asks with the article, and trims the answer", async () => {
  const llm = Scripted.llm(["Cat found in tree\n"])

  expect(await headline(llm, "On Monday a cat …")).toBe("Cat found in tree")

  expect(llm.requests).toHaveLength(1)
  expect(llm.requests[0]?.messages.at(-1)).toEqual({ role: "user", content: "On Monday a cat …" })
})

it("throws what went wrong", async () => {
  const llm = Scripted.llm([{ error: "QuotaExceededError" }])

  const error: unknown = await headline(llm, "…").catch((reason: unknown) => reason)

  expect(isLlmError(error) && error.reason._tag).toBe("QuotaExceededError")
})

it("needs no more than an object with the functions that it calls", async () => {
  const llm: Pick<Llm, "generate"> = { generate: () => Promise.resolve(Scripted.response("Dog sleeps")) }

  expect(await headline(llm, "…")).toBe("Dog sleeps")
})
