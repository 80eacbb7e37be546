/** No policy is forgotten: each one of `src/policies` is exported, and stands in the README and in the suites that hold all of them. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import * as library from "../../src/index.ts"

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8")

/** What is named like a policy and is none. */
const others = new Set(["withJsonSchema"])

const exported = Object.keys(library).filter((name) => /^with[A-Z]/.test(name) && !others.has(name))

/** Those that other files of `src` use, and no program. */
const inner = ["withLastingBudget", "withPace", "withTargetsAfter"]

it("every `with…` of src/policies is exported, or named as an inner one", () => {
  const folder = "../../src/policies/"
  const written = readdirSync(new URL(folder, import.meta.url), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .flatMap((file) => [...read(`${folder}${file}`).matchAll(/^export (?:const|function) (with[A-Z]\w*)/gm)])
    .map(([, name]) => name)
  expect([...new Set(written)].toSorted()).toEqual([...exported, ...inner].toSorted())
})

/** The policies that each suite holds by their names, and those that it cannot hold, with the reason. */
const suites = [
  ["README.md", "../../../../README.md", (name: string) => new RegExp(`\`${name}\\b`), []],
  // It divides requests for embeddings, of which these stacks ask none.
  [
    "RandomStacks",
    "./RandomStacks.test.ts",
    (name: string) => new RegExp(`=> (?:\\(layer\\) =>\\s*)?${name}\\b`),
    ["withBatches"],
  ],
  [
    "Misconfigured",
    "./Misconfigured.test.ts",
    (name: string) => new RegExp(`\\["${name}", `),
    // Batches.test.ts refuses its settings, over a Layer of embeddings; the others have no setting that could be wrong.
    ["withBatches", "withDefaults", "withFallback", "withObserver", "withTelemetry", "withUsageLedger"],
  ],
] as const

describe.each(suites)("%s", (_, path, named, without) => {
  const left: ReadonlySet<string> = new Set(without)

  it.each(exported.filter((name) => !left.has(name)))("has %s", (name) => {
    expect(read(path)).toMatch(named(name))
  })
})
