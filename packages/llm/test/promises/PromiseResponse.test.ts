/** A failure as data tells what is known of the call. */
import { expect, it } from "vitest"
import { LLMInterface } from "../../src/index.ts"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"

it("a failure names what was dropped from its request, as an answer does", async () => {
  await using server = await FaultServer.start(() => whole('{"error":{"message":"no"}}', 401, {}))
  await using llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: `${server.url}/v1`,
    model: "gpt-5-mini",
  })
  const response = await llm.generate({ messages: [{ role: "user", content: "Hello." }], temperature: 0.5 })
  expect(response).toMatchObject({ errorType: "AuthenticationError" })
  expect(response.metadata.warnings.join()).toContain("temperature")
})

it("a base that holds a password is refused, and not shown", async () => {
  await using llm = new LLMInterface({
    provider: "openai",
    apiKey: "sk-test",
    apiBase: "https://user:hunter2@llm.example.com/v1",
    model: "gpt-5-mini",
  })
  const response = await llm.generate({ messages: [{ role: "user", content: "Hello." }] })
  expect(response).toMatchObject({ errorType: "ConfigurationError" })
  expect(JSON.stringify(response)).not.toContain("hunter2")
})
