/**
 * A schema of any kind as two things: the JSON Schema that a model is told, and the check of what it wrote. Libraries that
 * cannot write JSON Schema themselves are helped by their converters, loaded when they are needed.
 */
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaRepresentation from "effect/SchemaRepresentation"
import type { StandardSchemaV1 } from "effect/StandardSchema"
import { excessOfValue, saidBy } from "../../model/JsonCopy.ts"
import { InvalidRequestError } from "../../model/LlmError.ts"
import { isJsonSchema, type JsonSchema } from "../../protocols/encoding/JsonSchema.ts"
import { extentOfSchema, mostValuesOf } from "../../protocols/encoding/SchemaBounds.ts"
import { load } from "#installed-package"
import type { AnySchema, OutputOf } from "./AnySchema.ts"
import { type Check, checkOf, isPlain, withoutPatterns } from "./JsonSchemaCheck.ts"

/** What a value turned out to be: the schema's value, or what is wrong with it in one line. */
export type Reading<A> = Result.Result<A, string>

/** A schema that can be told and checked. */
export interface SchemaReader<A> {
  /** What the model must write: the side before transformations. */
  readonly jsonSchema: JsonSchema
  readonly read: (value: unknown) => Effect.Effect<Reading<A>>
  /** How many values one may hold to be checked. */
  readonly mostValues: () => number
}

type Untyped = Omit<SchemaReader<unknown>, "mostValues">
type Bounded = SchemaReader<unknown>

const invalid = (problem: string): InvalidRequestError =>
  new InvalidRequestError({ message: `invalid request: ${problem}`, parameter: "schema" })

const messageOf = (error: unknown): string => saidBy(error)

const oneLine = (text: string): string => text.replaceAll(/\s*\n\s*/g, " ").trim()

/** The JSON Schema of a library's own making; libraries throw for what JSON Schema cannot say. */
const written = (library: string, write: () => unknown): Effect.Effect<JsonSchema, InvalidRequestError> =>
  Effect.suspend(() => {
    const result = Result.try(write)
    if (Result.isFailure(result)) {
      const problem = `the schema cannot be written as JSON Schema by ${library}: ${oneLine(messageOf(result.failure))}`
      return Effect.fail(invalid(problem))
    }
    return isJsonSchema(result.success)
      ? Effect.succeed(result.success)
      : Effect.fail(invalid(`${library} gave no JSON Schema for the schema`))
  })

type EffectSchema = Schema.Codec<unknown, unknown, never, unknown>

/** What all nodes of this copy's schemas inherit from. */
const ownNode: unknown = Object.getPrototypeOf(Object.getPrototypeOf(Schema.Never.ast))

const isEffectSchema = (schema: unknown): schema is EffectSchema => Schema.isSchema(schema)

/** False for a schema that another copy of effect has made: this copy would read it wrongly. */
const isOwn = (schema: EffectSchema): boolean =>
  Predicate.isObject(ownNode) && Object.prototype.isPrototypeOf.call(ownNode, schema.ast)

const ofAnotherCopy = invalid(
  "the schema was made by another copy of effect than the one inside this entry: pass " +
    "Schema.toStandardJSONSchemaV1(Schema.toStandardSchemaV1(schema)), or import from @wiseflow/llm",
)

/** Unknown properties are refused by the schema that a model is told. */
const excess = { onExcessProperty: "error" } as const

const ofEffect = (schema: EffectSchema): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.map(
    written("effect/Schema", () => {
      // The two steps of `Schema.toJsonSchemaDocument`, named by their own module: `effect/Schema` is in every bundle, and
      // what it writes JSON Schema with comes along where it is named there.
      const { ast } = Schema.toCodecJson(schema)
      const document = SchemaRepresentation.toRepresentation(ast)
      const { definitions, schema: root } = SchemaRepresentation.toJsonSchemaDocument(document, excess)
      return Object.keys(definitions).length === 0 ? root : { ...root, $defs: definitions }
    }),
    (jsonSchema) => {
      const decode = Schema.decodeUnknownEffect(Schema.toCodecJson(schema))
      return {
        jsonSchema,
        read: (value) =>
          Effect.match(decode(value), {
            onSuccess: (decoded) => Result.succeed(decoded),
            onFailure: (error) => Result.fail(oneLine(error.message)),
          }),
      }
    },
  )

const isStandard = (schema: unknown): schema is StandardSchemaV1 =>
  (Predicate.isObject(schema) || typeof schema === "function") &&
  "~standard" in schema &&
  Predicate.hasProperty(schema["~standard"], "validate")

