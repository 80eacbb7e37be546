import assert from "node:assert/strict"
import { test } from "node:test"
import { LlmError } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"
import { headline } from "./headline.ts"

test("asks with the article, and trims the answer", async () => {
  const llm = Scripted.llm(["Cat found in tree\n"])

  assert.equal(await headline(llm, "On Monday a cat …"), "Cat found in tree")

  assert.equal(llm.requests.length, 1)
  assert.deepEqual(llm.requests[0]?.messages.at(-1), { role: "user", content: "On Monday a cat …" })
})

test("throws what went wrong", async () => {
  const llm = Scripted.llm([{ error: "QuotaExceededError" }])

  await assert.rejects(headline(llm, "…"), LlmError)
})
