/**
 * Answers as values of a schema (law 28): the model is asked to hold to it, what it wrote is checked, and where it does not
 * fit the model is asked again with what was wrong, a bounded number of times. How a model is asked is the wire's business
 * (`protocols/encoding/AnswerForm`).
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import {
  ConfigurationError,
  ContentFilterError,
  InvalidRequestError,
  InvalidResponseError,
  LlmError,
  type LlmErrorReason,
  OutputLimitError,
  StreamInterruptedError,
} from "../model/LlmError.ts"
import { shownValue } from "../model/KeyShape.ts"
import { assemble, type LlmEvent } from "../model/LlmEvent.ts"
import { LlmProvider } from "../model/LlmProvider.ts"
import type { LlmRequest, Message } from "../model/LlmRequest.ts"
import type { LlmResponse } from "../model/LlmResponse.ts"
import { answerName } from "../protocols/encoding/AnswerForm.ts"
import { ThinkingFilter, writtenIn } from "./AnswerValue.ts"
import type { AnySchema, DeepPartial, InputOf, OutputOf } from "./schemas/AnySchema.ts"
import * as ObjectRoot from "./schemas/ObjectRoot.ts"
import { PartialJson } from "./PartialJson.ts"
import * as SchemaReader from "./schemas/SchemaReader.ts"
import { attemptsOf, totalOf } from "../call/Totals.ts"

/**
 * A request for a value of `schema`: one of effect/Schema, a Standard Schema (zod, valibot, arktype) or a JSON Schema.
 * `schemaName` is what the model is told that the value is called (`answer`). An answer that does not fit is asked for
 * again at most `repairs` (1) times.
 */
export type StructuredOutputOptions<S extends AnySchema> = Omit<LlmRequest, "responseFormat"> & {
  readonly schema: S
  readonly schemaName?: string | undefined
  readonly repairs?: number | undefined
}

/** The last answer and its value. Its `metadata` is over all that were asked for. */
export interface ObjectResponse<A> extends LlmResponse {
  readonly object: A
}

/** The value so far, and at the end the whole response. After an answer that did not fit the partial values begin anew. */
export type ObjectEvent<S extends AnySchema> =
  | { readonly type: "object-partial"; readonly partial: DeepPartial<InputOf<S>> }
  | { readonly type: "object-finish"; readonly response: ObjectResponse<OutputOf<S>> }

/** A text that takes some time to parse. */
const longText = 64 * 1024

/** One value being asked for. */
class Asking<A> {
  private readonly name: string
  private readonly root: ObjectRoot.ObjectRoot
  private readonly reader: SchemaReader.SchemaReader<A>
  private readonly answers: Array<LlmResponse> = []
  private readonly startedMs: number
  private repairs: number
  private request: LlmRequest

  constructor(options: StructuredOutputOptions<AnySchema>, reader: SchemaReader.SchemaReader<A>, startedMs: number) {
    const { repairs = 1, schema: _, schemaName = answerName, ...request } = options
    this.name = schemaName
    this.reader = reader
    this.root = ObjectRoot.make(reader.jsonSchema)
    this.startedMs = startedMs
    this.repairs = repairs
    const responseFormat = { type: "json-schema", name: schemaName, schema: this.root.schema } as const
    this.request = { ...request, responseFormat }
  }

  next(): LlmRequest {
    return this.request
  }

  /** The value of an answer; undefined where the model is to be asked again. */
  settle(answer: LlmResponse): Effect.Effect<ObjectResponse<A> | undefined, LlmError> {
    return Effect.gen({ self: this }, function* () {
      this.answers.push(answer)
      const broken = brokenOff(answer)
      if (broken !== undefined) return yield* this.fail(broken)
      // A long text is parsed in a turn of its own, and checked in another.
      const isLong = answer.text.length > longText
      if (isLong) yield* Effect.yieldNow
      const written = writtenIn(answer, this.name)
      if (isLong) yield* Effect.yieldNow
      const value = Result.map(written, (value) => ObjectRoot.valueOf(this.root, value, this.reader.mostValues()))
      if (isLong) yield* Effect.yieldNow
      const reading: SchemaReader.Reading<A> = Result.isFailure(value)
        ? Result.fail(`the answer is ${value.failure}`)
        : Result.mapError(
            yield* this.reader.read(value.success),
            (problem) => `the answer does not fit the schema: ${problem}`,
          )
      if (Result.isSuccess(reading)) {
        const latencyMs = (yield* Clock.currentTimeMillis) - this.startedMs
        return { ...answer, metadata: totalOf(this.answers, answer, latencyMs), object: reading.success }
      }
      // A configured fallback text would only be given again.
      if (this.repairs < 1 || answer.metadata.degraded) {
        return yield* this.fail(new InvalidResponseError({ message: reading.failure, body: answer.text.slice(0, 500) }))
      }
      this.repairs -= 1
      this.request = {
        ...this.request,
        messages: [...this.request.messages, ...this.correction(answer, reading.failure)],
      }
      return undefined
    })
  }

