/** Answers from the field that are easily read wrong. */
import { describe, expect } from "vitest"
import { checkCase } from "./CheckCase.ts"
import { chatAnswer } from "./Samples.ts"

describe("an answer", () => {
  checkCase(
    "of one text",
    { right: "The text.", answers: [chatAnswer({ content: "ok" })] },
    async ({ ask, requests }, call) => {
      const { response } = await ask(call)
      expect(response).toMatchObject({ text: "ok", finishReason: "stop" })
      expect(requests).toHaveLength(1)
    },
  )
})
