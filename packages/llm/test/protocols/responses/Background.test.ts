/** How an answer in the background goes on: where it is asked for again, and from which event a stream is taken up. */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import { background } from "../../../src/protocols/responses/Background.ts"
import * as Responses from "../../../src/protocols/responses/Responses.ts"
import { user } from "./Encode.ts"

const pending = (body: unknown, include?: unknown) => background(include).pending(JSON.stringify(body))

/** Where a stream goes on after these events. */
const resumed = (include: unknown, ...events: ReadonlyArray<unknown>) => {
  const following = background(include)
  for (const event of events) following.note(JSON.stringify(event))
  return following.resume()
}
const event = (sequence_number: unknown, more: object = {}) => ({ type: "response.x", sequence_number, ...more })
const created = event(0, { response: { id: "resp_1" } })

describe("an answer in the background", () => {
  it.each(["queued", "in_progress"])("is asked for again by its id while it is %s", (status) => {
    expect(pending({ id: "resp_1", status })).toStrictEqual({ path: "/resp_1", query: "" })
    expect(pending({ id: "a/b?c", status })).toStrictEqual({ path: "/a%2Fb%3Fc", query: "" })
  })

  it.each([
    [{ id: "resp_1", status: "completed" }],
    [{ id: "resp_1" }],
    [{ id: "", status: "queued" }],
    [{ status: "queued" }],
    ["queued"],
    [null],
  ])("is not asked for again where it is final or has no id: %j", (body) => {
    expect(pending(body)).toBeUndefined()
    expect(background(undefined).pending("{")).toBeUndefined()
  })

  it("is asked for again with what the request wanted included", () => {
    expect(pending({ id: "a", status: "queued" }, ["one", 2, null, "two.x/y"])?.query).toBe(
      "include[]=one&include[]=two.x%2Fy",
    )
    expect(pending({ id: "a", status: "queued" }, "one")?.query).toBe("")
  })
})

describe("a stream in the background", () => {
  it("goes on after its last event", () => {
    expect(resumed(undefined, created)).toStrictEqual({ path: "/resp_1", query: "stream=true&starting_after=0" })
    expect(resumed(undefined, created, event(1), event(2))?.query).toBe("stream=true&starting_after=2")
    expect(resumed(["one"], created, event(3))?.query).toBe("stream=true&starting_after=3&include[]=one")
  })

  it("keeps its first id, and passes over what tells it nothing", () => {
    const odd = [event("9"), event(null, { response: "x" }), null, "x", 3, { type: 3 }]
    expect(resumed(undefined, created, event(1, { response: { id: "resp_2" } }), ...odd)).toStrictEqual({
      path: "/resp_1",
      query: "stream=true&starting_after=1",
    })
  })

  it("does not go on where it has no id, or no event has a number", () => {
    expect(resumed(undefined)).toBeUndefined()
    expect(resumed(undefined, event(1))).toBeUndefined()
    expect(resumed(undefined, { type: "response.created", response: { id: "resp_1" } })).toBeUndefined()
  })

  it.each(["error", "response.completed", "response.incomplete", "response.failed", "response.cancelled"])(
    "does not go on after %s",
    (type) => {
      expect(resumed(undefined, created, event(1, { type }))).toBeUndefined()
      expect(resumed(undefined, created, event(1, { type }), event(2))).toBeUndefined()
      expect(resumed(undefined, created, event(1, { type: `${type}.x` }))).toBeDefined()
      expect(resumed(undefined, created, event(1, { type: `x.${type}` }))).toBeDefined()
    },
  )
})

describe("a request for an answer in the background", () => {
  const encoded = (openai: Record<string, unknown>) => {
    const request = { messages: [user], providerOptions: { openai } }
    const result = Responses.protocol.encode(request, { model: "gpt-5", provider: "openai", stream: false })
    return Result.isSuccess(result) ? result.success : undefined
  }

  it("says how the answer goes on, with what it wants included", () => {
    const following = encoded({ background: true, include: ["x"] })?.background
    expect(following?.pending('{"id":"resp_1","status":"queued"}')).toStrictEqual({
      path: "/resp_1",
      query: "include[]=reasoning.encrypted_content&include[]=x",
    })
  })

  it("is one only where it says so", () => {
    expect(encoded({})).not.toHaveProperty("background")
    expect(encoded({ background: false })).not.toHaveProperty("background")
  })
})
