/** The table of providers that every law is tested on: the same wires at different addresses, with different headers. */
import type * as Layer from "effect/Layer"
import type { HttpClient } from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { Anthropic, AzureOpenAi, LiteLlm, type LlmError, type LlmProvider, OpenAi } from "../../src/index.ts"
import { type LLMInterface, type Overrides, ProviderRegistry } from "../../src/index.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { wires } from "../faults/Wires.ts"
import type { WireText } from "../faults/WireText.ts"

export type InterfaceOptions = NonNullable<ConstructorParameters<typeof LLMInterface>[0]>

/** Every option that the tests give to a provider. */
export interface LayerOptions extends ProviderRegistry.TargetOptions {
  readonly apiBase: string
}

/** What every provider exports: the compiler refuses a row whose module lacks one of them. */
export interface ProviderModule {
  readonly layer: (options: LayerOptions) => Layer.Layer<LlmProvider, LlmError>
  readonly layerHttpClient: (options: LayerOptions) => Layer.Layer<LlmProvider, LlmError, HttpClient>
  readonly layerConfig: (overrides?: Overrides<LayerOptions>) => Layer.Layer<LlmProvider, LlmError>
}

/** One row of the table. All of it is what the service's documentation says, and nothing is read from the provider. */
interface ProviderFacts {
  /** The name in titles of tests. */
  readonly name: string
  /** The name that its errors and metadata carry. */
  readonly provider: ProviderRegistry.ProviderName
  readonly module: ProviderModule
  readonly wire: WireText
  readonly model: string
  /** What follows the server in the address that a program gives. */
  readonly base: string
  /** Where a call arrives, with its query. */
  readonly path: string
  /** The header that holds the key, and what stands before the key there. */
  readonly keyHeader: readonly [name: string, scheme: "" | "Bearer "]
  /** What else a request says of itself. */
  readonly headers?: Readonly<Record<string, string>>
  /** What chooses this form of the provider. */
  readonly chosenBy?: Pick<LayerOptions, "apiVersion" | "wireApi">
}

/** One provider: its Layers at a server, and what the promise surface is given to reach the same. */
export interface ContractProvider extends ProviderFacts {
  readonly row: ProviderRegistry.ProviderRow
  /** The header that holds a key, as it is sent. */
  readonly headerOf: (key: string) => Readonly<Record<string, string>>
  /** All that a program must say to reach it, but for the key. */
  readonly optionsAt: (url: string) => LayerOptions
  /** With the default key, as far as `more` does not say otherwise. */
  readonly layerOf: (url: string, more?: Partial<LayerOptions>) => Layer.Layer<LlmProvider, LlmError>
  readonly layer: (url: string, apiKey?: string) => Layer.Layer<LlmProvider, LlmError>
  readonly options: (url: string, apiKey?: string) => InterfaceOptions
  /** The variables that say the same as `optionsAt`. */
  readonly settings: (url: string, apiKey: string) => Readonly<Record<string, string>>
}

export const defaultKey = "sk-contract-0123456789"

const rowOf = (name: ProviderRegistry.ProviderName): ProviderRegistry.ProviderRow => {
  const row = ProviderRegistry.find(name)
  if (row === undefined) throw new Error(`the registry has no ${name}`)
  return row
}

const contractProvider = (facts: ProviderFacts): ContractProvider => {
  const { base, chosenBy = {}, model, module, provider } = facts
  const [keyName, scheme] = facts.keyHeader
  const row = rowOf(provider)
  const optionsAt = (url: string): LayerOptions => ({ apiBase: `${url}${base}`, model, ...chosenBy })
  const layerOf: ContractProvider["layerOf"] = (url, more) =>
    module.layer({ ...optionsAt(url), apiKey: Redacted.make(defaultKey), ...more })
  return {
    ...facts,
    row,
    headerOf: (key) => ({ [keyName]: `${scheme}${key}` }),
    optionsAt,
    layerOf,
    layer: (url, apiKey = defaultKey) => layerOf(url, { apiKey: Redacted.make(apiKey) }),
    options: (url, apiKey = defaultKey) => ({ provider, apiKey, ...optionsAt(url) }),
    settings: (url, apiKey) => {
      const { variables } = row
      const said: Record<string, string> = { PRIMARY_MODEL: model }
      const say = (variable: string | undefined, value: string | undefined) => {
        if (variable !== undefined && value !== undefined) said[variable] = value
      }
      say(variables.apiKey, apiKey)
      say(variables.apiBase, `${url}${base}`)
      say(variables.apiVersion, chosenBy.apiVersion)
      say(variables.wireApi, chosenBy.wireApi)
      return said
    },
  }
}

