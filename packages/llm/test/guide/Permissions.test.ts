/** Explicit options need no permission to read the environment: Deno's user is not asked, and a missing one is no error. */
import { assert, describe, it } from "@effect/vitest"
import { answers, listen } from "./LoopbackUpstream.ts"
import { runProgram } from "./ProgramRun.ts"

interface Told {
  readonly imported: ReadonlyArray<string>
  readonly asked: ReadonlyArray<string>
  readonly text: string
  readonly error: string | null
}

const run = async (environment: Readonly<Record<string, string>>): Promise<Told> => {
  const program = new URL("programs/permissions.ts", import.meta.url).pathname
  const nodeFlags = ["--conditions=@wiseflow/source", "--conditions=deno"]
  const { code, stderr, stdout } = await runProgram(program, { environment, nodeFlags })
  assert.strictEqual(code, 0, stderr)
  return JSON.parse(stdout)
}

describe.concurrent("without permission to read the environment", () => {
  for (const call of ["generate", "stream"]) {
    for (const state of ["prompt", "denied"]) {
      it(`explicit options answer, and nobody is asked (${call}, ${state})`, async () => {
        await using upstream = await listen(answers("hello"))
        const told = await run({ CALL: call, KEY: "sk-explicit", STATE: state, URL: upstream.url })
        assert.deepStrictEqual(told, { imported: [], asked: [], text: "hello", error: null })
      })
    }
  }

  it("what only the environment could say is asked for, and a refusal names the setting that is missing", async () => {
    const told = await run({ CALL: "generate", STATE: "prompt" })
    assert.deepStrictEqual([told.imported, told.asked], [[], ["environment"]])
    assert.match(told.error ?? "", /^PRIMARY_MODEL: /)
  })

  it("what is denied is not asked for again", async () => {
    const told = await run({ CALL: "generate", STATE: "denied" })
    assert.deepStrictEqual(told.asked, [])
    assert.match(told.error ?? "", /^PRIMARY_MODEL: /)
  })
})
