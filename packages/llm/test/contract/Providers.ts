/** The table of providers that every law is tested on: the same wires at different addresses, with different headers. */
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { Anthropic, AzureOpenAi, LiteLlm, type LlmError, type LlmProvider, OpenAi } from "../../src/index.ts"
import type { LLMInterface } from "../../src/index.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { wires } from "../faults/Wires.ts"
import type { WireText } from "../faults/WireText.ts"

export type InterfaceOptions = NonNullable<ConstructorParameters<typeof LLMInterface>[0]>

/** One provider: its Layer at a server, and what the promise surface is given to reach the same. */
export interface ContractProvider {
  readonly name: string
  readonly wire: WireText
  readonly model: string
  /** The name that its errors and metadata carry. */
  readonly provider: string
  readonly layer: (url: string, apiKey?: string) => Layer.Layer<LlmProvider, LlmError>
  readonly options: (url: string, apiKey?: string) => InterfaceOptions
}

export const defaultKey = "sk-contract-0123456789"

const chatModel = "gpt-5-mini"
const messagesModel = "claude-sonnet-5"

export const openai: ContractProvider = {
  name: "openai",
  provider: "openai",
  wire: wires.chat,
  model: chatModel,
  layer: (url, apiKey = defaultKey) =>
    OpenAi.layer({ apiKey: Redacted.make(apiKey), apiBase: `${url}/v1`, model: chatModel }),
  options: (url, apiKey = defaultKey) => ({ provider: "openai", apiKey, apiBase: `${url}/v1`, model: chatModel }),
}

export const anthropic: ContractProvider = {
  name: "anthropic",
  provider: "anthropic",
  wire: wires.messages,
  model: messagesModel,
  layer: (url, apiKey = defaultKey) =>
    Anthropic.layer({ apiKey: Redacted.make(apiKey), apiBase: url, model: messagesModel }),
  options: (url, apiKey = defaultKey) => ({ provider: "anthropic", apiKey, apiBase: url, model: messagesModel }),
}

export const azure: ContractProvider = {
  name: "azure",
  provider: "azure",
  wire: wires.chat,
  model: "my-deployment",
  layer: (url, apiKey = defaultKey) =>
    AzureOpenAi.layer({
      apiKey: Redacted.make(apiKey),
      apiBase: url,
      apiVersion: "2024-10-21",
      model: "my-deployment",
    }),
  options: (url, apiKey = defaultKey) => ({
    provider: "azure",
    apiKey,
    apiBase: url,
    apiVersion: "2024-10-21",
    model: "my-deployment",
  }),
}

export const azureV1: ContractProvider = {
  ...azure,
  name: "azure v1",
  layer: (url, apiKey = defaultKey) =>
    AzureOpenAi.layer({ apiKey: Redacted.make(apiKey), apiBase: url, apiVersion: "v1", model: "my-deployment" }),
  options: (url, apiKey = defaultKey) => ({
    provider: "azure",
    apiKey,
    apiBase: url,
    apiVersion: "v1",
    model: "my-deployment",
  }),
}

export const litellm: ContractProvider = {
  name: "litellm proxy",
  provider: "litellm",
  wire: wires.chat,
  model: "alias",
  layer: (url, apiKey = defaultKey) => LiteLlm.layer({ apiKey: Redacted.make(apiKey), apiBase: url, model: "alias" }),
  options: (url, apiKey = defaultKey) => ({ provider: "litellm", apiKey, apiBase: url, model: "alias" }),
}

export const openaiResponses: ContractProvider = {
  ...openai,
  name: "openai over responses",
  wire: wires.responses,
  layer: (url, apiKey = defaultKey) =>
    OpenAi.layer({ apiKey: Redacted.make(apiKey), apiBase: `${url}/v1`, model: chatModel, wireApi: "responses" }),
  options: (url, apiKey) => ({ ...openai.options(url, apiKey), wireApi: "responses" }),
}

export const azureResponses: ContractProvider = {
  ...azure,
  name: "azure over responses",
  wire: wires.responses,
  layer: (url, apiKey = defaultKey) =>
    AzureOpenAi.layer({
      apiKey: Redacted.make(apiKey),
      apiBase: url,
      apiVersion: "2025-04-01-preview",
      model: "my-deployment",
      wireApi: "responses",
    }),
  options: (url, apiKey) => ({
    ...azure.options(url, apiKey),
    apiVersion: "2025-04-01-preview",
    wireApi: "responses",
  }),
}

export const providers: ReadonlyArray<ContractProvider> = [
  openai,
  openaiResponses,
  anthropic,
  azure,
  azureV1,
  azureResponses,
  litellm,
]

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
