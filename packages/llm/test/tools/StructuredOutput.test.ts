/** Values of schemas, on every wire and in every form, against an upstream that writes what it is told. */
import { type } from "arktype"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as v from "valibot"
import { describe, expect, it } from "vitest"
import * as z from "zod"
import { type AnySchema, LLMInterface, StructuredOutput } from "../../src/index.ts"
import { type ContractProvider, oneOfEachWire, openai } from "../contract/Providers.ts"
import type { FaultServer } from "../faults/FaultServer.ts"
import { listen, type Turn } from "./ToolUpstream.ts"

type Options = Omit<StructuredOutput.StructuredOutputOptions<AnySchema>, "messages">

interface Ended {
  readonly object?: unknown
  readonly errorType?: string
  readonly error?: string
  readonly partialText?: string | undefined
  readonly attempts: number
  readonly inputTokens?: number | undefined
  readonly partials: ReadonlyArray<unknown>
}

interface ObjectForm {
  readonly name: string
  readonly provider: ContractProvider
  readonly streamed: boolean
  readonly ask: (server: FaultServer, options: Options) => Promise<Ended>
}

const messages = [{ role: "user", content: "Who?" }] as const

const promiseForm = (provider: ContractProvider, streamed: boolean): ObjectForm => ({
  name: `${streamed ? "streamObject" : "generateObject"}, ${provider.name}`,
  provider,
  streamed,
  ask: async (server, options) => {
    await using llm = new LLMInterface({ ...provider.options(server.url), maxRetries: 0 })
    const partials: Array<unknown> = []
    let response
    if (streamed) {
      const stream = llm.streamObject({ messages, ...options })
      try {
        for await (const partial of stream) partials.push(partial)
      } catch {
        // `response` tells it too.
      }
      response = await stream.response
    } else response = await llm.generateObject({ messages, ...options })
    const { attempts, usage } = response.metadata
    return "error" in response
      ? { ...response, attempts: attempts.length, partials }
      : { object: response.object, attempts: attempts.length, inputTokens: usage.inputTokens, partials }
  },
})

const effectForm = (provider: ContractProvider, streamed: boolean): ObjectForm => ({
  name: `StructuredOutput.${streamed ? "stream" : "generate"}, ${provider.name}`,
  provider,
  streamed,
  ask: (server, options) => {
    const partials: Array<unknown> = []
    const given = { messages, ...options }
    const streaming = Effect.suspend(() => {
      let last: StructuredOutput.ObjectResponse<unknown> | undefined
      return Effect.map(
        Stream.runForEach(StructuredOutput.stream(given), (event) =>
          Effect.sync(() => {
            if (event.type === "object-partial") partials.push(event.partial)
            else last = event.response
          }),
        ),
        () => last,
      )
    })
    const ended = Effect.match(streamed ? streaming : StructuredOutput.generate(given), {
      onSuccess: (response): Ended => ({
        object: response?.object,
        attempts: response?.metadata.attempts.length ?? 0,
        inputTokens: response?.metadata.usage.inputTokens,
        partials,
      }),
      onFailure: (error): Ended => ({
        errorType: error.reason._tag,
        error: error.message,
        partialText: error.text,
        attempts: error.attempts.length,
        partials,
      }),
    })
    return Effect.runPromise(Effect.provide(ended, provider.layer(server.url)))
  },
})

const forms = oneOfEachWire.flatMap((provider) => [
  promiseForm(provider, false),
  promiseForm(provider, true),
  effectForm(provider, false),
  effectForm(provider, true),
])

const Person = Schema.Struct({ name: Schema.String, age: Schema.Int })
const person = { name: "Ada", age: 36 }

const says = (...texts: ReadonlyArray<string>) => {
  const turns = texts.map((text): Turn => ({ text }))
  return (index: number): Turn => turns[Math.min(index, turns.length - 1)] ?? {}
}

const bodyOf = (server: FaultServer, index = 0): string => JSON.stringify(server.requests[index]?.json)

