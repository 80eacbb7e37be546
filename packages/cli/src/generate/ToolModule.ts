/**
 * `--tools`: an ES module (`.js`, `.mjs`, or `.ts` that Node can strip) whose exports describe tools:
 * `export const weather = { description, parameters, execute }`. Its code runs in this process, with this user's rights.
 */
import { resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { tool, type JsonSchema, type UnnamedTool } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import { usageFailure } from "../ExitCode.ts"

interface Described {
  readonly description?: string
  readonly parameters: JsonSchema
  readonly needsApproval?: boolean
  readonly execute: (args: unknown, context: { readonly signal: AbortSignal }) => string | Promise<string>
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  (typeof value === "object" || typeof value === "function") && value !== null

const isDescribed = (value: unknown): value is Described =>
  isObject(value) && typeof value["execute"] === "function" && isObject(value["parameters"])

/** The exports that are tools: each by its name, those of an export `tools` or `default` by theirs. */
const entriesOf = (exported: Readonly<Record<string, unknown>>): ReadonlyArray<readonly [string, unknown]> =>
  Object.entries(exported).flatMap(([name, value]) =>
    (name === "tools" || name === "default") && isObject(value) && !isDescribed(value)
      ? Object.entries(value)
      : [[name, value] as const],
  )

/** Loads the tools of a module. */
export const toolsOf = Effect.fn(function* (path: string) {
  const exported: Readonly<Record<string, unknown>> = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(resolve(path)).href),
    catch: (reason) => usageFailure(`--tools ${path}: ${reason instanceof Error ? reason.message : String(reason)}`),
  })
  const tools: Record<string, UnnamedTool> = {}
  for (const [name, value] of entriesOf(exported)) {
    if (isDescribed(value)) {
      // Who names the module wants its tools run; one that needs approval says so itself.
      tools[name] = tool<JsonSchema, unknown>({
        ...value,
        name: undefined,
        needsApproval: value.needsApproval ?? false,
      })
    } else if (isObject(value) && typeof value["run"] === "function") {
      return yield* usageFailure(
        `--tools ${path}: ${name} was made by tool(…): export what tool is given, { description, parameters, execute }`,
      )
    }
  }
  if (Object.keys(tools).length === 0) {
    return yield* usageFailure(
      `--tools ${path}: it exports no tool, as in export const weather = { description, parameters, execute }`,
    )
  }
  return tools
})
