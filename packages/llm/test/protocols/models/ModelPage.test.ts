/** One page of a list of models: what each service calls its fields, what counts as absent, and what cannot be read. */
import * as Result from "effect/Result"
import { describe, expect, it } from "vitest"
import { decode, maxModels } from "../../../src/protocols/models/ModelPage.ts"

const pageOf = (body: unknown) => Result.getOrThrow(decode(body))
const faultOf = (body: unknown) => Result.getOrThrow(Result.flip(decode(body)))
const model = (entry: object) => pageOf({ data: [{ id: "m", ...entry }] }).models[0]

describe("an entry of a list", () => {
  it("tells what it says and nothing else", () => {
    expect(model({})).toStrictEqual({ id: "m" })
    expect(model({ id: "m", name: "m", top_provider: 7, created: null, owned_by: "" })).toStrictEqual({ id: "m" })
  })

  it.each([
    [{ display_name: "M", name: "N" }, { displayName: "M" }],
    [{ name: "N" }, { displayName: "N" }],
    [{ created: 1_700_000_000 }, { createdAt: "2023-11-14T22:13:20.000Z" }],
    [{ created: "soon", created_at: "2024-01-02T00:00:00Z" }, { createdAt: "2024-01-02T00:00:00.000Z" }],
    [{ retires_at: "2024-01-02" }, { retiresAt: "2024-01-02T00:00:00.000Z" }],
    [{ shutdown_date: "2024-01-02" }, { retiresAt: "2024-01-02T00:00:00.000Z" }],
    [{ max_input_tokens: 1, context_length: 2 }, { contextTokens: 1 }],
    [{ context_length: 2, context_window: 3 }, { contextTokens: 2 }],
    [{ context_window: 3, max_context_length: 4 }, { contextTokens: 3 }],
    [{ max_context_length: 4, max_model_len: 5 }, { contextTokens: 4 }],
    [{ max_model_len: 5.9 }, { contextTokens: 5 }],
    [{ max_completion_tokens: 1, top_provider: { max_completion_tokens: 2 } }, { maxOutputTokens: 1 }],
    [{ top_provider: { max_completion_tokens: 2 }, max_tokens: 3 }, { maxOutputTokens: 2 }],
    [{ max_tokens: 3 }, { maxOutputTokens: 3 }],
    [{ owned_by: "acme" }, { owner: "acme" }],
  ])("by %j says %j", (entry, told) => {
    expect(model(entry)).toStrictEqual({ id: "m", ...told })
  })

  it.each([0, -1, 0.5, "4096", null, Number.NaN])("has no limit where that is %s", (limit) => {
    expect(model({ context_length: limit, max_tokens: limit })).toStrictEqual({ id: "m" })
  })

  it("has the date that its time is, up to the last one that there is", () => {
    const lastSecond = 8_640_000_000_000
    expect(model({ created: lastSecond })).toMatchObject({ createdAt: "+275760-09-13T00:00:00.000Z" })
    for (const created of [lastSecond + 1, 0, -1, "1970-01-01T00:00:00Z", "soon", ["2024-01-02"], true]) {
      expect(model({ created })).toStrictEqual({ id: "m" })
    }
  })
})

describe("a page", () => {
  it("is a list of entries or a bare array, and counts those that name no model", () => {
    const entries = [{ id: "a" }, { id: "" }, { name: "b" }, "c", null, { id: "d" }]
    for (const body of [entries, { data: entries }]) {
      expect(pageOf(body)).toStrictEqual({ models: [{ id: "a" }, { id: "d" }], nameless: 4, next: undefined })
    }
    expect(pageOf({ data: [] })).toStrictEqual({ models: [], nameless: 0, next: undefined })
  })

  it("says where it goes on only where the service says that it does", () => {
    const data = [{ id: "a" }]
    expect(pageOf({ data, has_more: true, last_id: "a" }).next).toBe("a")
    for (const more of [
      { has_more: false, last_id: "a" },
      { last_id: "a" },
      { has_more: true },
      { has_more: "yes", last_id: "a" },
    ]) {
      expect(pageOf({ data, ...more }).next).toBeUndefined()
    }
  })

  it("is no page without a list, with too many models, or with none that has a name, and says where", () => {
    for (const body of [{}, { data: "none" }, "text", null, 7]) {
      expect(faultOf(body)).toMatchObject({ _tag: "Unreadable", position: "data" })
      expect(faultOf(body)).toMatchObject({ message: expect.stringContaining("it has no list of models") })
    }
    const many = Array.from({ length: maxModels }, () => ({ id: "a" }))
    expect(pageOf(many).models).toHaveLength(maxModels)
    expect(faultOf([...many, { id: "a" }])).toMatchObject({
      _tag: "Unreadable",
      message: expect.stringContaining("it lists more than 20000 models"),
      position: "data",
      excerpt: "",
    })
    expect(faultOf({ data: [{ name: "x" }] })).toMatchObject({
      _tag: "Unreadable",
      message: expect.stringContaining("no entry has an id"),
      position: "data[0].id",
      excerpt: '{"name":"x"}',
    })
  })

  it("is the failure that it tells, beside a list too", () => {
    const error = { message: "slow down", code: "rate_limit_exceeded" }
    for (const body of [{ error }, { error, data: [{ id: "a" }] }]) {
      expect(faultOf(body)).toMatchObject({ _tag: "ProviderFailure", message: "slow down" })
    }
    expect(pageOf({ error: null, data: [{ id: "a" }] }).models).toHaveLength(1)
  })
})
