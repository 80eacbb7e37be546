/** A service that tells a cost which no answer has: it spoils no account, and no budget for good. */
import { afterEach, describe, expect, it } from "vitest"
import { LLMInterface } from "../../../src/index.ts"
import { FaultServer } from "../../faults/FaultServer.ts"
import { whole } from "../../faults/HttpText.ts"
import { chat, fullText } from "../../faults/WireText.ts"

const open: Array<AsyncDisposable> = []
afterEach(async () => {
  for (const resource of open.splice(0)) await resource[Symbol.asyncDispose]()
})

const asking = async (cost: string, where: "header" | "body") => {
  const answer = chat.answer(fullText).replace('"usage":{', `"usage":{"cost":${where === "body" ? cost : 0.5},`)
  const server = await FaultServer.start(() =>
    whole(answer, 200, where === "header" ? { "x-litellm-response-cost": cost } : {}),
  )
  const llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: `${server.url}/v1`,
    model: "gpt-5-mini",
    budget: { usd: 1, unpriced: "allow" },
    logger: false,
  })
  open.push(llm, server)
  return { llm, server }
}

describe.each(["header", "body"] as const)("a cost in the %s", (where) => {
  it.each(["1e308", "1e300", "1e12"])("of %s dollars is not known, and every call after it resolves", async (cost) => {
    const { llm, server } = await asking(cost, where)
    for (let count = 0; count < 3; count++) {
      const response = await llm.generate({ prompt: "Hello." })
      expect(response).toMatchObject({ text: fullText, metadata: { costUsd: where === "header" ? 0.5 : null } })
      if (where === "header") break
    }
    expect(Number.isFinite(llm.usage().total.costUsd)).toBe(true)
    expect(server.requests.length).toBeGreaterThan(0)
  })

  it("that is high but possible uses the budget up, which is told as data", async () => {
    const { llm, server } = await asking("5", where)
    expect(await llm.generate({ prompt: "Hello." })).toMatchObject({ metadata: { costUsd: 5 } })
    expect(await llm.generate({ prompt: "Hello." })).toMatchObject({ errorType: "BudgetExceededError" })
    expect(server.requests).toHaveLength(1)
  })
})
