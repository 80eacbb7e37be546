/**
 * Opens the connection to an MCP server with the official client, a package that the program has beside this library and
 * that is loaded when it is first used. It knows no tools.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Scope from "effect/Scope"
import { load } from "#installed-package"
import {
  ConfigurationError,
  ConnectionError,
  LlmError,
  type LlmErrorReason,
  TimeoutError,
} from "../../model/LlmError.ts"
import type { McpClientLike, McpHttp, McpOptions, McpStdio } from "./McpOptions.ts"

const packageName = "@modelcontextprotocol/client"

/** An open connection. */
export interface OpenClient {
  readonly client: McpClientLike
  /** What the server is called in errors. */
  readonly name: string
  readonly instructions: string | undefined
  /** True where the server says when its tools change. */
  readonly tellsOfChanges: boolean
  /** Fails with what a promise of the client rejected with, without the secrets of its headers. */
  readonly messageOf: (error: unknown) => string
}

/** What of the official client is used here, beside its calls. */
interface SdkClient extends McpClientLike {
  readonly connect: (transport: object, options: { readonly signal: AbortSignal }) => Promise<void>
  readonly close: () => Promise<void>
  readonly getServerCapabilities: () => unknown
  readonly getInstructions: () => unknown
}

const calls = ["listTools", "callTool"] as const

const hasFunctions = (value: unknown, names: ReadonlyArray<string>): boolean =>
  names.every((name) => Predicate.hasProperty(value, name) && typeof value[name] === "function")

const isClient = (value: unknown): value is McpClientLike => hasFunctions(value, calls)

const isSdkClient = (value: unknown): value is SdkClient =>
  hasFunctions(value, [...calls, "connect", "close", "getServerCapabilities", "getInstructions"])

/** The failure of a server that is called `name`. */
export const failure = (name: string, reason: LlmErrorReason): LlmError =>
  new LlmError({ reason, provider: name, attempts: [] })

const wrong = (setting: string, message: string): ConfigurationError => new ConfigurationError({ setting, message })

/** The words of headers' values, keys among them. */
const secretsOf = (options: McpOptions): ReadonlyArray<string> =>
  "url" in options
    ? Object.values(options.headers ?? {})
        .flatMap((value) => value.split(/\s+/))
        .filter((word) => word.length >= 6)
    : []

const messagesWithout =
  (secrets: ReadonlyArray<string>) =>
  (error: unknown): string => {
    const said = error instanceof Error ? error.message : String(error)
    const cause = error instanceof Error && error.cause instanceof Error ? `: ${error.cause.message}` : ""
    const blanked = secrets.reduce((text, secret) => text.replaceAll(secret, "<redacted>"), `${said}${cause}`)
    return blanked.length > 500 ? `${blanked.slice(0, 500)}…` : blanked
  }

/** The time that a setting allows. */
export const durationOf = (
  setting: "timeout" | "connectTimeout",
  input: Duration.Input,
): Effect.Effect<Duration.Duration, ConfigurationError> =>
  Effect.mapError(Effect.fromOption(Duration.fromInput(input)), () =>
    wrong(setting, `${setting} is not a duration: ${JSON.stringify(input)}; write for example "30 seconds"`),
  )

type Made = (name: string, args: ReadonlyArray<unknown>) => Effect.Effect<object, ConfigurationError>

/** Makes objects of a module's classes. */
const makerOf = (module: string): Effect.Effect<Made, ConfigurationError> =>
  Effect.map(
    Effect.mapError(load(module), () =>
      wrong(
        "mcp",
        `MCP servers need the package ${packageName}: add it (npm install ${packageName}), or, in a bundle, ` +
          `connect its Client yourself and pass it as client`,
      ),
    ),
    (loaded): Made =>
      (name, args) =>
        Effect.suspend(() => {
          const made = Predicate.hasProperty(loaded, name) ? loaded[name] : undefined
          if (typeof made === "function") return Effect.sync((): object => Reflect.construct(made, args))
          return Effect.fail(wrong("mcp", `the package ${packageName} has no ${name}: add version 2 or newer`))
        }),
  )

const stdioTransport = ({ args = [], command, cwd, env, stderr }: McpStdio) =>
  Effect.flatMap(makerOf(`${packageName}/stdio`), (make) =>
    make("StdioClientTransport", [{ command, args: [...args], cwd, env, stderr }]),
  )

const httpTransport = ({ authProvider, fetch, headers, url }: McpHttp) =>
  Effect.gen(function* () {
    const make = yield* makerOf(packageName)
    const address = yield* Effect.try({
      try: () => new URL(url),
      catch: () => wrong("url", `url is not an address: write for example "https://example.com/mcp"`),
    })
    return yield* make("StreamableHTTPClientTransport", [
      address,
      { authProvider, fetch, requestInit: headers === undefined ? undefined : { headers: { ...headers } } },
    ])
  })

