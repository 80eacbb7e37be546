/** Asks one question and prints the answer. */
import type { CallSettings, GenerateOptions, GenerateResponse, LLMInterface, UnnamedTool } from "@wiseflow/llm"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { failure, usageFailure } from "../ExitCode.ts"
import { say, tell, write } from "../terminal/Streams.ts"
import * as Upstream from "../upstream/Upstream.ts"
import { answerPrinter, silent } from "./AnswerPrinter.ts"
import { answerSchema } from "./AnswerSchema.ts"
import { approve } from "./Approval.ts"
import { userMessage } from "./Attachments.ts"
import { standardInput } from "./StandardInput.ts"
import { summary } from "./Summary.ts"
import { printed } from "./StreamedAnswer.ts"
import { toolsOf } from "./ToolModule.ts"

/** What the command line of `generate` says. */
export interface GenerateInput {
  readonly prompt: ReadonlyArray<string>
  readonly files: ReadonlyArray<string>
  readonly system: Option.Option<string>
  readonly schema: Option.Option<string>
  readonly tools: Option.Option<string>
  readonly maxTokens: Option.Option<number>
  readonly temperature: Option.Option<number>
  readonly json: boolean
  readonly raw: boolean
}

const promptOf = Effect.fn(function* ({ files, prompt: given }: GenerateInput) {
  const argument = given
    .filter((word) => word !== "-")
    .join(" ")
    .trim()
  const isAlone = argument === "" && files.length === 0
  const piped = (yield* Effect.promise(() => standardInput(isAlone || given.includes("-")))).trim()
  const prompt = [argument, piped].filter(Boolean).join("\n\n")
  if (prompt !== "" || files.length > 0) return prompt
  return yield* usageFailure("there is no prompt: give one as an argument or on stdin")
})

type Request = Pick<GenerateOptions, "messages" | "system" | "maxTokens" | "temperature"> & Pick<CallSettings, "signal">

const streamOf = (llm: LLMInterface, request: Request, tools: Readonly<Record<string, UnnamedTool>> | undefined) =>
  tools === undefined ? llm.stream(request) : llm.streamTools({ ...request, tools, approve })

/** Runs `generate`. */
export const generate = Effect.fn(function* (input: GenerateInput) {
  const prompt = yield* promptOf(input)
  const messages = [yield* userMessage(prompt, input.files)]
  const schema = Option.isSome(input.schema) ? yield* answerSchema(input.schema.value) : undefined
  const tools = Option.isSome(input.tools) ? yield* toolsOf(input.tools.value) : undefined
  if (schema !== undefined && tools !== undefined) return yield* usageFailure("--schema and --tools exclude each other")
  const request: Request = {
    messages,
    system: Option.getOrUndefined(input.system),
    maxTokens: Option.getOrUndefined(input.maxTokens),
    temperature: Option.getOrUndefined(input.temperature),
  }
  const { isOffline, llm } = yield* Upstream.open
  const response = yield* Effect.promise(async (signal): Promise<GenerateResponse> => {
    if (schema === undefined) {
      const printer = input.json ? silent : await answerPrinter(input.raw)
      return printed(streamOf(llm, { ...request, signal }, tools), printer, signal)
    }
    const answer = await llm.generateObject({ ...request, signal, schema })
    if (!input.json && !("error" in answer)) await write(`${JSON.stringify(answer.object, undefined, 2)}\n`)
    return answer
  })
  if (input.json) yield* Effect.promise(() => write(`${JSON.stringify(response, undefined, 2)}\n`))
  if ("error" in response) return yield* failure(`${response.error} (${response.errorType})`)
  for (const warning of response.metadata.warnings) say(`warning: ${warning}`)
  tell(summary(response.metadata, isOffline))
}, Effect.scoped)
