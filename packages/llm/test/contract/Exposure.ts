/** Everything in which a key could be seen: values in every form in which people print them, log lines, spans. */
import { inspect } from "node:util"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Predicate from "effect/Predicate"
import { MinimumLogLevel } from "effect/References"
import * as Tracer from "effect/Tracer"

/** What has cycles is no JSON, and is shown by `inspect` alone. */
const json = (value: unknown): string => {
  try {
    return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? String(field) : field)) ?? ""
  } catch {
    return ""
  }
}

const shown = (value: unknown): ReadonlyArray<string> => [
  inspect(value, { depth: Infinity, showHidden: true, maxArrayLength: null, maxStringLength: null }),
  String(value),
  json(value),
]

/** The value and everything that it says caused it. */
const chain = (value: unknown): ReadonlyArray<string> =>
  Predicate.isObject(value)
    ? [
        ...shown(value),
        ...("message" in value ? [String(value.message)] : []),
        ...("stack" in value ? [String(value.stack)] : []),
        ...("cause" in value ? chain(value.cause) : []),
      ]
    : shown(value)

export class Exposure {
  private readonly texts: Array<string> = []
  private readonly spans: Array<Tracer.NativeSpan> = []

  /** Notes a value in every form. */
  show(value: unknown): void {
    this.texts.push(...chain(value))
  }

  /** Notes an effect's failure as Effect prints it. */
  showFailure(error: unknown): void {
    this.show(error)
    this.texts.push(Cause.pretty(Cause.fail(error)))
  }

  /** Runs an effect with every log line, down to TRACE, and every span noted. */
  readonly watch = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    effect.pipe(
      Effect.provide(
        Logger.layer([
          Logger.make(({ cause, message }) => {
            this.show(message)
            this.texts.push(Cause.pretty(cause))
          }),
        ]).pipe(Layer.merge(Layer.succeed(MinimumLogLevel, "Trace"))),
      ),
      Effect.provideService(
        Tracer.Tracer,
        Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            this.spans.push(span)
            return span
          },
        }),
      ),
    )

  /** Everything that was shown. */
  all(): string {
    const spans = this.spans.flatMap(({ _events, attributes, links, name, status }) =>
      [name, [...attributes], _events, links, status].flatMap(shown),
    )
    return [...this.texts, ...spans].join("\n")
  }
}
