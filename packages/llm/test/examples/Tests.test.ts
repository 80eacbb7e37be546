/** The examples of unit tests are unit tests, in the two runners that they are written for. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import "../../../../examples/testing/headline.test.ts"
import "../../../../examples/testing/recorded.test.ts"

it("the one for node:test passes there", () => {
  const file = fileURLToPath(new URL("../../../../examples/testing/headline.node-test.ts", import.meta.url))
  const { status, stdout } = spawnSync(process.execPath, ["--test", "--conditions=@wiseflow/source", file], {
    encoding: "utf8",
    env: {},
  })
  expect(stdout).toMatch(/pass 2/)
  expect(status).toBe(0)
})
