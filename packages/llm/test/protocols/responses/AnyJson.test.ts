/** Whatever JSON a service sends is an answer or a fault, never a defect. */
import { Result } from "effect"
import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { background } from "../../../src/protocols/responses/Background.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { replay } from "../Replay.ts"

describe("any JSON", () => {
  const types = [
    "response.created",
    "response.completed",
    "response.incomplete",
    "response.failed",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "response.function_call_arguments.delta",
    "response.reasoning_summary_text.delta",
    "response.reasoning_text.delta",
    "response.refusal.delta",
    "response.output_text.annotation.added",
    "error",
  ]
  const itemTypes = ["message", "reasoning", "function_call", "custom_tool_call", "shell_call", "x"]
  const item = fc.record(
    {
      type: fc.constantFrom(...itemTypes),
      content: fc.oneof(
        fc.jsonValue(),
        fc.array(fc.record({ type: fc.string(), text: fc.jsonValue(), annotations: fc.jsonValue() })),
      ),
      summary: fc.jsonValue(),
      arguments: fc.jsonValue(),
      call_id: fc.jsonValue(),
      name: fc.jsonValue(),
      environment: fc.jsonValue(),
      encrypted_content: fc.jsonValue(),
    },
    { requiredKeys: ["type"] },
  )
  const value = fc.oneof(fc.jsonValue(), fc.string(), fc.nat(3), item)
  const output = fc.oneof(fc.jsonValue(), fc.array(fc.oneof(item, fc.jsonValue()), { maxLength: 4 }))
  const body = fc.record(
    {
      status: fc.oneof(fc.constantFrom("completed", "failed", "incomplete", "queued"), fc.jsonValue()),
      output,
      error: fc.jsonValue(),
      incomplete_details: fc.jsonValue(),
      usage: fc.jsonValue(),
      model: fc.jsonValue(),
    },
    { requiredKeys: [] },
  )

  it("as a body is an answer or a fault, never a defect", () => {
    fc.assert(
      fc.property(fc.oneof(body, fc.jsonValue()), (odd) => {
        expect(Result.isResult(Responses.protocol.decode(odd))).toBe(true)
        expect(Responses.protocol.decodeFailure(odd, 500)._tag).toBe("ProviderFailure")
      }),
      { numRuns: 500 },
    )
  })

  it("as events is an answer or a fault, never a defect", () => {
    const event = fc.record(
      {
        type: fc.constantFrom(...types),
        output_index: fc.oneof(fc.nat(2), fc.jsonValue()),
        content_index: value,
        item: value,
        item_id: value,
        delta: value,
        text: value,
        annotation: value,
        response: fc.oneof(body, fc.jsonValue()),
        error: fc.oneof(fc.constant(undefined), fc.jsonValue()),
      },
      { requiredKeys: ["type"] },
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(event, fc.jsonValue()), { maxLength: 12 }), (events) => {
        const frames = events.map((one) => ({ name: undefined, data: JSON.stringify(one) ?? "null" }))
        const { ending, fault } = replay(Responses.protocol, frames)
        expect(ending === undefined || fault === undefined).toBe(true)
        const following = background(undefined)
        for (const { data } of frames) {
          following.note(data)
          following.pending(data)
        }
        following.resume()
      }),
      { numRuns: 500 },
    )
  })
})
