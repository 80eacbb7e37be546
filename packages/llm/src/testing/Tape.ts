/** The recordings of one folder while a Layer plays or makes them. It knows requests and answers, and asks nobody. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { environmentSecrets, readFolder, writeFileIn } from "#cassette-folder"
import { CallOptions } from "../call/CallOptions.ts"
import { ConfigurationError, InvalidRequestError, LlmError } from "../model/LlmError.ts"
import { environment } from "../settings/Environment.ts"
import { Redactor } from "../settings/Redactor.ts"
import * as Secrets from "../settings/Secrets.ts"
import * as Setting from "../settings/Setting.ts"
import {
  type Blank,
  blankWith,
  type Cassette,
  cassetteText,
  differences,
  ExactSecrets,
  digestOf,
  fileName,
  identityOf,
  parseCassette,
  type RecordedAnswer,
} from "./Cassette.ts"

/**
 * `replay` answers from recordings alone; `record` asks and writes every answer; `new` asks only what is not recorded yet.
 */
export type RecordingMode = "replay" | "record" | "new"

/** Where recordings are, and how they are made. */
export interface RecordingOptions {
  /** The folder of the recordings; a path is relative to the working directory of the tests. */
  readonly folder: string | URL
  /** Default: what the variable `RECORD` says, `1` for `record` and `new` for `new`; `replay` where it is not set. */
  readonly mode?: RecordingMode | undefined
  /**
   * Texts that no recording may hold, beside the values of variables that are named as secrets are (`…_KEY`, `…_TOKEN`,
   * `…_SECRET`, `…_PASSWORD`), the headers of a call, and what begins as a key does. In their place stands `<redacted>`.
   */
  readonly secrets?: ReadonlyArray<string | Redacted.Redacted> | undefined
}

const modes: Readonly<Record<string, RecordingMode>> = {
  "1": "record",
  true: "record",
  record: "record",
  new: "new",
  "0": "replay",
  false: "replay",
  replay: "replay",
}

const invalid = (setting: string, message: string): LlmError =>
  new LlmError({ reason: new ConfigurationError({ setting, message }), provider: "recorded", attempts: [] })

/** What `RECORD` says now: Effect's own provider of the environment keeps what it was when it was first read. */
const fromVariable: Effect.Effect<RecordingMode, LlmError> = Effect.gen(function* () {
  const base = yield* ConfigProvider.ConfigProvider
  const isEnvironment = base === Context.get(Context.empty(), ConfigProvider.ConfigProvider)
  const settings = isEnvironment ? environment({ isNeeded: true, names: ["RECORD"] }) : base
  const word = yield* Effect.provideService(
    Setting.oneOf("RECORD", ["1", "new", "0", "record", "replay", "true", "false"]),
    ConfigProvider.ConfigProvider,
    settings,
  )
  return word === undefined ? "replay" : (modes[word] ?? "replay")
})

/** The mode that the options or the environment say. */
export const modeOf = ({ mode }: RecordingOptions): Effect.Effect<RecordingMode, LlmError> => {
  if (mode === undefined) return fromVariable
  return modes[mode] === mode
    ? Effect.succeed(mode)
    : Effect.fail(invalid("mode", `mode must be "replay", "record" or "new", not ${JSON.stringify(mode)}`))
}

/** A recorded answer, by whom it was given. */
export interface Played {
  /** Who gave it. */
  readonly provider: string
  /** The model that was asked. */
  readonly model: string | undefined
  /** What was said, or the failure. */
  readonly answer: RecordedAnswer
}

interface Shelved {
  readonly cassette: Cassette
  readonly name: string
  /** True for one that this layer made. */
  readonly isOwn: boolean
}

