/** docs/cli.md lists what the command has. */
import { readFileSync } from "node:fs"
import { assert, it } from "@effect/vitest"
import { root } from "../src/CommandTree.ts"
import { ExitCode } from "../src/ExitCode.ts"
import { sharedFlags } from "../src/SharedFlags.ts"

const page = readFileSync(new URL("../../../docs/cli.md", import.meta.url), "utf8")

const section = (title: string) => page.split(`## ${title}\n`)[1]?.split("\n## ")[0] ?? ""

it("docs/cli.md lists each subcommand", () => {
  const listed = [...(page.split("\n## ")[0] ?? "").matchAll(/^\| `([a-z]+)`/gm)].map(([, name]) => name)
  const names = root.subcommands.flatMap(({ commands }) => commands.map(({ name }) => name))
  assert.sameMembers(listed, names)
})

it("docs/cli.md lists each exit code", () => {
  const listed = [...section("Exit codes").matchAll(/^\| (\d+) /gm)].map(([, code]) => Number(code))
  assert.sameMembers(listed, Object.values(ExitCode))
})

it("docs/cli.md names each flag that all subcommands share", () => {
  for (const { id } of sharedFlags) assert.include(section("Settings"), `\`--${id}`)
})