const openaiFacts: ProviderFacts = {
  name: "openai",
  provider: "openai",
  module: OpenAi,
  wire: wires.chat,
  model: "gpt-5-mini",
  base: "/v1",
  path: "/v1/chat/completions",
  keyHeader: ["authorization", "Bearer "],
}

const azureFacts: ProviderFacts = {
  name: "azure",
  provider: "azure",
  module: AzureOpenAi,
  wire: wires.chat,
  model: "my-deployment",
  base: "",
  path: "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21",
  keyHeader: ["api-key", ""],
  chosenBy: { apiVersion: "2024-10-21" },
}

export const openai = contractProvider(openaiFacts)

export const openaiResponses = contractProvider({
  ...openaiFacts,
  name: "openai over responses",
  wire: wires.responses,
  path: "/v1/responses",
  chosenBy: { wireApi: "responses" },
})

export const anthropic = contractProvider({
  name: "anthropic",
  provider: "anthropic",
  module: Anthropic,
  wire: wires.messages,
  model: "claude-sonnet-5",
  base: "",
  path: "/v1/messages",
  keyHeader: ["x-api-key", ""],
  headers: { "anthropic-version": "2023-06-01" },
})

const azure = contractProvider(azureFacts)

const azureV1 = contractProvider({
  ...azureFacts,
  name: "azure v1",
  path: "/openai/v1/chat/completions",
  chosenBy: { apiVersion: "v1" },
})

const azureResponses = contractProvider({
  ...azureFacts,
  name: "azure over responses",
  wire: wires.responses,
  path: "/openai/responses?api-version=2025-04-01-preview",
  chosenBy: { apiVersion: "2025-04-01-preview", wireApi: "responses" },
})

const litellm = contractProvider({
  name: "litellm proxy",
  provider: "litellm",
  module: LiteLlm,
  wire: wires.chat,
  model: "alias",
  base: "",
  path: "/chat/completions",
  keyHeader: ["authorization", "Bearer "],
  headers: { "x-litellm-num-retries": "0" },
})

/** `test/providers/Registry.test.ts` wants a row here of every provider that has a file. */
export const providers: ReadonlyArray<ContractProvider> = [
  openai,
  openaiResponses,
  anthropic,
  azure,
  azureV1,
  azureResponses,
  litellm,
]

const keyHeaders = new Set(providers.map(({ keyHeader: [name] }) => name))

/** The key that a request carries, in the header of any of these providers; undefined where there is none. */
export const keyOf = ({ headers }: { readonly headers: Readonly<Record<string, string | undefined>> }) =>
  [...keyHeaders].map((name) => headers[name]?.replace("Bearer ", "")).find((key) => key !== undefined)

/** One provider of each wire, for laws that only the wire or the policies can break. */
export const oneOfEachWire: ReadonlyArray<ContractProvider> = [openai, openaiResponses, anthropic]

/** One cell of the table. `toString` and the `$` names are for test titles. */
export interface Cell {
  readonly on: string
  readonly call: CallName
  readonly provider: ContractProvider
}

const cellsOf = (among: ReadonlyArray<ContractProvider>, calls: ReadonlyArray<CallName>): ReadonlyArray<Cell> =>
  among.flatMap((provider) => calls.map((call) => ({ on: `${call}, ${provider.name}`, call, provider })))

/** Every provider with both calls. */
export const cells = cellsOf(providers, ["generate", "stream"])
export const streamCells = cellsOf(providers, ["stream"])
export const generateCells = cellsOf(providers, ["generate"])
export const wireCells = cellsOf(oneOfEachWire, ["generate", "stream"])
export const wireStreamCells = cellsOf(oneOfEachWire, ["stream"])
