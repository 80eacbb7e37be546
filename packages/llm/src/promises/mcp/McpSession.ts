/** The tools of an MCP server for programs that use promises. Behind it is the same connection as in `McpConnection`. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Cause from "effect/Cause"
import * as Scope from "effect/Scope"
import { connect, type McpConnection } from "../../tools/mcp/McpConnection.ts"
import type { McpOptions } from "../../tools/mcp/McpOptions.ts"
import type { Tool } from "../../tools/Tool.ts"

/** What a failed effect failed with, thrown. */
const given = async <A, E>(effect: Effect.Effect<A, E>): Promise<A> => {
  const exit = await Effect.runPromiseExit(effect)
  if (Exit.isSuccess(exit)) return exit.value
  throw Cause.squash(exit.cause)
}

/** An open connection to an MCP server. `await using` closes it. */
export class McpSession implements AsyncDisposable {
  private readonly connection: McpConnection
  private readonly scope: Scope.Closeable

  /** Made by `connectMcp`. */
  constructor(connection: McpConnection, scope: Scope.Closeable) {
    this.connection = connection
    this.scope = scope
  }

  /** What the server is called in errors. */
  get name(): string {
    return this.connection.name
  }

  /** How the server wants to be used, for a system message; undefined where it does not say. */
  get instructions(): string | undefined {
    return this.connection.instructions
  }

  /**
   * The server's tools as they are now, for `runTools` and `streamTools`. They are asked for once, and again when the
   * server has said that they changed. Rejects with an `LlmError`.
   */
  tools(): Promise<ReadonlyArray<Tool>> {
    return given(this.connection.tools)
  }

  /** Closes the connection, and ends the server's process where there is one. Safe to call more than once. */
  close(): Promise<void> {
    return Effect.runPromise(Scope.close(this.scope, Exit.void))
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Connects to an MCP server: `{ command, args }` starts one, `{ url, headers }` reaches one, `{ client }` takes a client
 * that is connected already. Needs the package `@modelcontextprotocol/client`. Rejects with an `LlmError`.
 */
export const connectMcp = async (options: McpOptions): Promise<McpSession> => {
  const scope = Scope.makeUnsafe()
  const exit = await Effect.runPromiseExit(Scope.provide(connect(options), scope))
  if (Exit.isSuccess(exit)) return new McpSession(exit.value, scope)
  await Effect.runPromise(Scope.close(scope, Exit.void))
  throw Cause.squash(exit.cause)
}
