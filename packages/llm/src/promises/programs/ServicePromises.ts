/**
 * The calls of the promise API that go to another service than `LlmProvider`, one section each: how their arguments are read, and
 * what they ask of the stack. A Layer of the program's own may provide none of these services.
 */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { EmbeddingProvider, EmbeddingRequest, type EmbeddingResponse } from "../../model/EmbeddingProvider.ts"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import { type CountedTokens, ModelInfo, type ModelList } from "../../model/ModelInfo.ts"
import { validateEmbeddingRequest } from "../../model/RequestValidation.ts"
import { type CallInput, type CallKind, read } from "../CallInput.ts"
import type { EmbedOptions, ModelsOptions } from "../Llm.ts"
import { Uncopied } from "../OwnCopy.ts"
import { configurationError } from "../Session.ts"

/** What a service of the stack gives, or the error of a Layer that provides no such service. */
const asked = <I, S, A>(
  tag: Context.Key<I, S>,
  ask: (service: S) => Effect.Effect<A, LlmError>,
): Effect.Effect<A, LlmError> =>
  Effect.flatMap(
    Effect.serviceOption(tag),
    Option.match({
      onNone: () => {
        const name = tag.key.slice(tag.key.lastIndexOf("/") + 1)
        const message = `layer: the layer of this interface provides no ${name}; merge one into it`
        return Effect.fail(configurationError("layer", message))
      },
      onSome: ask,
    }),
  )

// Embeddings

const embeddings: CallKind<EmbeddingRequest> = {
  fields: new Set(Object.keys(EmbeddingRequest.fields)),
  check: validateEmbeddingRequest,
  notAnObject: new Uncopied("", 'is not an object: write { inputs: ["Hello."] }'),
  settle: Result.succeed,
}

/** Reads the arguments of a call for embeddings. */
export const readEmbed = (options: EmbedOptions): CallInput<EmbeddingRequest> => read(options, embeddings, {})

/** The vectors of the texts. */
export const embeddingsOf = (request: EmbeddingRequest): Effect.Effect<EmbeddingResponse, LlmError> =>
  asked(EmbeddingProvider, (provider) => provider.embed(request))

// Models

/** What the list of models is asked with: nothing yet. */
interface ModelsRequest {
  readonly providerOptions?: undefined
}

const lists: CallKind<ModelsRequest> = {
  fields: new Set(),
  check: () => Result.succeed({}),
  notAnObject: new Uncopied("", 'is not an object: write { timeout: "10 seconds" }, or nothing'),
  settle: Result.succeed,
}

/** Reads the arguments of a call for the list of models. */
export const readModels = (options: ModelsOptions = {}): CallInput<ModelsRequest> => read(options, lists, {})

/** The models that the provider lists. */
export const modelsOf = (): Effect.Effect<ModelList, LlmError> => asked(ModelInfo, ({ models }) => models)

/** The tokens of a request. */
export const countOf = (request: LlmRequest): Effect.Effect<CountedTokens, LlmError> =>
  asked(ModelInfo, ({ countTokens }) => countTokens(request))