  /** The answer as it came, and what was wrong with it: as the result of its call where it made one. */
  private correction(answer: LlmResponse, problem: string): ReadonlyArray<Message> {
    const told = `This cannot be used: ${problem}. Answer again, with JSON only that fits the schema.`
    const said: ReadonlyArray<Message> = answer.parts.length === 0 ? [] : [{ role: "assistant", content: answer.parts }]
    if (answer.toolCalls.length === 0) return [...said, { role: "user", content: told }]
    const content = answer.toolCalls.map(({ id }) => ({
      type: "tool-result" as const,
      toolCallId: id,
      content: told,
      isError: true,
    }))
    return [...said, { role: "tool", content }]
  }

  /** A failure whose attempts are those of all answers. */
  fail(reason: LlmErrorReason): LlmError {
    const last = this.answers.at(-1)
    return new LlmError({
      reason,
      provider: last?.metadata.provider ?? "unknown",
      model: last?.metadata.model,
      attempts: attemptsOf(this.answers),
      ...(last === undefined || last.text === "" ? {} : { text: last.text }),
    })
  }

  /** A call's own failure, with the attempts of the answers before it. */
  told(error: LlmError): LlmError {
    if (this.answers.length === 0) return error
    const { model, provider, reason, text, warnings } = error
    return new LlmError({
      reason,
      provider,
      model,
      attempts: [...attemptsOf(this.answers), ...error.attempts],
      ...(text === undefined ? {} : { text }),
      ...(warnings === undefined ? {} : { warnings }),
    })
  }

  /** The value so far, as far as it is certain. */
  partialOf(written: unknown): unknown {
    return written === undefined ? undefined : this.root.wrapped ? ObjectRoot.inside(written) : written
  }
}

/** Why an answer holds no value that could be checked: it was cut off, or the model or a filter declined. */
const brokenOff = (answer: LlmResponse): LlmErrorReason | undefined => {
  const body = answer.text.slice(0, 500)
  if (answer.finishReason === "length") {
    return new OutputLimitError({ message: "the answer was cut off at its token limit; raise maxTokens", body })
  }
  if (answer.finishReason !== "content-filter") return undefined
  const refusal = answer.parts.flatMap((part) => (part.type === "refusal" ? [part.text] : [])).join("")
  const message = refusal === "" ? "the answer was filtered" : `the model refused: ${refusal}`
  return new ContentFilterError({ message, categories: [], body })
}

const refused = (reason: LlmErrorReason): LlmError => new LlmError({ reason, provider: "configuration", attempts: [] })

const begin = Effect.fnUntraced(function* <const S extends AnySchema>(
  options: StructuredOutputOptions<S>,
): Effect.fn.Return<Asking<OutputOf<S>>, LlmError> {
  const { repairs = 1, schema, schemaName } = options
  if (!Number.isInteger(repairs) || repairs < 0) {
    const message = `repairs must be a whole number from 0 on, not ${shownValue(repairs)}`
    return yield* refused(new ConfigurationError({ setting: "repairs", message }))
  }
  if (schemaName !== undefined && !(typeof schemaName === "string" && /^[a-zA-Z0-9_-]{1,64}$/.test(schemaName))) {
    const message = `invalid request: ${shownValue(schemaName)} is not 1 to 64 letters, digits, _ and - at schemaName`
    return yield* refused(new InvalidRequestError({ message, parameter: "schemaName" }))
  }
  const reader = yield* Effect.mapError(SchemaReader.make(schema), refused)
  return new Asking(options, reader, yield* Clock.currentTimeMillis)
})

