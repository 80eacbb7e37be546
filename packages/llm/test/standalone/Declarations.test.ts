/** The declarations without effect: what their build says where a type of effect is left. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, expect, it } from "vitest"
import { Declarations } from "../../scripts/standalone/Declarations.ts"

const folders: Array<string> = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const built = (omitted: ReadonlyArray<string>) => {
  const dist = mkdtempSync(join(tmpdir(), "declarations-"))
  folders.push(dist)
  const effect = 'import type * as Effect from "effect/Effect"\n'
  writeFileSync(join(dist, "Entry.d.ts"), 'export type { Row } from "./Row.ts"\n')
  writeFileSync(
    join(dist, "Row.d.ts"),
    'import type { Part } from "./Part.ts"\nexport interface Row {\n  part: Part\n}\n',
  )
  writeFileSync(
    join(dist, "Part.d.ts"),
    `${effect}export interface Part {\n  endpoint: () => Effect.Effect<string>\n}\n`,
  )
  const declarations = new Declarations({ dist, plain: {}, dropped: [], omitted })
  declarations.entry("Entry.d.ts", "./declarations.js")
  return declarations.text()
}

it("a type of effect is refused with the members that lead to it, and with what to do", () => {
  expect(() => built([])).toThrow(
    "Part.d.ts mentions effect/Effect#Effect, which the entries without effect cannot: in scripts/build-standalone.ts " +
      'name "Row.part" or "Part.endpoint" in `omitted`, or name in `plain` what src/standalone/Plain.ts has in its place',
  )
})

it.each(["Row.part", "Part.endpoint"])("%s can be omitted then", (member) => {
  expect(built([member])).not.toContain("Effect")
})
