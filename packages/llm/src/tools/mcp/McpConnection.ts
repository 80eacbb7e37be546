/**
 * The tools of an MCP server as tools of this library. A call is checked against its schema first and sent once; whatever
 * the server makes of it, its failures and its end included, is told to the model.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import {
  ConnectionError,
  InvalidResponseError,
  type LlmError,
  type LlmErrorReason,
  TimeoutError,
} from "../../model/LlmError.ts"
import * as Tool from "../Tool.ts"
import { durationOf, failure, open, type OpenClient } from "./McpClient.ts"
import type { McpOptions } from "./McpOptions.ts"
import * as McpResult from "./McpResult.ts"
import { McpListedTool, type McpTool, McpToolPage, ModelNames } from "./McpTool.ts"
import * as SchemaReader from "../schemas/SchemaReader.ts"

/** An open connection to an MCP server. It closes with its scope; the server's process ends then. */
export interface McpConnection {
  /** What the server is called in errors. */
  readonly name: string
  /** How the server wants to be used, for a system message; undefined where it does not say. */
  readonly instructions: string | undefined
  /**
   * The server's tools as they are now. They are asked for once, and again when the server has said that they changed; a
   * server that does not say when is asked each time.
   */
  readonly tools: Effect.Effect<ReadonlyArray<Tool.Tool>, LlmError>
}

/** The SDK's own clock, which ours are always ahead of. */
const never = 2 ** 31 - 1

/** A list that never ends is a fault of the server. */
const maxPages = 100

/** No model can be told of so many tools. */
const maxTools = 5000

/** How many of a list are read in one turn of the event loop. */
const toolsInTurn = 64

const decodePage = Schema.decodeUnknownEffect(McpToolPage)
const decodeTool = Schema.decodeUnknownEffect(McpListedTool)

const unreadable = (name: string, why: string): InvalidResponseError =>
  new InvalidResponseError({ message: `the list of tools of the MCP server ${name} cannot be read: ${why}` })

const misread = (name: string, error: Schema.SchemaError): LlmErrorReason =>
  unreadable(name, error.message.split("\n", 1).join())

const page = ({ client, messageOf, name }: OpenClient, cursor: string | undefined) =>
  Effect.tryPromise({
    try: (signal) => client.listTools(cursor === undefined ? undefined : { cursor }, { signal, timeout: never }),
    catch: (error): LlmErrorReason =>
      new ConnectionError({ message: `the MCP server ${name} did not list its tools: ${messageOf(error)}` }),
  }).pipe(Effect.flatMap((found) => Effect.mapError(decodePage(found), (error) => misread(name, error))))

const listed = Effect.fnUntraced(function* (
  opened: OpenClient,
): Effect.fn.Return<ReadonlyArray<McpTool>, LlmErrorReason> {
  const tools: Array<McpTool> = []
  const cursors = new Set<string>()
  let cursor: string | undefined
  do {
    const { nextCursor, tools: more } = yield* page(opened, cursor)
    if (tools.length + more.length > maxTools)
      return yield* unreadable(opened.name, `it has more than ${maxTools} tools`)
    for (const [place, tool] of more.entries()) {
      tools.push(yield* Effect.mapError(decodeTool(tool), (error) => misread(opened.name, error)))
      if (place % toolsInTurn === toolsInTurn - 1) yield* Effect.yieldNow
    }
    cursor = nextCursor
    if (cursor === undefined) return tools
    if (cursors.has(cursor)) return yield* unreadable(opened.name, "it names the same page twice")
    cursors.add(cursor)
  } while (cursors.size < maxPages)
  return yield* unreadable(opened.name, `it has more than ${maxPages} pages`)
})

const isArguments = (args: unknown): args is Record<string, unknown> => typeof args === "object" && args !== null

const toolOf = (
  opened: OpenClient,
  { concurrency, needsApproval }: McpOptions,
  timeout: Duration.Duration,
  tool: McpTool,
  name: string,
): Tool.Tool => {
  const { client, messageOf, name: server } = opened
  return Tool.make<McpTool["inputSchema"], string | Tool.ToolContent, string>(name, {
    description: tool.description ?? tool.title,
    parameters: tool.inputSchema,
    timeout,
    concurrency,
    needsApproval: typeof needsApproval === "function" ? needsApproval(tool) : needsApproval,
    execute: (args: unknown) =>
      Effect.tryPromise({
        try: (signal) =>
          client.callTool({ name: tool.name, arguments: isArguments(args) ? args : {} }, { signal, timeout: never }),
        catch: (error) => `the MCP server ${server} did not answer the call: ${messageOf(error)}`,
      }).pipe(Effect.flatMap(McpResult.read)),
  })
}

/**
 * Connects to an MCP server for as long as the scope is open. Fails with an `LlmError`: `ConfigurationError` where the
 * package `@modelcontextprotocol/client` is missing, `ConnectionError` where the server cannot be reached, `TimeoutError`.
 */
export const connect = Effect.fnUntraced(function* (
  options: McpOptions,
): Effect.fn.Return<McpConnection, LlmError, Scope.Scope> {
  let current: ReadonlyArray<Tool.Tool> | undefined
  let changes = 0
  const opened = yield* open(options, () => {
    current = undefined
    changes++
    options.onToolsChanged?.()
  })
  const { instructions, name } = opened
  const fails = (reason: LlmErrorReason): LlmError => failure(name, reason)
  const timeout = yield* Effect.mapError(durationOf("timeout", options.timeout ?? "60 seconds"), fails)
  const limit = yield* Effect.mapError(durationOf("connectTimeout", options.connectTimeout ?? "30 seconds"), fails)
  const late = new TimeoutError({
    message: `the MCP server ${name} did not list its tools within ${Duration.format(limit)}`,
    clock: "total",
    limitMs: Duration.toMillis(limit),
  })
  const asked = Effect.timeoutOrElse(listed(opened), { duration: limit, orElse: () => Effect.fail(late) })
  const { include = () => true, prefix = "" } = options
  const tools = Effect.gen(function* () {
    if (current !== undefined) return current
    const before = changes
    const found = (yield* Effect.mapError(asked, fails)).filter(include)
    const names = new ModelNames(prefix)
    // A schema that cannot be read is told of when a run is given its tool.
    const made: Array<Tool.Tool> = []
    for (const [place, tool] of found.entries()) {
      SchemaReader.distrust(tool.inputSchema)
      made.push(toolOf(opened, options, timeout, tool, names.next(tool.name)))
      if (place % toolsInTurn === toolsInTurn - 1) yield* Effect.yieldNow
    }
    if (opened.tellsOfChanges && before === changes) current = made
    return made
  })
  return { name, instructions, tools }
})
