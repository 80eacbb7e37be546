/**
 * Any service that speaks Chat Completions with its key in a header. OpenAI, the LiteLLM proxy and every compatible service
 * are this at another address; a new one is a row of the registry, not a file of code.
 */
import * as Effect from "effect/Effect"
import type { LlmError } from "../model/LlmError.ts"
import * as ChatCompletions from "../protocols/chat-completions/ChatCompletions.ts"
import type { ModelCapabilities } from "../protocols/encoding/ModelCapabilities.ts"
import { responsesOf } from "#protocols"
import * as Setting from "../settings/Setting.ts"
import type { Protocol } from "../protocols/Protocol.ts"
import type { Endpoint, ServiceAddress } from "../transport/Endpoint.ts"
import * as ApiBase from "./addresses/ApiBase.ts"
import * as Credential from "./Credential.ts"
import { checked } from "./OptionCheck.ts"
import type { TargetOptions, WireApi } from "./ProviderOptions.ts"
import type { ProviderRow } from "./ProviderRow.ts"

/** What only some services need said. */
type Optional = Partial<Omit<ProviderRow, "embeddings" | "endpoint" | "example" | "name" | "title" | "variables">>

/** What an address is made of. */
export type ServiceFacts = Pick<
  ProviderRow,
  | "apiBase"
  | "example"
  | "fallbackModel"
  | "hasOwnModelNames"
  | "isKeyOptional"
  | "keyHeader"
  | "name"
  | "priceList"
  | "telemetryName"
>

/** What differs between services. */
export interface Service extends Optional, Pick<ProviderRow, "name" | "title"> {
  /** How its variables begin; its name in capitals unless said. */
  readonly prefix?: string
  readonly example?: Partial<ProviderRow["example"]>
  /** What every model is refused there, whatever its name says. */
  readonly capabilities?: Partial<ModelCapabilities> | undefined
  /** Sent with every request, unless the options say otherwise. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** One of the protocols of these services, and where it is spoken. */
interface Wire {
  readonly path: string
  readonly protocolOf: (provider: string) => Effect.Effect<Protocol>
}

/** The two protocols of these services, by the option that chooses one. */
export const wireApis: Readonly<Record<WireApi, Wire>> = {
  chat: { path: "/chat/completions", protocolOf: () => Effect.succeed(ChatCompletions.protocol) },
  responses: {
    path: "/responses",
    protocolOf: responsesOf,
  },
}

/** The path of a call, with which a base may have been written. */
const callPath = /\/(chat\/completions|responses|embeddings)$/

/** Refuses Responses where a service does not serve it. */
export const spoken = (
  row: Pick<ProviderRow, "protocols" | "title">,
  wireApi: WireApi,
): Effect.Effect<WireApi, LlmError> =>
  wireApi === "chat" || row.protocols.includes(wireApi)
    ? Effect.succeed(wireApi)
    : Effect.fail(Setting.invalid("wireApi", `${row.title} does not serve Responses; write chat, or leave it out`))

/** Where a service answers at a path, with its key. */
export const address = (
  row: ServiceFacts,
  options: TargetOptions,
  headers: Service["headers"],
  path: string,
): Effect.Effect<ServiceAddress, LlmError> =>
  Effect.gen(function* () {
    yield* checked(options)
    const { example } = row
    const given = options.apiBase ?? row.apiBase
    if (given === undefined) {
      const problem = `is not set; write for example ${example.baseVariable}=${example.apiBase}`
      return yield* Setting.invalid(example.baseVariable, problem)
    }
    const base = yield* ApiBase.read(example.baseVariable, given, example.apiBase)
    const more = { ...headers, ...options.headers }
    const authorized =
      row.isKeyOptional && options.apiKey === undefined
        ? { headers: Effect.succeed(more) }
        : yield* Credential.authorization(options.apiKey, {
            setting: example.keyVariable,
            example: example.apiKey,
            keyHeader: options.keyHeader ?? row.keyHeader,
            headers: more,
          })
    const url = ApiBase.urlOf({ ...base, path: base.path.replace(callPath, "") }, path)
    return {
      ...authorized,
      transport: options,
      provider: options.name ?? row.name,
      telemetryName: options.name ?? row.telemetryName,
      // A service at another address has prices of its own.
      priceList: ApiBase.isAt(base, row.apiBase) ? row.priceList : undefined,
      prices: options.prices,
      pricesModelAsked: !row.hasOwnModelNames,
      model: options.model,
      exampleModel: row.fallbackModel,
      url: () => url,
    }
  })

/** What reaches a service that speaks Chat Completions. */
export const endpoint = (
  row: ServiceFacts & Pick<ProviderRow, "protocols" | "title">,
  options: TargetOptions,
  service: Pick<Service, "capabilities" | "headers"> = {},
): Effect.Effect<Endpoint, LlmError> =>
  Effect.gen(function* () {
    yield* checked(options)
    const wire = wireApis[yield* spoken(row, options.wireApi ?? "chat")]
    const capabilities =
      service.capabilities === undefined ? options.capabilities : { ...service.capabilities, ...options.capabilities }
    return {
      ...(yield* address(row, options, service.headers, wire.path)),
      protocol: yield* wire.protocolOf(options.name ?? row.name),
      capabilities: () => capabilities,
    }
  })

/** The row of a service that needs no code of its own. */
export const row = ({ capabilities, headers, prefix, ...service }: Service): ProviderRow => {
  const begin = prefix ?? service.name.toUpperCase().replaceAll("-", "_")
  const variables = {
    apiKey: `${begin}_API_KEY`,
    apiBase: `${begin}_API_BASE`,
    ...(service.protocols?.includes("responses") === true ? { wireApi: `${begin}_WIRE_API` } : {}),
  }
  const own: Omit<ProviderRow, "embeddings" | "endpoint"> = {
    aliases: [],
    apiBase: undefined,
    isKeyOptional: false,
    telemetryName: service.name,
    fallbackModel: undefined,
    families: [],
    servesFamiliesOf: [],
    hasOwnModelNames: false,
    isRouter: false,
    priceList: undefined,
    protocols: ["chat-completions"],
    ...service,
    variables,
    example: {
      keyVariable: variables.apiKey,
      apiKey: "sk-…",
      baseVariable: variables.apiBase,
      apiBase: service.apiBase ?? "https://llm.example.com/v1",
      ...service.example,
    },
  }
  return { ...own, endpoint: (options) => endpoint(own, options, { capabilities, headers }) }
}
