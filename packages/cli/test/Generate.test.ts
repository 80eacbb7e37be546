/** `generate`: what is sent of what was given, and what is printed of what came. */
import { assert, describe, it } from "@effect/vitest"
import { command, hasTerminals, onTerminal } from "./Command.ts"
import { provider } from "./Provider.ts"

const png = Uint8Array.from(
  Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  ),
)

const answerOf = (text: string): unknown => JSON.parse(text)

describe.concurrent("generate", () => {
  it("adds what comes on stdin to the prompt, and the system text in front", async () => {
    await using upstream = await provider()
    const { code, stderr } = await command(["generate", "-s", "be brief", "review", "this"], {
      environment: upstream.settings,
      stdin: "diff --git\n",
    })
    assert.strictEqual(code, 0, stderr)
    assert.nestedPropertyVal(upstream.upstream.getLastRequest()?.body, "messages[0].content", "be brief")
    assert.nestedPropertyVal(
      upstream.upstream.getLastRequest()?.body,
      "messages[1].content",
      "review this\n\ndiff --git",
    )
  })

  it("goes on without a pipe that stays open and silent, and says so", async () => {
    await using upstream = await provider()
    const given = { environment: upstream.settings, keepsStdinOpen: true }
    const { code, stderr, stdout } = await command(["hi"], given)
    assert.deepStrictEqual([code, stdout], [0, "a configured answer\n"])
    assert.match(stderr, /^nothing came on stdin for 2 s/)
  })

  it("sends files before the prompt: text with its name, pictures and PDFs as they are", async () => {
    await using upstream = await provider()
    const { code, stderr } = await command(["-f", "notes.md", "-f", "dot.png", "-f", "a.pdf", "what is it?"], {
      environment: upstream.settings,
      files: { "notes.md": "# Notes", "dot.png": png, "a.pdf": "%PDF-1.4 nothing" },
    })
    assert.strictEqual(code, 0, stderr)
    const body = upstream.upstream.getLastRequest()?.body
    assert.nestedPropertyVal(body, "messages[0].content[0].text", '<file name="notes.md">\n# Notes\n</file>')
    assert.nestedPropertyVal(body, "messages[0].content[1].type", "image_url")
    assert.nestedPropertyVal(body, "messages[0].content[2].type", "file")
    assert.nestedPropertyVal(body, "messages[0].content[3].text", "what is it?")
  })

  it("prints a value for a schema, from a file or inline", async () => {
    await using upstream = await provider('{"dish":"soup"}')
    const schema = '{"type":"object","properties":{"dish":{"type":"string"}},"required":["dish"]}'
    for (const given of [schema, "dish.json"]) {
      const { code, stderr, stdout } = await command(["--schema", given, "a dish"], {
        environment: upstream.settings,
        files: { "dish.json": schema },
      })
      assert.strictEqual(code, 0, stderr)
      assert.deepStrictEqual(answerOf(stdout), { dish: "soup" })
    }
  })

  it("runs the tools of a module, and tells which", async () => {
    await using upstream = await provider("It is sunny.")
    upstream.upstream.prependFixture({
      match: { predicate: ({ messages }) => messages.every(({ role }) => role !== "tool") },
      response: { toolCalls: [{ name: "weather", arguments: '{"city":"Bern"}' }] },
    })
    const { code, stderr, stdout } = await command(["--tools", "tools.mjs", "weather?"], {
      environment: upstream.settings,
      files: {
        "tools.mjs": `export const weather = {
          description: "The weather of a city",
          parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
          execute: ({ city }) => "sun in " + city,
        }`,
      },
    })
    assert.deepStrictEqual([code, stdout], [0, "It is sunny.\n"], stderr)
    assert.match(stderr, /^calls weather\(\{"city":"Bern"\}\)$/m)
    assert.include(JSON.stringify(upstream.upstream.getLastRequest()?.body), "sun in Bern")
  })

  it("does not run a tool that needs approval where nobody can be asked", async () => {
    await using upstream = await provider("As you wish.")
    upstream.upstream.prependFixture({
      match: { predicate: ({ messages }) => messages.every(({ role }) => role !== "tool") },
      response: { toolCalls: [{ name: "erase", arguments: "{}" }] },
    })
    const { stdout } = await command(["--tools", "tools.mjs", "erase it"], {
      environment: upstream.settings,
      files: {
        "tools.mjs": `export const tools = { erase: {
          parameters: { type: "object", properties: {} }, needsApproval: true, execute: () => "ERASED" } }`,
      },
    })
    assert.strictEqual(stdout, "As you wish.\n")
    const body = JSON.stringify(upstream.upstream.getLastRequest()?.body)
    assert.include(body, "there is no terminal on which to ask")
    assert.notInclude(body, "ERASED")
  })

  it("a file, schema or module that cannot be used is exit code 2, and nothing is asked", async () => {
    await using upstream = await provider()
    for (const [args, reason] of [
      [["-f", "missing.png", "x"], /--file missing\.png: ENOENT/],
      [["-f", "zeros.bin", "x"], /--file zeros\.bin: it is neither text/],
      [["--schema", "{broken", "x"], /--schema: it is no JSON Schema/],
      [["--tools", "none.mjs", "x"], /--tools none\.mjs: it exports no tool/],
      [["--set", "lower=1", "x"], /--set lower: a setting has the name of a variable/],
    ] as const) {
      const { code, stderr, stdout } = await command(args, {
        environment: upstream.settings,
        files: { "zeros.bin": new Uint8Array(8), "none.mjs": "export const n = 1" },
      })
      assert.deepStrictEqual([code, stdout], [2, ""])
      assert.match(stderr, reason)
    }
    assert.strictEqual(upstream.upstream.getRequests().length, 0)
  })

  it("--offline asks nobody who is configured", async () => {
    await using upstream = await provider()
    const { code, stdout } = await command(["hi", "--offline"], { environment: upstream.settings })
    assert.strictEqual(code, 0)
    assert.match(stdout, /^Hello from the offline upstream!/)
    assert.strictEqual(upstream.upstream.getRequests().length, 0)
  })

  it("a pipe gets the answer as it is, with every byte that a terminal would obey", async () => {
    await using upstream = await provider("**bold** \u001b[2J")
    const { stdout } = await command(["hi"], { environment: upstream.settings })
    assert.strictEqual(stdout, "**bold** \u001b[2J\n")
  })
})

