/** One call by each of the four ways to make it, always as the data that the promise API gives. */
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import type { GenerateResponse, LlmError, LLMInterface, LlmProvider } from "../../src/index.ts"
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import { failure } from "../../src/promises/PromiseResponse.ts"
import { ask, callNames, hello } from "../policies/Calls.ts"

/** A stream's events to its end, and then its response. */
const streamed = async (llm: LLMInterface, request: LlmRequest): Promise<GenerateResponse> => {
  const events = llm.stream(request)
  let text = ""
  let thrown: unknown
  try {
    for await (const event of events) if (event.type === "text-delta") text += event.delta
  } catch (error) {
    thrown = error
  }
  const response = await events.response
  if ("error" in response !== (thrown !== undefined)) throw new Error("the events and the response disagree")
  if ((("error" in response ? response.partialText : response.text) ?? "") !== text) throw new Error("the texts differ")
  return response
}

/** Both calls of the promise API. */
export const promiseSurface: ReadonlyArray<(llm: LLMInterface, request?: LlmRequest) => Promise<GenerateResponse>> = [
  (llm, request = hello) => llm.generate(request),
  (llm, request = hello) => streamed(llm, request),
]

type AnyLayer = Layer.Layer<LlmProvider, LlmError>

/** Both calls of the service. A defect rejects. */
export const effectSurface: ReadonlyArray<(layer: AnyLayer, request?: LlmRequest) => Promise<GenerateResponse>> =
  callNames.map(
    (name) =>
      (layer, request = hello) =>
        Effect.runPromise(
          Effect.match(Effect.provide(ask(name, request), layer), {
            onFailure: (error): GenerateResponse => failure(error, {}, 0, 0),
            onSuccess: (response): GenerateResponse => response,
          }),
        ),
  )