describe.each(forms)("$name", ({ ask, provider, streamed }) => {
  const { wire } = provider

  it("gives the value of the schema", async () => {
    await using server = await listen(wire.name, says(JSON.stringify(person)))
    const { attempts, object, partials } = await ask(server, { schema: Person, schemaName: "person" })
    expect(object).toEqual(person)
    expect(attempts).toBe(1)
    expect(bodyOf(server)).toContain("json_schema")
    if (streamed) expect(partials.at(-1)).toEqual(person)
  })

  it.each([
    ["zod", z.object({ name: z.string(), age: z.int() })],
    ["valibot", v.object({ name: v.string(), age: v.number() })],
    ["arktype", type({ name: "string", age: "number" })],
    [
      "JSON Schema",
      { type: "object", properties: { name: { type: "string" }, age: { type: "integer" } }, required: ["name", "age"] },
    ],
  ] satisfies ReadonlyArray<readonly [string, AnySchema]>)("takes a schema of %s", async (_, schema) => {
    await using server = await listen(wire.name, says('{"name":"Ada","age":"old"}', JSON.stringify(person)))
    const { attempts, object } = await ask(server, { schema })
    expect(object).toEqual(person)
    expect(attempts).toBe(2)
    expect(server.refusals).toEqual([])
  })

  it.each<readonly [string, AnySchema, unknown]>([
    ["a list", Schema.Array(Schema.String), ["a", "b"]],
    ["a choice", z.enum(["red", "green"]), "red"],
    [
      "a union",
      z.discriminatedUnion("is", [z.object({ is: z.literal("a") }), z.object({ is: z.literal("b") })]),
      { is: "b" },
    ],
    ["a number", Schema.Finite, 7],
  ])(
    "wraps %s at the root, and takes it out again, also where the model leaves the wrapping out",
    async (_, schema, value) => {
      for (const text of [JSON.stringify({ value }), JSON.stringify(value)]) {
        await using server = await listen(wire.name, says(text))
        const { object, partials } = await ask(server, { schema })
        expect(object).toEqual(value)
        expect(bodyOf(server)).toMatch(/"properties":\{"value"/)
        if (streamed && text.startsWith('{"value"')) expect(partials.at(-1) ?? value).toEqual(value)
      }
    },
  )

  it("reads JSON in a fence and after thinking", async () => {
    for (const text of [
      '```json\n{"name":"Ada","age":36}\n```',
      '<think>{"name":"Eve"}</think>{"name":"Ada","age":36}',
    ]) {
      await using server = await listen(wire.name, says(text))
      const { object, partials } = await ask(server, { schema: Person })
      expect(object).toEqual(person)
      expect(JSON.stringify(partials)).not.toContain("Eve")
    }
  })

  it("leaves out what the model wrote as null because the wire requires every property", async () => {
    const schema = Schema.Struct({ name: Schema.String, nick: Schema.optionalKey(Schema.String) })
    await using server = await listen(wire.name, says('{"name":"Ada","nick":null}'))
    expect((await ask(server, { schema })).object).toEqual({ name: "Ada" })
  })

  it("asks again once with what was wrong, and counts both", async () => {
    await using server = await listen(wire.name, says('{"name":"Ada","age":"old"}', JSON.stringify(person)))
    const { attempts, inputTokens, object } = await ask(server, { schema: Person })
    expect(object).toEqual(person)
    expect(attempts).toBe(2)
    expect(inputTokens).toBe(20)
    expect(bodyOf(server, 1)).toMatch(/does not fit the schema.*age/)
    expect(bodyOf(server, 1)).toContain('\\"old\\"')
    expect(server.refusals).toEqual([])
  })

  it("fails with InvalidResponseError and the raw text where no answer fits", async () => {
    for (const [repairs, text, problem] of [
      [0, "Ada is 36.", "not JSON"],
      [2, '{"name":"Ada"}', "age"],
    ] as const) {
      await using server = await listen(wire.name, says(text))
      const ended = await ask(server, { schema: Person, repairs })
      expect(ended).toMatchObject({ errorType: "InvalidResponseError", partialText: text, attempts: repairs + 1 })
      expect(ended.error).toContain(problem)
      expect(server.requests).toHaveLength(repairs + 1)
    }
  })

  it("tells an answer that was cut off, filtered or refused apart, and does not ask again", async () => {
    const broken: ReadonlyArray<readonly [Turn, string]> = [
      [{ text: '{"name":"A', finishReason: "length" }, "OutputLimitError"],
      [{ text: '{"name":"A', finishReason: "content-filter" }, "ContentFilterError"],
      [
        { refusal: "I would rather not.", finishReason: wire.name === "chat" ? "stop" : "content-filter" },
        "ContentFilterError",
      ],
    ]
    for (const [turn, errorType] of broken) {
      await using server = await listen(wire.name, () => turn)
      const ended = await ask(server, { schema: Person })
      expect(ended.errorType).toBe(errorType)
      if (turn.refusal !== undefined) expect(ended.error).toContain(turn.refusal)
      expect(server.requests).toHaveLength(1)
    }
  })

  it("fails as a call fails, with the attempts of every answer", async () => {
    await using server = await listen(wire.name, (index) => (index === 0 ? { text: "no" } : { status: 500 }))
    const ended = await ask(server, { schema: Person })
    expect(ended).toMatchObject({ errorType: "ServerError", attempts: 2 })
  })

  it("refuses an invalid schema, name or number of repairs before anything is sent", async () => {
    await using server = await listen(wire.name, says("{}"))
    for (const options of [
      { schema: z.object({ at: z.date() }) },
      { schema: Person, schemaName: "a person" },
      { schema: Person, repairs: -1 },
    ]) {
      expect((await ask(server, options)).errorType).toMatch(/InvalidRequestError|ConfigurationError/)
    }
    expect(server.requests).toHaveLength(0)
  })
})

describe.each(forms.filter(({ provider }) => provider.wire.name !== "responses"))(
  "$name",
  ({ ask, provider, streamed }) => {
    const { wire } = provider
    const model = wire.name === "chat" ? "gpt-4" : "claude-3-5-haiku-20241022"

    it("asks through a tool that must be called where the model has no structured outputs, and corrects it there", async () => {
      const call = (args: unknown): Turn => ({ calls: [{ name: "person", arguments: args }] })
      await using server = await listen(wire.name, (index) => call(index === 0 ? { name: "Ada" } : person))
      const { attempts, object, partials } = await ask(server, { schema: Person, schemaName: "person", model })
      expect(object).toEqual(person)
      expect(attempts).toBe(2)
      expect(bodyOf(server)).toMatch(
        /"tool_choice":\{"type":"(tool","name":"person"|function","function":\{"name":"person")/,
      )
      expect(bodyOf(server)).not.toMatch(/response_format|output_config/)
      expect(bodyOf(server, 1)).toContain("does not fit the schema")
      expect(server.refusals).toEqual([])
      if (streamed) expect(partials.at(-1)).toEqual(person)
    })
  },
)

describe.each(forms.filter(({ name }) => name === "generateObject, openai"))("$name", ({ ask }) => {
  it("asks in words where a tool cannot be forced either", async () => {
    await using server = await listen("chat", says(JSON.stringify(person)))
    expect((await ask(server, { schema: Person, model: "deepseek-reasoner" })).object).toEqual(person)
    expect(bodyOf(server)).toMatch(/json_object/)
    expect(bodyOf(server)).toMatch(/JSON Schema/)
    expect(bodyOf(server)).not.toContain("tool_choice")
  })
})

it("a fallback text is no value, and is not asked for again", async () => {
  await using server = await listen("chat", () => ({ status: 500 }))
  await using llm = new LLMInterface({ ...openai.options(server.url), maxRetries: 0, fallbackText: "We are down." })
  const response = await llm.generateObject({ messages, schema: Person })
  expect(response).toMatchObject({ errorType: "InvalidResponseError", partialText: "We are down." })
  expect(server.requests).toHaveLength(1)
})
