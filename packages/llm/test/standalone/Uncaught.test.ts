/** What a terminal shows where a program lets an error of the built `@wiseflow/llm/promise` go uncaught. */
import { spawnSync } from "node:child_process"
import { assert, beforeAll, it } from "vitest"
import { build, packageFolder } from "../bundles/Built.ts"

const program = `
  import { unwrap } from "@wiseflow/llm/promise"
  import { Scripted } from "@wiseflow/llm/promise/testing"
  const llm = Scripted.llm([{ error: "QuotaExceededError" }])
  unwrap(await llm.generate({ messages: [{ role: "user", content: "Hello." }] }))
`

beforeAll(build, 120_000)

it("shows an uncaught error in a page of text, not with a whole bundle on one line", () => {
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: packageFolder,
    encoding: "utf8",
  })
  assert.strictEqual(status, 1)
  assert.include(stderr, "LlmError: a scripted QuotaExceededError")
  assert.isBelow(stderr.length, 8000)
})
