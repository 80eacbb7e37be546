/** The example of embeddings runs, against an upstream that embeds words it knows. */
import { expect, it } from "vitest"
import { FaultServer } from "../faults/FaultServer.ts"
import { whole } from "../faults/HttpText.ts"
import { runProgram } from "../guide/ProgramRun.ts"
import { asked } from "../providers/EmbeddingUpstream.ts"

it("the page that is nearest to a question comes first", async () => {
  await using server = await FaultServer.start((request) => {
    const data = asked(request).input.map((text, index) => ({
      index,
      embedding: [/\bpa(y|id)\b/.test(text) ? 1 : 0.1, /office/.test(text) ? 1 : 0.1, /parcel/i.test(text) ? 1 : 0.1],
    }))
    return whole(
      JSON.stringify({ data: data.toReversed(), model: "text-embedding-3-small", usage: { total_tokens: 31 } }),
    )
  })
  const { pathname } = new URL("../../../../examples/recipes/embed.ts", import.meta.url)
  const ended = await runProgram(pathname, {
    environment: {
      OPENAI_API_KEY: "sk-openai",
      OPENAI_API_BASE: `${server.url}/v1`,
      EMBEDDING_MODEL: "text-embedding-3-small",
      WISEFLOW_LOG_LEVEL: "ERROR",
    },
  })
  expect([ended.code, ended.stderr]).toEqual([0, ""])
  expect(server.requests).toHaveLength(1)
  expect(ended.stdout.split("\n")[0]).toBe("1.00 Invoices are paid within thirty days.")
  expect(ended.stdout).toContain("31 tokens by text-embedding-3-small")
})