const writesJsonSchema = (schema: object): boolean =>
  isStandard(schema) && Predicate.hasProperty(schema["~standard"], "jsonSchema")

/** A converter that the program has, or can bring along by writing the JSON Schema itself. */
const installed = (name: string, why: string): Effect.Effect<unknown, InvalidRequestError> =>
  Effect.mapError(load(name), () =>
    invalid(`${why}; add the package ${name}, or, in a bundle, use withJsonSchema(schema, jsonSchema)`),
  )

const convert = (
  name: string,
  method: string,
  why: string,
  args: ReadonlyArray<unknown>,
): Effect.Effect<JsonSchema, InvalidRequestError> =>
  Effect.flatMap(installed(name, why), (module) => {
    const write = Predicate.hasProperty(module, method) ? module[method] : undefined
    return typeof write === "function"
      ? written(name, () => write(...args))
      : Effect.fail(invalid(`${why}; the package ${name} has no ${method}: add a newer one`))
  })

const toJsonSchema = (schema: StandardSchemaV1): Effect.Effect<JsonSchema, InvalidRequestError> => {
  const standard = schema["~standard"]
  const { vendor } = standard
  if (Predicate.hasProperty(standard, "jsonSchema") && Predicate.hasProperty(standard.jsonSchema, "input")) {
    const { input } = standard.jsonSchema
    if (typeof input === "function") return written(vendor, () => input({ target: "draft-2020-12" }))
  }
  if (vendor === "zod" && "_zod" in schema) {
    return convert("zod", "toJSONSchema", "this zod schema has no JSON Schema of its own", [schema, { io: "input" }])
  }
  if (vendor === "valibot") {
    return convert("@valibot/to-json-schema", "toJsonSchema", "valibot schemas have no JSON Schema of their own", [
      schema,
    ])
  }
  if ("toJsonSchema" in schema && typeof schema.toJsonSchema === "function") {
    const write = schema.toJsonSchema.bind(schema)
    return written(vendor, () => write())
  }
  const problem = `schemas of ${vendor} have no JSON Schema; use withJsonSchema(schema, jsonSchema), or a newer ${vendor}`
  return Effect.fail(invalid(problem))
}

const pathOf = (issue: StandardSchemaV1.Issue): string =>
  (issue.path ?? []).map((step) => String(typeof step === "object" ? step.key : step)).join(".")

const problemsOf = (issues: ReadonlyArray<StandardSchemaV1.Issue>): string =>
  issues
    .slice(0, 5)
    .map((issue) =>
      issue.path === undefined || issue.path.length === 0 ? issue.message : `${pathOf(issue)}: ${issue.message}`,
    )
    .map(oneLine)
    .join("; ")

const ofStandard = (schema: StandardSchemaV1): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.map(toJsonSchema(schema), (jsonSchema) => ({
    jsonSchema,
    // A check that throws has said no.
    read: (value) =>
      Effect.tryPromise({ try: async () => schema["~standard"].validate(value), catch: messageOf }).pipe(
        Effect.match({
          onSuccess: (result) =>
            result.issues === undefined ? Result.succeed(result.value) : Result.fail(problemsOf(result.issues)),
          onFailure: (problem) => Result.fail(oneLine(problem)),
        }),
      ),
  }))

const ofJsonSchema = (jsonSchema: JsonSchema): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.map(
    Effect.mapError(checkOf(jsonSchema), (problem) => invalid(`the JSON Schema cannot be read: ${oneLine(problem)}`)),
    (check) => ({ jsonSchema, read: (value) => Effect.sync(() => Result.mapError(check(value), oneLine)) }),
  )

const notASchema = invalid(
  '"schema" must be a Schema of effect/Schema, a Standard Schema (zod, valibot, arktype), or a JSON Schema object',
)

/** Fails where a JSON Schema cannot be followed. After a large one, for which it gives true, the event loop has a turn. */
const followable = (jsonSchema: JsonSchema, most?: number): Effect.Effect<boolean, InvalidRequestError> =>
  Effect.suspend(() => {
    const extent = Result.try(() => extentOfSchema(jsonSchema, most))
    if (Result.isFailure(extent)) return Effect.fail(invalid(`the schema cannot be read: ${messageOf(extent.failure)}`))
    const { excess, isLarge } = extent.success
    if (excess !== undefined) return Effect.fail(invalid(`the schema cannot be read: it ${excess}`))
    return isLarge ? Effect.as(Effect.yieldNow, true) : Effect.succeed(false)
  })

