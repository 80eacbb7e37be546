/** Recordings for tests of programs that use promises: a whole `Llm` that plays a folder, and makes it where it is told to. */
import * as Layer from "effect/Layer"
import { UsageLedger } from "../policies/usage/UsageLedger.ts"
import * as DefaultStack from "../promises/DefaultStack.ts"
import type { InterfaceOptions } from "../promises/InterfaceOptions.ts"
import { LLMInterface } from "../promises/LLMInterface.ts"
import { secretText } from "../settings/SecretText.ts"
import * as Secrets from "../settings/Secrets.ts"
import { layer, layerEmbeddings } from "./Recorded.ts"
import type { RecordingMode } from "./Tape.ts"

/** Where recordings are, and who is asked where they are made. */
export interface RecordedLlmOptions {
  /** The folder of the recordings; a path is relative to the working directory of the tests. */
  readonly folder: string | URL
  /** `replay`, `record` or `new`. Default: what the variable `RECORD` says, `1` or `new`; `replay` where it is not set. */
  readonly mode?: RecordingMode | undefined
  /** Texts that no recording may hold, beside keys and headers of `interface` and secrets of the environment. */
  readonly secrets?: ReadonlyArray<string> | undefined
  /** The interface that is asked where recordings are made: what `LLMInterface` takes. Playing them needs none of it. */
  readonly interface?: InterfaceOptions | undefined
}

/** Not a short word that a header may hold, which is an ordinary one. */
const isSecret = (value: string): boolean => value.length >= 8 || (value.length >= 4 && !/^[a-z]+$/i.test(value))

/** The secrets that options hold. A key that a function gives is only known by its shape. */
const secretsIn = ({ apiKey, headers, providers = {} }: InterfaceOptions): ReadonlyArray<string> =>
  [{ apiKey, headers }, ...Object.values(providers)].flatMap((access) => {
    const key = secretText(access?.apiKey)
    return [...(typeof key === "string" ? [key] : []), ...Secrets.ofHeaders(access?.headers).filter(isSecret)]
  })

/**
 * Promises on recordings: each call gets the recorded answer to its request, as a whole or as a stream, and one that is not
 * recorded fails with `InvalidRequestError`. `RECORD=1 npm test` asks the provider and writes the recordings. It logs nothing,
 * and needs no `dispose` while it plays.
 */
export const llm = (options: RecordedLlmOptions): LLMInterface => {
  const { folder, interface: given = {}, mode, secrets = [] } = options
  const asked = DefaultStack.layer({ logger: false, ...given }, new UsageLedger())
  const recording = { folder, mode, secrets: [...secrets, ...secretsIn(given)], layer: asked }
  return LLMInterface.fromLayer(Layer.merge(layer(recording), layerEmbeddings(recording)), {
    logger: given.logger ?? false,
  })
}
