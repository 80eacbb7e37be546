import { defineConfig } from "vitest/config"

const resolve = { conditions: ["@wiseflow/source"] }

/** What decides whether a mutant lives: the tests beside the mutated rooms. `MUTATE_TESTS` names others, with blanks between. */
export default defineConfig({
  resolve,
  ssr: { resolve },
  test: {
    root: "packages/llm",
    testTimeout: 120_000,
    include: process.env["MUTATE_TESTS"]?.split(" ") ?? [
      "test/{model,policies,protocols,transport,cases}/**/*.test.ts",
      "test/contract/{Faults,Reading,Retry,Time,Fallback}.test.ts",
    ],
  },
})
