/* oxlint-disable vitest/expect-expect -- what is expected here is that it compiles, or that it does not */
/** What does and does not compile, for schemas of every kind. `tsc` is the test; the assertions here only hold the types. */
import { type } from "arktype"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import * as v from "valibot"
import { describe, expectTypeOf, it } from "vitest"
import * as z from "zod"
import {
  generateObject,
  type LlmError,
  type LlmProvider,
  runTools,
  streamObject,
  StructuredOutput,
  Tool,
  tool,
  ToolLoop,
  unwrap,
} from "../../src/index.ts"

const messages = [{ role: "user", content: "Hi." }] as const

const kinds = {
  effect: Schema.Struct({ city: Schema.String, days: Schema.optionalKey(Schema.Int) }),
  zod: z.object({ city: z.string(), days: z.int().optional() }),
  valibot: v.object({ city: v.string(), days: v.optional(v.number()) }),
  arktype: type({ city: "string", "days?": "number" }),
  json: {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city"],
  },
} as const

// Never called: only compiled.
const asks = {
  effect: () => generateObject({ messages, schema: kinds.effect }),
  zod: () => generateObject({ messages, schema: kinds.zod }),
  valibot: () => generateObject({ messages, schema: kinds.valibot }),
  arktype: () => generateObject({ messages, schema: kinds.arktype }),
  json: () => generateObject({ messages, schema: kinds.json }),
}

type Value<Ask extends () => Promise<unknown>> = Extract<
  Awaited<ReturnType<Ask>>,
  { readonly object: unknown }
>["object"]