describe.skipIf(!hasTerminals)("generate on a terminal (skipped where `script` is absent)", () => {
  const markdown = "# Title\n\nSome **bold** text, &#27;[2J\u001b[2J and a word\u202e turned.\n\n- one\n- two"

  it("renders Markdown, and obeys nothing that the answer says to the terminal", async () => {
    await using upstream = await provider(markdown)
    const { stdout } = await onTerminal(["hi"], 60, { environment: upstream.settings })
    assert.include(stdout, "\u001b[1mbold\u001b[22m")
    assert.notInclude(stdout, "**bold**")
    assert.notInclude(stdout, "\u001b[2J")
    assert.notInclude(stdout, "\u202e")
    assert.include(stdout, "\\x1b[2J")
  })

  it("has no colours with NO_COLOR, and no Markdown with --raw", async () => {
    await using upstream = await provider(markdown)
    const environment = { ...upstream.settings, NO_COLOR: "1" }
    const plain = await onTerminal(["hi"], 60, { environment })
    // oxlint-disable-next-line no-control-regex
    assert.notMatch(plain.stdout, /\u001b\[[0-9;]*m/)
    const raw = await onTerminal(["--raw", "hi"], 60, { environment })
    assert.include(raw.stdout, "**bold**")
    assert.notInclude(raw.stdout, "\u001b[2J")
  })
})
