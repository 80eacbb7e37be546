/** Where an MCP server is, and what its tools may do. It opens nothing: `McpClient` does. */
import type * as Duration from "effect/Duration"
import type { McpTool } from "./McpTool.ts"

/** A server that this program starts as a process and talks to over its standard input and output. Node only. */
export interface McpStdio {
  /** The program to start. */
  readonly command: string
  /** Its arguments. */
  readonly args?: ReadonlyArray<string> | undefined
  /** Variables beside the few that every server gets (`PATH`, `HOME` and their like). Keys of this program are not passed on. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** The directory that it starts in. */
  readonly cwd?: string | undefined
  /** What becomes of what it writes to its standard error. Default `inherit`. */
  readonly stderr?: "inherit" | "ignore" | undefined
}

/** A server at an address, over streamable HTTP. */
export interface McpHttp {
  /** Where it answers: `https://example.com/mcp`. */
  readonly url: string | URL
  /** Sent with every request. Their values appear in no error. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /** Sends the requests, in place of the platform's `fetch`. */
  readonly fetch?: ((url: string | URL, init?: RequestInit) => Promise<Response>) | undefined
  /** OAuth: an `AuthProvider` or `OAuthClientProvider` of `@modelcontextprotocol/client`. */
  readonly authProvider?: object | undefined
}

/** What a request to a server may be told. */
export interface McpRequestOptions {
  /** Aborts the request. */
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly timeout: number
}

/** What of a connected client is used. `Client` of `@modelcontextprotocol/client` is one. */
export interface McpClientLike {
  /** One page of the server's tools, or all of them. */
  readonly listTools: (params: { cursor: string } | undefined, options: McpRequestOptions) => Promise<unknown>
  /** Calls a tool, and gives what the server answered. */
  readonly callTool: (
    params: { name: string; arguments: Record<string, unknown> },
    options: McpRequestOptions,
  ) => Promise<unknown>
}

/** A client that the program has connected itself, and closes itself. */
export interface McpGiven {
  /** The connected client. */
  readonly client: McpClientLike
}

/** What holds for any server. */
export interface McpSettings {
  /** What the server is called in errors. Default: the command, or the host of the address. */
  readonly name?: string | undefined
  /** Put before the name of every tool, so that the tools of several servers stay apart. */
  readonly prefix?: string | undefined
  /** Chooses among the server's tools. Default: all. */
  readonly include?: ((tool: McpTool) => boolean) | undefined
  /** Which tools run only where the loop's `approve` allows it. Servers' own hints are in `tool.annotations`. */
  readonly needsApproval?: boolean | ((tool: McpTool) => boolean) | undefined
  /** The longest that one call of a tool may take. Default 60 seconds. */
  readonly timeout?: Duration.Input | undefined
  /** The longest that connecting, and listing the tools, may take. Default 30 seconds. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How many calls of one tool may run at once. */
  readonly concurrency?: number | undefined
  /** Is called when the server says that its tools have changed; `tools` then lists them anew. Not with `client`. */
  readonly onToolsChanged?: (() => void) | undefined
}

/** An MCP server: exactly one of `command`, `url` and `client` says where it is. */
export type McpOptions = McpSettings & (McpStdio | McpHttp | McpGiven)
