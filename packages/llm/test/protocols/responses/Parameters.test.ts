/** The parameters of a request of Responses, none that nobody set, and what users show. */
import { describe, expect, it } from "vitest"
import type { LlmRequest } from "../../../src/model/LlmRequest.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { firstPart, responses, showing } from "../encoding/Encoded.ts"
import { encodeWith, plain, user } from "./Encode.ts"

const parameters = { type: "object", properties: {} }
const tools = [{ name: "f", parameters }]
const bare = { model: "gpt-4o", input: [user], store: false }
const o3 = encodeWith(Responses.protocol, "o3")

describe("a Responses request", () => {
  it("has no field that nobody set", () => {
    expect(plain().body).toStrictEqual(bare)
    expect(plain({ tools: [] }).body).toStrictEqual(bare)
    expect(plain({ tools }).body).toStrictEqual({
      ...bare,
      tools: [{ type: "function", name: "f", parameters, strict: false }],
    })
  })

  it("has each parameter under its name", () => {
    expect(plain({ topP: 0.5, temperature: 0.4, user: "u" }, { stream: true }).body).toStrictEqual({
      ...bare,
      top_p: 0.5,
      temperature: 0.4,
      user: "u",
      stream: true,
    })
  })

  it("asks for text by nothing, and for a schema strictly where it can be enforced", () => {
    const schema = { type: "object", properties: { n: { type: "string", format: "uri" } } }
    const asked = { type: "json-schema", schema } as const
    const formatOf = (responseFormat: LlmRequest["responseFormat"]) => plain({ responseFormat }).body["text"]?.format
    expect(plain({ responseFormat: { type: "text" } }).body).toStrictEqual(bare)
    expect(formatOf(asked)).toMatchObject({
      type: "json_schema",
      name: "answer",
      strict: true,
      schema: { required: ["n"], additionalProperties: false },
    })
    expect(formatOf({ ...asked, strict: false, name: "n" })).toStrictEqual({
      type: "json_schema",
      name: "n",
      strict: false,
      schema,
    })
    const open = { type: "object", additionalProperties: { type: "string" } }
    const hinted = plain({ responseFormat: { ...asked, schema: open } })
    expect(hinted.body["text"].format).toMatchObject({ type: "json_schema", strict: false, schema: open })
    expect(hinted.warnings.join()).toContain("sent as a hint")
  })

  it("says where a model takes no choice about parallel calls", () => {
    const { body, warnings } = o3({ tools, parallelToolCalls: false })
    expect(body).not.toHaveProperty("parallel_tool_calls")
    expect(warnings).toEqual(["parallelToolCalls was dropped: o3 does not accept it"])
    expect(o3({ tools }).warnings).toEqual([])
  })

  it.each([
    [15, 16, ["maxTokens was raised from 15 to 16, the least that is accepted"]],
    [16, 16, []],
    [17, 17, []],
  ])("has a limit of 16 tokens at least: %i", (maxTokens, expected, told) => {
    const { body, warnings } = plain({ maxTokens })
    expect([body["max_output_tokens"], warnings]).toEqual([expected, told])
  })

  it("asks for an effort and a summary, says that it has no budget, and asks for nothing else", () => {
    const asked = (request: Partial<LlmRequest>) => {
      const { body, warnings } = o3(request)
      return [body["reasoning"], warnings]
    }
    expect(asked({ reasoningEffort: "low" })).toStrictEqual([{ effort: "low" }, []])
    expect(asked({ reasoning: { summary: "auto" } })).toStrictEqual([{ summary: "auto" }, []])
    expect(asked({ reasoning: { effort: "low", summary: "auto" } })).toStrictEqual([
      { effort: "low", summary: "auto" },
      [],
    ])
    expect(asked({ reasoning: { effort: "low", summary: "none" } })).toStrictEqual([{ effort: "low" }, []])
    expect(asked({ reasoning: { budgetTokens: 9 } })).toStrictEqual([
      undefined,
      ["reasoning.budgetTokens was dropped: o3 does not accept it"],
    ])
    for (const request of [{}, { reasoning: { summary: "none" } }, { reasoning: {} }] as const) {
      expect(o3(request).body).not.toHaveProperty("reasoning")
    }
  })
})

