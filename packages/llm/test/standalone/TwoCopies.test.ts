/** The built `@wiseflow/llm/promise` beside the library and its effect: only plain data and schemas pass between them. */
import { globSync, readFileSync } from "node:fs"
import { builtinModules } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { parseSync } from "oxc-parser"
import { assert, beforeAll, describe, it } from "vitest"
import * as main from "@wiseflow/llm"
import type * as Mcp from "@wiseflow/llm/promise/mcp"
import type * as Promises from "@wiseflow/llm/promise"
import type * as Testing from "@wiseflow/llm/promise/testing"
import { Scripted } from "@wiseflow/llm/testing"
import { build, packageFolder } from "../bundles/Built.ts"
import { answers, listen } from "../guide/LoopbackUpstream.ts"

const dist = join(packageFolder, "dist/promise")
const messages = [{ role: "user", content: "hi" }] as const
const Age = Schema.Struct({ age: Schema.Int })

/** What a module asks for, at once and later. A name that is not written out is a schema library's, of the program's. */
const importsOf = (file: string): ReadonlyArray<string> => {
  const text = readFileSync(file, "utf8")
  const { module } = parseSync(file, text)
  const later = module.dynamicImports.map(({ moduleRequest: { end, start } }) => text.slice(start, end))
  return [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...later.filter((name) => /^["']/.test(name)).map((name) => name.slice(1, -1)),
  ]
}

let promises: typeof Promises
let testing: typeof Testing

beforeAll(async () => {
  await build()
  promises = await import(join(dist, "node/promise.js"))
  testing = await import(join(dist, "node/testing.js"))
})

describe("the bundles", () => {
  it.each(["node", "bun", "default"])("%s import nothing but one another and Node's modules", (folder) => {
    const files = globSync(`${dist}/${folder}/*.js`)
    assert.isAbove(files.length, 2)
    const outside = files.flatMap(importsOf).filter((name) => !name.startsWith("./"))
    const builtin = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))
    assert.isEmpty(outside.filter((name) => folder === "default" || !builtin.has(name)))
  })

  it("hold undici's client for Node alone", () => {
    const holding = globSync(`${dist}/*/*.js`).filter((file) => readFileSync(file, "utf8").includes("llhttp"))
    assert.lengthOf(holding, 1)
    assert.match(holding[0] ?? "", /node\/UndiciConnections-/)
  })

  it("declare their types without a module of anybody else's", () => {
    for (const file of globSync(`${dist}/*.d.ts`)) {
      assert.notMatch(readFileSync(file, "utf8"), /from "(?!\.\/)|import\(|\beffect\/[A-Z]\w+"/)
    }
  })
})

describe("a failure of one copy", () => {
  it("is thrown by the other's unwrap, and known by either isLlmError", () => {
    const fromMain = Scripted.failure({ _tag: "RateLimitError", retryAfterMs: 500 })
    const fromPromises = testing.Scripted.failure({ _tag: "RateLimitError", retryAfterMs: 500 })
    for (const { unwrap } of [main, promises]) {
      for (const failed of [fromMain, fromPromises]) {
        assert.throws(() => unwrap(failed), /RateLimitError/)
        try {
          unwrap(failed)
        } catch (error) {
          assert.isTrue(main.isLlmError(error) && promises.isLlmError(error))
          assert.nestedPropertyVal(error, "reason.retryAfterMs", 500)
        }
      }
    }
  })
})

describe("a stack of one copy", () => {
  it("is a fake for programs that know the type of the other", async () => {
    const ask = (llm: Promises.Llm) => llm.generate({ messages })
    assert.strictEqual((await ask(testing.Scripted.llm(["hello"]))).text, "hello")
    assert.strictEqual((await ask(Scripted.llm(["hello"]))).text, "hello")
  })

  it("answers over HTTP, streams, and calls tools", async () => {
    await using upstream = await listen(answers("hello from the upstream"))
    await using llm = new promises.LLMInterface({
      provider: "openai",
      model: "gpt-5-mini",
      apiKey: "sk-1",
      apiBase: upstream.url,
    })
    assert.strictEqual(promises.unwrap(await llm.generate({ messages })).text, "hello from the upstream")
    const stream = llm.stream({ messages })
    let text = ""
    for await (const event of stream) if (event.type === "text-delta") text += event.delta
    assert.strictEqual(text, "hello from the upstream")
    assert.strictEqual((await stream.response).text, text)
  })

  it("runs tools", async () => {
    const llm = testing.Scripted.llm([{ toolCalls: [{ name: "age", arguments: { name: "Ada" } }] }, "36"])
    const age = promises.tool({
      name: "age",
      parameters: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
      execute: () => 36,
    })
    assert.strictEqual((await llm.runTools({ messages, tools: [age] })).text, "36")
  })
})

describe("a schema of the program's effect", () => {
  const ask = (schema: Promises.AnySchema) => testing.Scripted.llm(['{"age":36}']).generateObject({ messages, schema })

  it("is used by its Standard Schema", async () => {
    const standard = Schema.toStandardJSONSchemaV1(Schema.toStandardSchemaV1(Age))
    assert.nestedPropertyVal(await ask(standard), "object.age", 36)
  })

  it("is refused where it is none, with the way to write it", async () => {
    for (const schema of [Age, Schema.toStandardSchemaV1(Age)]) {
      const answer = await testing.Scripted.llm(["{}"]).generateObject({ messages, schema: Object(schema) })
      assert.propertyVal(answer, "errorType", "InvalidRequestError")
      assert.propertyVal(answer, "parameter", "schema")
      assert.match(
        String(Reflect.get(answer, "error")),
        /toStandardJSONSchemaV1\(Schema\.toStandardSchemaV1\(schema\)\)/,
      )
    }
  })
})

describe("a key that only the program's effect can read", () => {
  const settings = { provider: "openai", model: "m", logger: false, maxRetries: 0 } as const

  it.each(["apiKey", "proxy"])("is refused as %s by its name", async (option) => {
    const options = { ...settings, apiKey: "k", [option]: Redacted.make("http://127.0.0.1:1") }
    const answer = await new promises.LLMInterface(options).generate({ messages })
    assert.propertyVal(answer, "errorType", "ConfigurationError")
    assert.propertyVal(answer, "setting", option)
    assert.match(String(Reflect.get(answer, "error")), /cannot be read/)
  })

  it("fails the call where a function or an Effect gives it", async () => {
    for (const apiKey of [() => Redacted.make("k"), Effect.succeed(Redacted.make("k"))]) {
      const options = { ...settings, apiKey, apiBase: "http://127.0.0.1:9" }
      const answer = await new promises.LLMInterface(Object(options)).generate({ messages })
      assert.propertyVal(answer, "errorType", "AuthenticationError")
    }
  })
})

it("tools of MCP servers run in the built entry's own runTools", async () => {
  const { connectMcp }: typeof Mcp = await import(join(dist, "node/mcp.js"))
  const program = fileURLToPath(new URL("../tools/mcp/programs/stdio.ts", import.meta.url))
  await using server = await connectMcp({ command: process.execPath, args: [program], stderr: "ignore" })
  const llm = testing.Scripted.llm([{ toolCalls: [{ name: "add", arguments: { a: 1, b: 2 } }] }, "three"])
  const run = await llm.runTools({ messages, tools: await server.tools() })
  assert.strictEqual(run.text, "three")
  assert.include(JSON.stringify(run.messages), '"content":"3"')
  const error = await connectMcp({ command: "/nowhere/at-all" }).catch((error: unknown) => error)
  assert.isTrue(promises.isLlmError(error))
})
