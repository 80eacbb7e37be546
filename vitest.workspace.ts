import { defineConfig } from "vitest/config"

const resolve = { conditions: ["@wiseflow/source"] }
const ssr = { resolve: { conditions: ["@wiseflow/source"] } }

/** One project a package, all reading the library's source through the "@wiseflow/source" export condition. */
export default defineConfig({
  test: {
    // As many as there are cores on the smallest machine: many tests wait for servers of their own.
    maxWorkers: 2,
    projects: ["llm", "llm-cluster", "cli", "bench"].map((name) => ({
      resolve,
      ssr,
      test: {
        name,
        root: `packages/${name}`,
        include: ["test/**/*.test.ts"],
        // For what waits without end. No test is held to a speed: machines are slow and busy.
        testTimeout: 120_000,
        hookTimeout: 120_000,
      },
    })),
  },
})