describe("the caller's own fields of a Responses request", () => {
  const own = (openai: Record<string, unknown>, request: Partial<LlmRequest> = {}) =>
    o3({ ...request, providerOptions: { openai } }).body

  it("stand as they are where they are of another kind than what is there", () => {
    const request = { reasoningEffort: "low", tools } as const
    expect(own({ reasoning: "x", text: { verbosity: "low" }, include: "y", tools: "z" }, request)).toMatchObject({
      reasoning: "x",
      text: { verbosity: "low" },
      include: "y",
      tools: "z",
    })
  })

  it("are hosted tools alone where there are no functions", () => {
    const hosted = { type: "web_search" }
    expect(own({ tools: [hosted] })["tools"]).toStrictEqual([hosted])
    expect(own({ tools: [] })["tools"]).toStrictEqual([])
  })

  it("win over the request, field by field", () => {
    const request = { reasoning: { effort: "low", summary: "auto" } } as const
    expect(own({ reasoning: { effort: "high" } }, request)["reasoning"]).toStrictEqual({
      effort: "high",
      summary: "auto",
    })
    expect(own({ include: ["a", "a", "reasoning.encrypted_content"] })["include"]).toStrictEqual([
      "reasoning.encrypted_content",
      "a",
    ])
  })
})

describe("what a user shows in Responses", () => {
  const png = "iVBORw0KGgo="
  const refusalOf = (part: object, capabilities: object = {}) => responses(showing(part), "gpt-5", capabilities).refused

  it("is a picture in the detail that it asks for, or in whatever fits", () => {
    const id = { type: "image", fileId: "file-1" }
    expect(firstPart(responses(showing(id)))).toStrictEqual({ type: "input_image", file_id: "file-1", detail: "auto" })
    expect(firstPart(responses(showing({ ...id, detail: "low" }))).detail).toBe("low")
    const file = { type: "file", mediaType: "image/png", data: png, detail: "low" }
    expect(firstPart(responses(showing(file)))).toStrictEqual({
      type: "input_image",
      image_url: `data:image/png;base64,${png}`,
      detail: "auto",
    })
    expect(firstPart(responses(showing({ type: "file", mediaType: "image/png", fileId: "file-1" })))).toStrictEqual({
      type: "input_image",
      file_id: "file-1",
    })
  })

  it("is a document whose name, where it has none, tells its type", () => {
    const nameOf = (mediaType: string) =>
      firstPart(responses(showing({ type: "file", data: "AAAA", mediaType }))).filename
    expect(nameOf("application/pdf")).toBe("file.pdf")
    expect(nameOf("odd")).toBe("file.bin")
  })

  it("is refused by what it is where the service takes it otherwise", () => {
    const image = refusalOf({ type: "image", url: "https://example.com/a.png" }, { images: ["data"] })
    expect(image?.["message"]).toContain("Responses takes pictures as bytes in data here")
    const file = refusalOf({ type: "file", url: "https://example.com/a.pdf" }, { files: ["data"] })
    expect(file?.["message"]).toContain("Responses takes documents as bytes in data here")
  })

  it.each([
    ["audio", "audio/wav"],
    ["video", "video/mp4"],
  ])("is refused with what to do where it is %s", (kind, mediaType) => {
    const refused = refusalOf({ type: "file", mediaType, data: "AAAA" })
    expect(refused).toMatchObject({ parameter: "messages[0].content[0].mediaType", otherTargetMayTake: true })
    expect(refused?.["message"]).toContain(`Responses takes pictures and documents, no ${kind}: leave the part out`)
  })
})