describe("a value", () => {
  it("has its schema's type, for every kind of schema", () => {
    expectTypeOf<Value<typeof asks.effect>["city"]>().toEqualTypeOf<string>()
    expectTypeOf<Value<typeof asks.zod>["city"]>().toEqualTypeOf<string>()
    expectTypeOf<Value<typeof asks.valibot>["city"]>().toEqualTypeOf<string>()
    expectTypeOf<Value<typeof asks.arktype>["city"]>().toEqualTypeOf<string>()
    expectTypeOf<Value<typeof asks.json>["city"]>().toEqualTypeOf<string>()
    expectTypeOf<Value<typeof asks.effect>["days"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Value<typeof asks.zod>["days"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Value<typeof asks.valibot>["days"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Value<typeof asks.arktype>["days"]>().toEqualTypeOf<number | undefined>()
    expectTypeOf<Value<typeof asks.json>["days"]>().toEqualTypeOf<number | undefined>()
  })

  it("has the type after the schema's transformations, and partial values that before them", () => {
    const schema = z.object({ size: z.string().transform((text) => text.length) })
    const ask = () => generateObject({ messages, schema })
    expectTypeOf<Value<typeof ask>>().toEqualTypeOf<{ size: number }>()
    const read = async () => {
      for await (const partial of streamObject({ messages, schema })) return partial.size
      return undefined
    }
    expectTypeOf(read).returns.resolves.toEqualTypeOf<string | undefined>()
  })

  it("may be missing as long as nobody has looked", () => {
    const read = async () => {
      const response = await asks.zod()
      // @ts-expect-error a failure has no object
      void response.object
      return "error" in response ? response.errorType : response.object.city
    }
    expectTypeOf(read).returns.resolves.toEqualTypeOf<string>()
    const thrown = async () => unwrap(await asks.json()).object.city
    expectTypeOf(thrown).returns.resolves.toEqualTypeOf<string>()
  })

  it("of a list, a choice or a union in JSON Schema has that type", () => {
    const list = () => generateObject({ messages, schema: { type: "array", items: { enum: ["a", "b"] } } })
    expectTypeOf<Value<typeof list>>().toEqualTypeOf<ReadonlyArray<"a" | "b">>()
    const union = () => generateObject({ messages, schema: { anyOf: [{ type: "string" }, { const: 1 }] } })
    expectTypeOf<Value<typeof union>>().toEqualTypeOf<string | 1>()
    const schema: { readonly [key: string]: unknown } = {}
    const unknown = () => generateObject({ messages, schema })
    expectTypeOf<Value<typeof unknown>>().toEqualTypeOf<unknown>()
  })

  it("is an Effect that asks for LlmProvider alone", () => {
    const program = StructuredOutput.generate({ messages, schema: kinds.effect })
    expectTypeOf<Effect.Error<typeof program>>().toEqualTypeOf<LlmError>()
    expectTypeOf<Effect.Services<typeof program>>().toEqualTypeOf<LlmProvider>()
  })

  it("needs a schema", () => {
    // @ts-expect-error a text is not a schema
    void (() => generateObject({ messages, schema: "Person" }))
    // @ts-expect-error the response format is the schema's
    void (() => generateObject({ messages, schema: kinds.zod, responseFormat: { type: "json" } }))
    const needing = Schema.String.pipe(Schema.decodeTo(Schema.String))
    void (() => generateObject({ messages, schema: needing }))
  })
})

describe("a tool's arguments", () => {
  it("have their schema's type, for every kind of schema", () => {
    tool({ name: "a", parameters: kinds.effect, execute: ({ city, days }) => city.repeat(days ?? 1) })
    tool({ name: "b", parameters: kinds.zod, execute: ({ city, days }) => city.repeat(days ?? 1) })
    tool({ name: "c", parameters: kinds.valibot, execute: ({ city, days }) => city.repeat(days ?? 1) })
    tool({ name: "d", parameters: kinds.arktype, execute: ({ city, days }) => city.repeat(days ?? 1) })
    tool({ name: "e", parameters: kinds.json, execute: ({ city, days }) => city.repeat(days ?? 1) })
  })

  it("do not compile where they are others, for every kind of schema", () => {
    // @ts-expect-error there is no country
    tool({ name: "a", parameters: kinds.effect, execute: ({ country }) => String(country) })
    // @ts-expect-error there is no country
    tool({ name: "b", parameters: kinds.zod, execute: ({ country }) => String(country) })
    // @ts-expect-error there is no country
    tool({ name: "c", parameters: kinds.valibot, execute: ({ country }) => String(country) })
    // @ts-expect-error there is no country
    tool({ name: "d", parameters: kinds.arktype, execute: ({ country }) => String(country) })
    // @ts-expect-error there is no country
    tool({ name: "e", parameters: kinds.json, execute: ({ country }) => String(country) })
    // @ts-expect-error days may be missing
    tool({ name: "f", parameters: kinds.json, execute: ({ days }) => days + 1 })
    // @ts-expect-error the city is a text
    Tool.make("g", { parameters: kinds.zod, execute: ({ city }) => Effect.succeed((city + 1) satisfies number) })
  })
})

describe("a tool's result", () => {
  it("may be JSON, a text, nothing, or parts", () => {
    interface Report {
      readonly city: string
      readonly days?: number
    }
    const report: Report = { city: "Bonn" }
    const { effect: parameters } = kinds
    tool({ name: "a", parameters, execute: () => report })
    tool({ name: "b", parameters, execute: async () => [1, "two", null, { at: new Date(0) }] })
    tool({ name: "c", parameters, execute: async () => {} })
    tool({ name: "d", parameters, execute: () => Tool.content([{ type: "text", text: "look" }]) })
    const unknown: unknown = 1
    tool({ name: "e", parameters, execute: () => unknown })
  })

  it("does not compile where it is no JSON", () => {
    const { effect: parameters } = kinds
    // @ts-expect-error a function is no result
    tool({ name: "a", parameters, execute: () => ({ later: () => 1 }) })
    // @ts-expect-error a bigint is no JSON
    tool({ name: "b", parameters, execute: async () => 10n })
    // @ts-expect-error a symbol is no JSON
    Tool.make("c", { parameters, execute: () => Effect.succeed({ key: Symbol("key") }) })
  })
})

class Weather extends Context.Service<Weather, { readonly of: (city: string) => string }>()("test/Weather") {}
class Clocks extends Context.Service<Clocks, { readonly now: string }>()("test/Clocks") {}

describe("a run", () => {
  const weather = Tool.make("weather", {
    parameters: kinds.effect,
    execute: ({ city }) => Effect.map(Weather, (service) => service.of(city)),
  })
  const time = Tool.make("time", { parameters: Schema.Struct({}), execute: () => Effect.map(Clocks, ({ now }) => now) })

  it("needs what its tools and its hooks need", () => {
    const program = ToolLoop.run({ messages, tools: [weather, time] })
    expectTypeOf<Effect.Services<typeof program>>().toEqualTypeOf<LlmProvider | Weather | Clocks>()
    const hooked = ToolLoop.run({ messages, tools: [weather], onStep: () => Effect.asVoid(Clocks) })
    expectTypeOf<Effect.Services<typeof hooked>>().toEqualTypeOf<LlmProvider | Weather | Clocks>()
    const streamed = ToolLoop.stream({ messages, tools: [time] })
    expectTypeOf<Stream.Services<typeof streamed>>().toEqualTypeOf<LlmProvider | Clocks>()
    expectTypeOf<Effect.Error<typeof program>>().toEqualTypeOf<ToolLoop.ToolLoopFailure>()
  })

  it("of promises takes no tool that needs something", () => {
    const needy = { messages, tools: [weather] }
    // @ts-expect-error nobody provides Weather
    void (() => runTools(needy))
    // @ts-expect-error tools are made by tool(...)
    void (() => runTools({ messages, tools: [{ name: "a", parameters: {} }] }))
    const read = async () => {
      const response = await runTools({ messages, tools: [] })
      expectTypeOf(response.messages).toExtend<ReadonlyArray<unknown>>()
      expectTypeOf(response.steps).toExtend<ReadonlyArray<unknown>>()
      // @ts-expect-error a failure has no finish reason
      void response.finishReason
      return unwrap(response).steps
    }
    expectTypeOf(read).returns.resolves.toExtend<ReadonlyArray<unknown>>()
  })
})
