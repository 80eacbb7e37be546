/** `npm run build` makes the library importable by name with plain Node, and the command runnable. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { assert, beforeAll, describe, it } from "@effect/vitest"
import { answers, listen } from "./LoopbackUpstream.ts"

const run = promisify(execFile)
const root = new URL("../../../../", import.meta.url).pathname

/** Plain Node, without conditions and without an environment. */
const node = (args: ReadonlyArray<string>, folder: string, environment: Record<string, string> = {}) =>
  run(process.execPath, [...args], { cwd: `${root}${folder}`, env: environment })

describe("npm run build", () => {
  beforeAll(() => run("npm", ["run", "build"], { cwd: root }), 120_000)

  it("exports every name of the public contract, from anywhere in the checkout", async () => {
    const program = `
      const modules = ["@wiseflow/llm", "@wiseflow/llm/testing"]
      console.log(JSON.stringify(await Promise.all(modules.map(async (name) => Object.keys(await import(name))))))`
    for (const folder of [".", "docs", "packages/cli/src"]) {
      const { stdout } = await node(["--input-type=module", "-e", program], folder)
      const [library, testing] = JSON.parse(stdout)
      assert.includeMembers(library, [
        ...["generate", "stream", "generateObject", "unwrap", "LLMInterface", "LlmProvider", "LlmError", "LlmStack"],
        ...["OpenAi", "Anthropic", "AzureOpenAi", "LiteLlm"],
        ...["withRetry", "withTimeout", "withConcurrency", "withFallback", "withCircuitBreaker"],
      ])
      assert.includeMembers(testing, ["Scripted"])
    }
  })

  it("answers, and the process ends by itself", async () => {
    await using upstream = await listen(answers("built"))
    const program = `
      import { generate } from "@wiseflow/llm"
      const { text } = await generate({ messages: [{ role: "user", content: "hi" }] })
      console.log(text)`
    const { stdout } = await node(["--input-type=module", "-e", program], "docs", {
      OPENAI_API_KEY: "sk-1",
      OPENAI_API_BASE: upstream.url,
      PRIMARY_MODEL: "gpt-5-mini",
    })
    assert.strictEqual(stdout, "built\n")
  })

  it("makes the command run", async () => {
    const { stderr, stdout } = await node([`${root}packages/cli/dist/main.js`, "hello"], "docs")
    assert.match(stdout, /You wrote: "hello"/)
    assert.match(stderr, /^OFFLINE/m)
  })
})