/** A reader of a schema that a library has written. */
const told = (reader: Effect.Effect<Untyped, InvalidRequestError>): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.tap(reader, ({ jsonSchema }) => followable(jsonSchema))

/** Values of a JSON Schema of somebody who is not trusted. */
const maxDistrusted = 10_000

/** JSON Schemas of somebody who is not trusted. */
const distrusted = new WeakSet<object>()

/**
 * Says that a JSON Schema is of somebody who is not trusted. Its patterns, which may take for ever, are told to the model and not
 * tried here; it may hold 10,000 values; and it is compiled when it is first needed.
 */
export const distrust = (schema: JsonSchema): void => {
  distrusted.add(schema)
  readers.delete(schema)
}

const ofDistrusted = (jsonSchema: JsonSchema): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.suspend(() => {
    let check: Check | undefined
    const compiled = Effect.suspend(() => checkOf(withoutPatterns(jsonSchema)))
    const known = Effect.suspend(() => (check === undefined ? compiled : Effect.succeed(check)))
    return Effect.succeed({
      jsonSchema,
      read: (value) =>
        Effect.match(known, {
          onFailure: (problem) => Result.fail(`the tool's own schema cannot be read: ${oneLine(problem)}`),
          onSuccess: (made) => Result.mapError((check = made)(value), oneLine),
        }),
    })
  })

const untyped = (schema: unknown): Effect.Effect<Untyped, InvalidRequestError> => {
  if (isJsonSchema(schema) && distrusted.has(schema)) {
    return Effect.andThen(followable(schema, maxDistrusted), ofDistrusted(schema))
  }
  if (isEffectSchema(schema) && isOwn(schema)) return told(ofEffect(schema))
  if (isEffectSchema(schema) && !writesJsonSchema(schema)) return Effect.fail(ofAnotherCopy)
  if (isStandard(schema)) return told(ofStandard(schema))
  if (!isPlain(schema)) return Effect.fail(notASchema)
  return Effect.flatMap(followable(schema), (isLarge) =>
    isLarge ? Effect.tap(ofJsonSchema(schema), Effect.yieldNow) : ofJsonSchema(schema),
  )
}

/** Gives a reader its schema's type. This is the one place that says so: `read` succeeds only where the schema's own check did. */
const isTyped = <S extends AnySchema>(_schema: S, _reader: Bounded): _reader is SchemaReader<OutputOf<S>> => true

const readers = new WeakMap<object, Bounded>()

/** Values whose check has a turn of the event loop of its own. */
const manyValues = 1000

/** A reader whose check says no where it throws, and to values that would hold the event loop. */
const safe = ({ jsonSchema, read }: Untyped): Bounded => {
  let most: number | undefined
  const mostValues = () => (most ??= mostValuesOf(jsonSchema))
  return {
    jsonSchema,
    mostValues,
    read: (value) =>
      Effect.catchDefect(
        Effect.suspend(() => {
          const excess = excessOfValue(value, mostValues())
          if (excess !== undefined) return Effect.succeed(Result.fail(`it ${excess}`))
          const isMany = excessOfValue(value, manyValues) !== undefined
          return isMany ? Effect.andThen(Effect.yieldNow, Effect.tap(read(value), Effect.yieldNow)) : read(value)
        }),
        (defect) => Effect.succeed(Result.fail(oneLine(messageOf(defect)))),
      ),
  }
}

/** A value of any kind may throw when it is looked at. */
const readable = (schema: unknown): Effect.Effect<Untyped, InvalidRequestError> =>
  Effect.catchDefect(
    Effect.suspend(() => untyped(schema)),
    (defect) => Effect.fail(invalid(`the schema cannot be read: ${oneLine(messageOf(defect))}`)),
  )

/** The reader of a schema, made once a schema. Fails where the schema is none, or has no JSON Schema. */
export const make = <S extends AnySchema>(schema: S): Effect.Effect<SchemaReader<OutputOf<S>>, InvalidRequestError> =>
  Effect.suspend(() => {
    const isKey = (typeof schema === "object" && schema !== null) || typeof schema === "function"
    const known = isKey ? readers.get(schema) : undefined
    const reading = known === undefined ? Effect.map(readable(schema), safe) : Effect.succeed(known)
    return Effect.flatMap(reading, (reader) => {
      if (isKey) readers.set(schema, reader)
      return isTyped(schema, reader) ? Effect.succeed(reader) : Effect.fail(notASchema)
    })
  })
