import { streamObject } from "@wiseflow/llm"

// A plain JSON Schema does as well as zod, valibot, arktype or effect/Schema.
const stream = streamObject({
  schema: {
    type: "object",
    properties: { title: { type: "string" }, steps: { type: "array", items: { type: "string" } } },
    required: ["title", "steps"],
    additionalProperties: false,
  } as const,
  messages: [{ role: "user", content: "How do I boil an egg?" }],
})

// Each value is the whole so far, not yet checked; fields that are not certain yet are missing.
for await (const partial of stream) console.log(partial.title ?? "…", partial.steps?.length ?? 0)

const response = await stream.response
console.log("error" in response ? response.error : response.object)