/** Reads the folder. A file that is no recording fails it, unless the recordings are made anew. */
export const load = Effect.fnUntraced(function* (options: RecordingOptions, mode: RecordingMode) {
  const redactor = new Redactor()
  const given = (options.secrets ?? []).map((secret) => (Redacted.isRedacted(secret) ? Redacted.value(secret) : secret))
  const exact = new ExactSecrets()
  for (const known of [redactor, exact]) known.learn([...environmentSecrets(), ...given])
  const blank = blankWith(redactor, exact)
  const shelf = new Map<string, Shelved>()
  const files = yield* Effect.mapError(readFolder(options.folder), (problem) =>
    invalid("folder", `the recordings in ${options.folder} cannot be read: ${problem}`),
  )
  for (const { name, text } of files) {
    const cassette = parseCassette(text)
    if (Result.isSuccess(cassette)) {
      shelf.set(digestOf(identityOf(cassette.success.request, blank)), {
        cassette: cassette.success,
        name,
        isOwn: false,
      })
    } else if (mode !== "record") {
      return yield* invalid(
        "folder",
        `${name} in ${options.folder}: ${cassette.failure}; record it again, or delete it`,
      )
    }
  }
  return new Tape(options.folder, [redactor, exact], blank, shelf)
})

export class Tape {
  private readonly folder: string | URL
  private readonly secrets: ReadonlyArray<Pick<Redactor, "learn">>
  private readonly blank: Blank
  private readonly shelf: Map<string, Shelved>
  private readonly played = new Map<string, number>()
  private readonly oneAtATime = Semaphore.makeUnsafe(1)

  constructor(
    folder: string | URL,
    secrets: ReadonlyArray<Pick<Redactor, "learn">>,
    blank: Blank,
    shelf: Map<string, Shelved>,
  ) {
    this.folder = folder
    this.secrets = secrets
    this.blank = blank
    this.shelf = shelf
  }

  /** The next answer to a request; its last one again where there is none left. */
  next(request: object): Played | undefined {
    const digest = digestOf(identityOf(request, this.blank))
    const found = this.shelf.get(digest)
    if (found === undefined) return undefined
    const { answers, model, provider } = found.cassette
    const turn = this.played.get(digest) ?? 0
    this.played.set(digest, turn + 1)
    const answer = answers[Math.min(turn, answers.length - 1)]
    return answer === undefined ? undefined : { provider, model, answer }
  }

  /** What is said of a request that is not recorded. */
  missing(request: object): InvalidRequestError {
    const identity = identityOf(request, this.blank)
    const asked: unknown = JSON.parse(identity)
    let nearest: { readonly name: string; readonly paths: ReadonlyArray<string> } | undefined
    for (const { cassette, name } of this.shelf.values()) {
      const paths = differences(asked, cassette.request)
      if (nearest === undefined || paths.length < nearest.paths.length) nearest = { name, paths }
    }
    const shown = nearest?.paths.slice(0, 5).join(", ")
    const more = (nearest?.paths.length ?? 0) > 5 ? ", …" : ""
    const hint =
      nearest === undefined ? "the folder has none" : `the nearest one, ${nearest.name}, differs in ${shown}${more}`
    return new InvalidRequestError({
      message: `not recorded: ${this.folder} has no file ${digestOf(identity)}-….json for this request; ${hint}. Set RECORD=new to record what is missing, RECORD=1 to record everything again`,
    })
  }

  /** Writes an answer. The first of this layer stands in place of what was recorded before. */
  write(
    request: object,
    provider: string,
    model: string | undefined,
    answer: RecordedAnswer,
  ): Effect.Effect<void, LlmError> {
    const write = Effect.flatMap(CallOptions, ({ headers }) => {
      // A short value of a header is an ordinary word more often than a secret.
      const found = Secrets.ofHeaders(headers).filter(({ length }) => length >= 8)
      for (const known of this.secrets) known.learn(found)
      const digest = digestOf(identityOf(request, this.blank))
      const before = this.shelf.get(digest)
      const answers = before?.isOwn === true ? [...before.cassette.answers, answer] : [answer]
      const cassette: Cassette = { version: 1, provider, ...(model === undefined ? {} : { model }), request, answers }
      const name = fileName(digest, this.blank(model ?? ""))
      const text = cassetteText(cassette, this.blank)
      this.shelf.set(digest, { cassette, name, isOwn: true })
      const written = Result.isFailure(text)
        ? Effect.fail(text.failure)
        : writeFileIn(this.folder, { name, text: text.success }, before?.name)
      return Effect.mapError(written, (problem) =>
        invalid("folder", `${name} cannot be written in ${this.folder}: ${problem}`),
      )
    })
    return Semaphore.withPermit(this.oneAtATime, write)
  }
}
