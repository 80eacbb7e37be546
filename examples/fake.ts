import assert from "node:assert/strict"
import { type Llm, unwrap } from "@wiseflow/llm"
import { Scripted } from "@wiseflow/llm/testing"

// What is to be tested takes what it needs of the library.
const headline = async (llm: Pick<Llm, "generate">, article: string) => {
  const response = await llm.generate({ messages: [{ role: "user", content: `A headline for: ${article}` }] })
  return unwrap(response).text.trim()
}

const llm = Scripted.llm(["Cat found in tree\n", { error: "QuotaExceededError" }])

assert.equal(await headline(llm, "…"), "Cat found in tree")
await assert.rejects(headline(llm, "…"))
assert.equal(llm.requests.length, 2)
