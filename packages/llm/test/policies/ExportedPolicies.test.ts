/** No policy is forgotten: each one of `src/policies` is exported, and stands in the README and in the suites that hold all of them. */
import { readdirSync, readFileSync } from "node:fs"
import { expect, it } from "vitest"
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

const called = (policy: string) => new RegExp(`\\b${policy}\\(`)

/** The files that name every policy, how each does, and those that it leaves out, with the reason. */
const files = [
  { file: "README.md", names: (policy: string) => new RegExp(`\`${policy}\\b`), without: [] },
  {
    file: "packages/llm/test/policies/EveryService.test.ts",
    names: (policy: string) => new RegExp(`^  ${policy}: `, "m"),
    without: [],
  },
  {
    file: "packages/llm/test/policies/RandomStacks.test.ts",
    names: (policy: string) => new RegExp(`=> (?:\\(layer\\) =>\\s*)?${policy}\\b`),
    // It divides requests for embeddings, of which these stacks ask none.
    without: ["withBatches"],
  },
  {
    file: "packages/llm/test/policies/Misconfigured.test.ts",
    names: (policy: string) => new RegExp(`\\["${policy}", `),
    // Batches.test.ts refuses its settings, over a Layer of embeddings; the others have no setting that could be wrong.
    without: ["withBatches", "withDefaults", "withFallback", "withObserver", "withTelemetry", "withUsageLedger"],
  },
  {
    file: "packages/llm/test/policies/ForkedFibers.test.ts",
    names: called,
    // Its providers answer, and embed nothing.
    without: ["withBatches"],
  },
  {
    file: "packages/llm/test/policies/Interruption.test.ts",
    names: called,
    // They take nothing that would have to be given back.
    without: ["withBatches", "withDefaults", "withFallback", "withObserver", "withRetry", "withUsageLedger"],
  },
  {
    file: "packages/bench/src/cases/PolicyCase.ts",
    names: (policy: string) => new RegExp(`^  "?${policy}\\b`, "m"),
    // It measures answers, and the second costs a copy of the request.
    without: ["withBatches", "withDefaults"],
  },
]

it.each(files)("$file names every policy", ({ file, names, without }) => {
  const text = read(`../../../../${file}`)
  const unnamed = exported.filter((policy) => !names(policy).test(text))
  expect(unnamed.toSorted(), `the policies that ${file} leaves out`).toEqual(without)
})
