/** History that moves between providers, as cases from the field have it (law 20). */
import { expect } from "vitest"
import type { Message } from "../../src/index.ts"
import { checkSharedCase } from "./CheckCase.ts"

checkSharedCase("openai-id-too-long", async ({ ask, requests }, call) => {
  const { response } = await ask(call)
  expect(response.text).toBe("ok")
  const [, assistant, tool] = requests[0].messages
  const { id } = assistant.tool_calls[0]
  expect(id.length).toBeLessThanOrEqual(64)
  expect(tool.tool_call_id).toBe(id)
  await ask(call)
  expect(requests[1].messages).toEqual(requests[0].messages)
})

checkSharedCase("lone-surrogate", async ({ ask, requests }, call) => {
  const { response } = await ask(call)
  expect(requests[0].messages).toEqual([{ role: "user", content: "cut emoji \uFFFD end" }])
  expect(response.metadata.warnings.join()).toContain("Unicode")
})

checkSharedCase("reasoning-content-turn-2", async ({ ask, requests }, call) => {
  const { response } = await ask(call)
  const messages: ReadonlyArray<Message> = [
    { role: "user", content: "Say hello." },
    { role: "assistant", content: "error" in response ? [] : response.parts },
    { role: "tool", content: [{ type: "tool-result", toolCallId: "c1", content: "42" }] },
  ]
  await ask(call, { messages })
  expect(requests[1].messages[1]).toMatchObject({ reasoning_content: "I need f.", tool_calls: [{ id: "c1" }] })
})