const isStdio = (options: McpOptions): options is McpOptions & McpStdio => "command" in options

const isHttp = (options: McpOptions): options is McpOptions & McpHttp => "url" in options

const version = "0.1.0"

/** Who asks, for the server's records. */
const clientInfo = { name: "@wiseflow/llm", version }

/** A server that is started as a process is not started twice to learn what it speaks: it is spoken to as all understand. */
const clientOptions = (options: McpOptions, changed: () => void) => ({
  ...(isHttp(options) ? { versionNegotiation: { mode: "auto" } } : {}),
  listChanged: { tools: { autoRefresh: false, debounceMs: 0, onChanged: changed } },
})

const tellsOfChanges = (client: SdkClient): boolean => {
  const capabilities = client.getServerCapabilities()
  return (
    Predicate.hasProperty(capabilities, "tools") &&
    Predicate.hasProperty(capabilities.tools, "listChanged") &&
    capabilities.tools.listChanged === true
  )
}

const nameOf = (options: McpOptions): string => {
  if (options.name !== undefined) return options.name
  if (isStdio(options)) return options.command
  return isHttp(options) && URL.canParse(options.url) ? new URL(options.url).host : "mcp"
}

/** Ends what a transport has open: a session at the server, then the connection or the process. */
const release = (client: SdkClient, transport: object): Effect.Effect<void> => {
  const terminate = Predicate.hasProperty(transport, "terminateSession") ? transport.terminateSession : undefined
  const ending = Effect.ignore(
    Effect.tryPromise(async () => {
      if (typeof terminate === "function") await terminate.call(transport)
    }),
  )
  // A server that is gone cannot be told.
  return ending.pipe(
    Effect.timeoutOption("1 second"),
    Effect.andThen(Effect.ignore(Effect.tryPromise(() => client.close()))),
  )
}

const connected = (
  options: McpOptions & (McpStdio | McpHttp),
  name: string,
  messageOf: OpenClient["messageOf"],
  changed: () => void,
): Effect.Effect<SdkClient, LlmErrorReason, Scope.Scope> =>
  Effect.gen(function* () {
    const limit = yield* durationOf("connectTimeout", options.connectTimeout ?? "30 seconds")
    const make = yield* makerOf(packageName)
    const transport = yield* isStdio(options) ? stdioTransport(options) : httpTransport(options)
    const client = yield* make("Client", [clientInfo, clientOptions(options, changed)])
    if (!isSdkClient(client)) return yield* wrong("mcp", `the package ${packageName} is another than was expected`)
    yield* Effect.addFinalizer(() => release(client, transport))
    const connecting = Effect.tryPromise({
      try: (signal) => client.connect(transport, { signal }),
      catch: (error) =>
        new ConnectionError({ message: `the MCP server ${name} cannot be reached: ${messageOf(error)}` }),
    })
    yield* Effect.timeoutOrElse(connecting, {
      duration: limit,
      orElse: () =>
        new TimeoutError({
          message: `the MCP server ${name} did not answer within ${Duration.format(limit)}`,
          clock: "total",
          limitMs: Duration.toMillis(limit),
        }),
    })
    return client
  })

/** Opens the connection for as long as the scope is. `changed` is called when the server's tools change. */
export const open = (options: McpOptions, changed: () => void): Effect.Effect<OpenClient, LlmError, Scope.Scope> =>
  Effect.suspend((): Effect.Effect<OpenClient, LlmError, Scope.Scope> => {
    const name = nameOf(options)
    const messageOf = messagesWithout(secretsOf(options))
    const places = ["command", "url", "client"].filter((place) => place in options)
    if (places.length !== 1) {
      const message = "name one of command, url and client, to say where the MCP server is"
      return Effect.fail(failure(name, wrong("mcp", message)))
    }
    if (isStdio(options) || isHttp(options)) {
      return connected(options, name, messageOf, changed).pipe(
        Effect.mapError((reason) => failure(name, reason)),
        Effect.map((client) => ({
          client,
          name,
          messageOf,
          instructions: Option.getOrUndefined(Option.liftPredicate(client.getInstructions(), Predicate.isString)),
          tellsOfChanges: tellsOfChanges(client),
        })),
      )
    }
    const { client } = options
    return isClient(client)
      ? Effect.succeed({ client, name, messageOf, instructions: undefined, tellsOfChanges: false })
      : Effect.fail(failure(name, wrong("client", "client has no listTools and callTool: pass a connected MCP client")))
  })
