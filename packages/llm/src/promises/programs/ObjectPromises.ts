/** Values of a schema for programs that use promises: what `generateObject` and `streamObject` ask and give. */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { LlmError } from "../../model/LlmError.ts"
import type { LlmRequest } from "../../model/LlmRequest.ts"
import type { AnySchema, DeepPartial, InputOf, OutputOf } from "../../tools/schemas/AnySchema.ts"
import { structuredOutput } from "#programs"
import { type CallInput, notAnObject, readCall, refused } from "../CallInput.ts"
import type { GenerateObjectOptions, GenerateObjectSuccess, WithPrompt } from "../Llm.ts"
import { attempted } from "../OwnCopy.ts"
import type { Emitted, Program, ProgramStream } from "./ProgramStream.ts"
import { failure, type GenerateFailure, type RequestSummary } from "../PromiseResponse.ts"

/** A value as it comes, for `for await`, and what `generateObject` gives as `response`. Partial values are not checked. */
export type ObjectStream<S extends AnySchema> = ProgramStream<
  DeepPartial<InputOf<S>>,
  GenerateObjectSuccess<OutputOf<S>>,
  GenerateFailure
>

/** What is asked for beside the request. */
type ObjectSettings<S extends AnySchema> = Pick<GenerateObjectOptions<S>, "schema" | "schemaName" | "repairs">

/** The options, apart: what is asked for, and the call, which is copied. */
export const readObject = <S extends AnySchema>(
  options: GenerateObjectOptions<S> | WithPrompt<GenerateObjectOptions<S>>,
): { readonly settings: ObjectSettings<S> | undefined; readonly call: CallInput } => {
  const read = attempted(() => {
    if (!Predicate.isObject(options)) throw notAnObject
    const { repairs, schema, schemaName, ...call } = options
    return { settings: { schema, schemaName, repairs }, call }
  })
  return Result.isFailure(read)
    ? { settings: undefined, call: refused(read.failure, undefined) }
    : { settings: read.success.settings, call: readCall(read.success.call) }
}

/** A value as an effect. */
export const objectOf = <S extends AnySchema>(settings: ObjectSettings<S>, request: LlmRequest) =>
  Effect.flatMap(structuredOutput(), (values) => values.generate({ ...request, ...settings }))

/** A value as a stream. */
export const streamOf = <S extends AnySchema>(
  settings: ObjectSettings<S> | undefined,
  summary: RequestSummary,
): Program<DeepPartial<InputOf<S>>, GenerateObjectSuccess<OutputOf<S>>, GenerateFailure> => {
  type Partial = DeepPartial<InputOf<S>>
  const startedMs = Date.now()
  return {
    run: (request: LlmRequest) =>
      // A call whose arguments were refused has no settings, and is not run.
      settings === undefined
        ? Stream.empty
        : Stream.unwrap(Effect.map(structuredOutput(), (values) => values.stream({ ...request, ...settings }))).pipe(
            Stream.map((event): Emitted<Partial, GenerateObjectSuccess<OutputOf<S>>> =>
              event.type === "object-finish" ? { response: event.response } : { event: event.partial },
            ),
          ),
    failure: (error: LlmError) => failure(error, summary, startedMs, Date.now()),
  }
}
