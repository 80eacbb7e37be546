/** The figures of Responses, its reasons, and bodies that are no answer, with what is said of each. */
import { describe, expect, it } from "vitest"
import { completed, created, decode, message, response, stream } from "./Answers.ts"

describe("the figures of Responses", () => {
  const rows: ReadonlyArray<readonly [string, object, object]> = [
    [
      "all of them",
      { input_tokens: 9, output_tokens: 5, total_tokens: 20 },
      { inputTokens: 9, outputTokens: 5, totalTokens: 20 },
    ],
    ["without a total", { input_tokens: 9, output_tokens: 5 }, { inputTokens: 9, outputTokens: 5, totalTokens: 14 }],
    ["input alone", { input_tokens: 9 }, { inputTokens: 9 }],
    ["output alone", { output_tokens: 5 }, { outputTokens: 5 }],
    [
      "details",
      {
        input_tokens_details: { cached_tokens: 1, cache_write_tokens: 2 },
        output_tokens_details: { reasoning_tokens: 3 },
      },
      { cachedInputTokens: 1, cacheWriteTokens: 2, reasoningTokens: 3 },
    ],
    [
      "details that are none",
      { input_tokens: 9, input_tokens_details: null, output_tokens_details: "x" },
      { inputTokens: 9 },
    ],
    ["none", {}, {}],
  ]

  it.each(rows)("are read the same whole and in a stream: %s", (_, usage, expected) => {
    expect(decode(response([], { usage }))).toHaveProperty("usage", expected)
    expect(stream(created, completed([], { usage })).usage).toStrictEqual(expected)
  })

  it.each([[null], ["x"], [undefined]])("are unknown where they are %j", (usage) => {
    expect(decode(response([], { usage }))).toHaveProperty("usage", {})
    expect(stream(created, completed([], { usage })).usage).toEqual({})
  })

  it("tell how the answer was billed", () => {
    expect(decode(response([], { service_tier: "flex" }))).toMatchObject({ billing: { serviceTier: "flex" } })
  })
})

describe("the reason of an answer of Responses", () => {
  it.each([
    ["completed", {}, "completed"],
    ["completed", { incomplete_details: { reason: "x" } }, "completed"],
    ["incomplete", { incomplete_details: { reason: "x" } }, "incomplete:x"],
    ["incomplete", { incomplete_details: {} }, "incomplete"],
    ["incomplete", { incomplete_details: "x" }, "incomplete"],
  ])("is its status, with what made it no better: %s", (status, more, raw) => {
    expect(decode(response([], { status, ...more }))).toHaveProperty("rawFinishReason", raw)
  })
})

describe("a body of Responses that is no answer", () => {
  it.each([
    ["a text", "Hi", "it is not a JSON object", "$"],
    ["null", null, "it is not a JSON object", "$"],
    ["without output", { status: "completed" }, "it has no output", "output"],
    ["still queued", response([], { status: "queued" }), "the answer is still queued", "status"],
    ["still in progress", response([], { status: "in_progress" }), "the answer is still in_progress", "status"],
    ["without a status", response([], { status: "" }), "the status is missing", "status"],
  ])("says what is wrong and where: %s", (_, body, problem, position) => {
    const { fault } = decode(body)
    expect(fault).toMatchObject({ _tag: "Unreadable", position })
    expect(fault?.message).toContain(problem)
  })

  it("is the failure that it reports", () => {
    const error = { code: "x", message: "No." }
    for (const body of [{ error }, [{ error }], response([message("a")], { error })]) {
      expect(decode(body).fault).toMatchObject({ _tag: "ProviderFailure", message: "No.", code: "x" })
    }
  })

  it("is a failure by its status alone, which says so", () => {
    const fault = { _tag: "ProviderFailure", message: "the response was cancelled", code: "response_cancelled" }
    expect(decode(response([], { status: "cancelled" })).fault).toEqual(fault)
    expect(decode(response([], { status: "failed" })).fault).toEqual({
      _tag: "ProviderFailure",
      message: "the provider failed and did not say why",
      code: "server_error",
    })
  })

  it("is an answer where what runs at the provider has a name, as a call has", () => {
    const item = { type: "mcp_call", id: "m", name: "f", arguments: "{}" }
    const { finishReason, parts } = decode(response([item]))
    expect([finishReason, parts]).toEqual(["stop", [{ type: "other", provider: "responses", value: item }]])
    const { events } = stream(created, { type: "response.output_item.added", output_index: 0, item }, completed([item]))
    expect(events.map(({ type }) => type)).toEqual(["response-start", "part-end"])
  })

  it("is an answer where what stands in its output is no item", () => {
    expect(decode(response([null, "x", 3, message("a")])).parts).toEqual([{ type: "text", text: "a" }])
  })
})

describe("a call of Responses that waits for an answer", () => {
  const ends = (...output: ReadonlyArray<object>) => decode(response(output)).finishReason

  it.each([
    [{}],
    [{ environment: null }],
    [{ environment: {} }],
    [{ environment: { type: null } }],
    [{ environment: { type: "local" } }],
  ])("is a shell's without an environment of its provider: %j", (environment) =>
    expect(ends({ type: "shell_call", call_id: "c", ...environment })).toBe("tool-calls"),
  )

  it.each(["computer_call", "apply_patch_call", "local_shell_call", "function_call", "custom_tool_call"])(
    "is %s, until its output is there",
    (type) => {
      expect(ends({ type, call_id: "c" })).toBe("tool-calls")
      expect(ends({ type, call_id: "c" }, { type: `${type}_output`, call_id: "d" })).toBe("tool-calls")
      expect(ends({ type, call_id: "c" }, { type: `${type}_output`, call_id: "c" })).toBe("stop")
    },
  )

  it("is a search of tools that the client runs, found by its own id where it has no other", () => {
    const search = { type: "tool_search_call", execution: "client", id: "s" }
    expect(ends(search)).toBe("tool-calls")
    expect(ends(search, { type: "tool_search_output", call_id: "s" })).toBe("stop")
  })
})

describe("what an item of Responses has to come back with", () => {
  it("is kept beside a call, and no field that is null", () => {
    const call = { type: "function_call", call_id: "c", name: "f", arguments: "{}" }
    const dataOf = (more: object) => decode(response([{ ...call, ...more }])).parts[0]
    expect(dataOf({ namespace: "n", caller: null })).toHaveProperty("protocolData", { responses: { namespace: "n" } })
    expect(dataOf({ namespace: null, caller: null })).not.toHaveProperty("protocolData")
  })

  it("is what a picture was taken out of", () => {
    const item = { type: "image_generation_call", id: "ig" }
    expect(decode(response([{ ...item, result: "AAAA" }])).parts).toEqual([
      { type: "image", mediaType: "image/png", data: "AAAA" },
      { type: "other", provider: "responses", value: item },
    ])
    expect(decode(response([{ type: "x_call", result: "AAAA" }])).parts).toHaveLength(1)
  })
})