/**
 * The answer as a value of `schema`. Fails with `InvalidResponseError`, the text in `text`, where it does not fit after all
 * repairs; with `OutputLimitError` where it was cut off; with `ContentFilterError` where it was refused or filtered.
 */
export const generate = <const S extends AnySchema>(
  options: StructuredOutputOptions<S>,
): Effect.Effect<ObjectResponse<OutputOf<S>>, LlmError, LlmProvider> =>
  Effect.gen(function* () {
    const llm = yield* LlmProvider
    const asking = yield* begin(options)
    while (true) {
      const answer = yield* Effect.mapError(llm.generate(asking.next()), (error) => asking.told(error))
      const response = yield* asking.settle(answer)
      if (response !== undefined) return response
    }
  })

/** The schema says nothing of a value that is half there: this says to the compiler what the docs say to the reader. */
const isPartial = <S extends AnySchema>(
  _options: StructuredOutputOptions<S>,
  _value: unknown,
): _value is DeepPartial<InputOf<S>> => true

/** How many characters of a streamed value are read in one turn of the event loop. */
const turnLength = 4096

/** The arguments of the call that stands in for a format are the value's JSON. */
const jsonPiece = (event: LlmEvent): string => (event.type === "tool-call-delta" ? event.delta : "")

/** The same, with the value as far as it has come. Partial values are not checked; the last event's value is. */
export const stream = <const S extends AnySchema>(
  options: StructuredOutputOptions<S>,
): Stream.Stream<ObjectEvent<S>, LlmError, LlmProvider> => {
  const answerEvents = (
    llm: LlmProvider["Service"],
    asking: Asking<OutputOf<S>>,
    end: () => void,
  ): Stream.Stream<ObjectEvent<S>, LlmError> => {
    const assembly = assemble()
    const json = new PartialJson()
    const thinking = new ThinkingFilter()
    let sinceTurn = 0
    /** Reads in parts, each in a turn of the event loop of its own: pieces may come faster than clocks and aborts can act. */
    const read = Effect.fnUntraced(function* (piece: string) {
      for (let at = 0; at < piece.length && !json.isOver; at += turnLength) {
        const part = piece.slice(at, at + turnLength)
        json.push(part)
        sinceTurn += part.length
        if (sinceTurn < turnLength) continue
        sinceTurn = 0
        yield* Effect.yieldNow
      }
    })
    const partialsOf = Effect.fnUntraced(function* (events: ReadonlyArray<LlmEvent>) {
      const partials: Array<ObjectEvent<S>> = []
      for (const event of events) {
        assembly.add(event)
        const piece = event.type === "text-delta" ? thinking.pass(event.delta) : jsonPiece(event)
        if (piece === "" || json.isOver) continue
        yield* read(piece)
        const partial = asking.partialOf(json.snapshot())
        if (partial !== undefined && isPartial(options, partial)) partials.push({ type: "object-partial", partial })
      }
      return partials
    })
    const partials = llm.stream(asking.next()).pipe(
      Stream.mapError((error) => asking.told(error)),
      Stream.mapArrayEffect((events) => Effect.map(partialsOf(events), (partials) => [partials] as const)),
      Stream.flattenIterable,
    )
    const settled = Effect.suspend(() => {
      const answer = assembly.response()
      return answer === undefined
        ? Effect.fail(asking.fail(new StreamInterruptedError({ message: "the stream ended without response-finish" })))
        : asking.settle(answer)
    })
    const last = Effect.map(settled, (response): ReadonlyArray<ObjectEvent<S>> => {
      if (response === undefined) return []
      end()
      return [{ type: "object-finish", response }]
    })
    return Stream.concat(partials, Stream.flattenIterable(Stream.fromEffect(last)))
  }
  return Stream.unwrap(
    Effect.gen(function* () {
      const llm = yield* LlmProvider
      const asking = yield* begin(options)
      let ended = false
      return Stream.unfold(undefined, () =>
        Effect.sync(() =>
          ended ? undefined : ([answerEvents(llm, asking, () => (ended = true)), undefined] as const),
        ),
      ).pipe(Stream.flatten())
    }),
  )
}
