/** The methods of `LLMInterface` as functions, on one interface that the environment configures. */
import type { AnySchema, OutputOf } from "../tools/schemas/AnySchema.ts"
import type { EventStream } from "./EventStream.ts"
import { LLMInterface } from "./LLMInterface.ts"
import type {
  CountTokensResponse,
  EmbedOptions,
  EmbedResponse,
  GenerateObjectOptions,
  GenerateObjectResponse,
  GenerateOptions,
  ModelsOptions,
  ModelsResponse,
  WithPrompt,
} from "./Llm.ts"
import type { ObjectStream } from "./programs/ObjectPromises.ts"
import type { RunToolsOptions, RunToolsResponse, ToolStream } from "./programs/ToolPromises.ts"
import type { GenerateResponse } from "./PromiseResponse.ts"

let shared: LLMInterface | undefined

const environment = (): LLMInterface => (shared ??= new LLMInterface())

/**
 * `LLMInterface.generate` on the stack from the environment, built once, at the first call. After a failure of the
 * configuration the next call reads the environment again.
 */
export const generate = (options: GenerateOptions | WithPrompt<GenerateOptions>): Promise<GenerateResponse> =>
  environment().generate(options)

/** `LLMInterface.generateObject` on the stack from the environment, which `generate` shares. */
export const generateObject = <const S extends AnySchema>(
  options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
): Promise<GenerateObjectResponse<OutputOf<S>>> => environment().generateObject(options)

/** `LLMInterface.stream` on the stack from the environment, which `generate` shares. */
export const stream = (options: GenerateOptions | WithPrompt<GenerateOptions>): EventStream =>
  environment().stream(options)

/** `LLMInterface.streamObject` on the stack from the environment, which `generate` shares. */
export const streamObject = <const S extends AnySchema>(
  options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
): ObjectStream<S> => environment().streamObject(options)

/** `LLMInterface.runTools` on the stack from the environment, which `generate` shares. */
export const runTools = (options: RunToolsOptions | WithPrompt<RunToolsOptions>): Promise<RunToolsResponse> =>
  environment().runTools(options)

/** `LLMInterface.streamTools` on the stack from the environment, which `generate` shares. */
export const streamTools = (options: RunToolsOptions | WithPrompt<RunToolsOptions>): ToolStream =>
  environment().streamTools(options)

/** `LLMInterface.embed` on the stack from the environment, which `generate` shares. */
export const embed = (options: EmbedOptions): Promise<EmbedResponse> => environment().embed(options)

/** `LLMInterface.models` on the stack from the environment, which `generate` shares. */
export const models = (options?: ModelsOptions): Promise<ModelsResponse> => environment().models(options)

/** `LLMInterface.countTokens` on the stack from the environment, which `generate` shares. */
export const countTokens = (options: GenerateOptions | WithPrompt<GenerateOptions>): Promise<CountTokensResponse> =>
  environment().countTokens(options)
