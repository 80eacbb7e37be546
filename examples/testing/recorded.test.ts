import { Recorded } from "@wiseflow/llm/testing"
import { expect, it } from "vitest"
import { headline } from "./headline.ts"

it("makes a headline of what the model said", async () => {
  const llm = Recorded.llm({
    folder: new URL("./recordings/", import.meta.url),
    interface: { provider: "openai", model: "gpt-5-mini" },
  })

  expect(await headline(llm, "On Monday a cat …")).toBe("Cat Found in Tree on Monday")
})
