/** Asks the library from a process of its own, and reads what came back. */
import type { LlmRequest } from "../../src/model/LlmRequest.ts"
import type { GenerateOptions } from "../../src/promises/Llm.ts"
import type { InterfaceOptions } from "../../src/promises/InterfaceOptions.ts"
import type { GenerateFailure, GenerateResponse, GenerateSuccess } from "../../src/promises/PromiseResponse.ts"
import { type Ended, type ProgramOptions, runProgram } from "./ProgramRun.ts"

/** One stack and its requests, all asked at once. Without `options` it is the module's own `generate` and `stream`. */
export interface Step {
  /** Variables set before this step, and unset after it. */
  readonly environment?: Readonly<Record<string, string>>
  readonly options?: InterfaceOptions
  readonly requests: ReadonlyArray<GenerateOptions>
  readonly streamed?: boolean
}

/** The request of a sentence that is not about requests. */
export const hello: LlmRequest = { messages: [{ role: "user", content: "Say hello." }] }

const program = new URL("programs/ask.ts", import.meta.url).pathname

/** Runs the steps in one process; the answers of all steps in order. */
export const askSteps = async (
  steps: ReadonlyArray<Step>,
  options: ProgramOptions = {},
): Promise<Ended & { readonly answers: ReadonlyArray<GenerateResponse> }> => {
  const ended = await runProgram(program, { ...options, args: [JSON.stringify(steps)] })
  if (ended.code !== 0) throw new Error(`the program ended with ${ended.code}: ${ended.stderr}`)
  return { ...ended, answers: JSON.parse(ended.stdout) }
}

/** `generate` from nothing but this environment. */
export const ask = async (
  environment: Readonly<Record<string, string>>,
  request: GenerateOptions = hello,
): Promise<GenerateResponse> => only((await askSteps([{ requests: [request] }], { environment })).answers)

export const only = <A>(values: ReadonlyArray<A>): A => {
  const [value] = values
  if (value === undefined || values.length !== 1) throw new Error(`expected one, got ${values.length}`)
  return value
}

/** The answer, where there is one. */
export const succeeded = (response: GenerateResponse | undefined): GenerateSuccess => {
  if (response === undefined || "error" in response) throw new Error(`no answer: ${JSON.stringify(response)}`)
  return response
}

/** The failure, where there is one. */
export const failed = (response: GenerateResponse | undefined): GenerateFailure => {
  if (response === undefined || !("error" in response)) throw new Error(`no failure: ${JSON.stringify(response)}`)
  return response
}
