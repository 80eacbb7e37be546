/** The four ways to run tools, as one: promises and Effects, whole and streamed. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  type AnySchema,
  type LlmResponse,
  LLMInterface,
  type Message,
  type ResponseMetadata,
  type RunToolsOptions,
  Tool,
  tool,
  ToolLoop,
} from "../../src/index.ts"
import { type ContractProvider, oneOfEachWire } from "../contract/Providers.ts"
import type { Wire } from "./ToolUpstream.ts"

/** A tool in plain words; `execute` may throw. */
export interface PlainTool {
  readonly name: string
  readonly parameters: AnySchema
  readonly timeout?: number
  readonly concurrency?: number
  readonly needsApproval?: boolean
  readonly execute: (args: any, context: Tool.ToolContext & { readonly signal?: AbortSignal }) => unknown
}

export interface RunOptions extends Omit<RunToolsOptions, "tools" | "prepareStep" | "approve" | "onStep" | "messages"> {
  readonly tools: ReadonlyArray<PlainTool>
  readonly messages?: ReadonlyArray<Message>
  readonly approve?: (name: string) => boolean | string
  readonly prepareStep?: (progress: ToolLoop.LoopProgress) => object | undefined
  readonly onStep?: (step: ToolLoop.LoopStep) => void
}

/** How a run ended. `errorType` is undefined where it succeeded. */
export interface Ended {
  readonly text: string
  readonly errorType: string | undefined
  readonly error: string | undefined
  readonly finishReason: string | undefined
  readonly steps: ReadonlyArray<LlmResponse>
  readonly messages: ReadonlyArray<Message>
  readonly attempts: ResponseMetadata["attempts"]
  readonly metadata: ResponseMetadata | undefined
  readonly events: ReadonlyArray<ToolLoop.LoopEvent>
}

export interface Form {
  readonly name: string
  readonly wire: Wire
  readonly provider: ContractProvider
  readonly run: (url: string, options: RunOptions) => Promise<Ended>
}

const question: ReadonlyArray<Message> = [{ role: "user", content: "Go." }]

const promiseTool = ({ execute, ...rest }: PlainTool) =>
  tool({ ...rest, execute: async (args: any, context) => (await execute(args, context)) as string })

const promiseForm = (provider: ContractProvider, streamed: boolean): Form => ({
  name: `${streamed ? "streamTools" : "runTools"}, ${provider.name}`,
  wire: provider.wire.name,
  provider,
  run: async (url, { approve, prepareStep, tools, ...options }) => {
    await using llm = new LLMInterface({ ...provider.options(url), maxRetries: 0 })
    const given: RunToolsOptions = {
      messages: question,
      ...options,
      tools: tools.map(promiseTool),
      ...(approve === undefined ? {} : { approve: async ({ name }) => approve(name) }),
      ...(prepareStep === undefined ? {} : { prepareStep }),
    }
    const events: Array<ToolLoop.LoopEvent> = []
    let response
    if (streamed) {
      const stream = llm.streamTools(given)
      const whole = stream.response
      try {
        for await (const event of stream) events.push(event)
      } catch {
        // `response` tells it too.
      }
      response = await whole
    } else response = await llm.runTools(given)
    const { messages, metadata, steps, text } = response
    return {
      text,
      errorType: "error" in response ? response.errorType : undefined,
      error: "error" in response ? response.error : undefined,
      finishReason: "error" in response ? undefined : response.finishReason,
      steps,
      messages,
      attempts: metadata.attempts,
      metadata,
      events,
    }
  },
})

const effectTool = ({ execute, name, ...rest }: PlainTool) =>
  Tool.make(name, {
    ...rest,
    execute: (args: any, context) =>
      // Whatever a tool throws is what it fails with.
      // @effect-diagnostics-next-line unknownInEffectCatch:off
      Effect.tryPromise({
        try: async (signal) => (await execute(args, { ...context, signal })) as string,
        catch: (thrown) => thrown,
      }),
  })

const effectForm = (provider: ContractProvider, streamed: boolean): Form => ({
  name: `ToolLoop.${streamed ? "stream" : "run"}, ${provider.name}`,
  wire: provider.wire.name,
  provider,
  run: (url, { approve, onStep, prepareStep, signal, tools, ...options }) => {
    const given = {
      messages: question,
      ...options,
      tools: tools.map(effectTool),
      ...(approve === undefined
        ? {}
        : { approve: ({ name }: { readonly name: string }) => Effect.sync(() => approve(name)) }),
      ...(prepareStep === undefined
        ? {}
        : { prepareStep: (progress: ToolLoop.LoopProgress) => Effect.sync(() => prepareStep(progress)) }),
      ...(onStep === undefined ? {} : { onStep: (step: ToolLoop.LoopStep) => Effect.sync(() => onStep(step)) }),
    }
    const events: Array<ToolLoop.LoopEvent> = []
    const running = streamed
      ? Effect.suspend(() => {
          let response: ToolLoop.LoopResponse | undefined
          return Effect.map(
            Stream.runForEach(ToolLoop.stream(given), (event) =>
              Effect.sync(() => {
                events.push(event)
                if (event.type === "run-finish") response = event.response
              }),
            ),
            () => response,
          )
        })
      : ToolLoop.run(given)
    const ended = Effect.match(running, {
      onSuccess: (response): Ended => ({
        text: response?.text ?? "",
        errorType: undefined,
        error: undefined,
        finishReason: response?.finishReason,
        steps: response?.steps ?? [],
        messages: response?.messages ?? [],
        attempts: response?.metadata.attempts ?? [],
        metadata: response?.metadata,
        events,
      }),
      onFailure: (failure): Ended => ({
        text: "",
        errorType: failure.reason._tag,
        error: failure.message,
        finishReason: undefined,
        steps: "steps" in failure ? failure.steps : [],
        messages: "messages" in failure ? failure.messages : [],
        attempts: failure.attempts,
        metadata: undefined,
        events,
      }),
    })
    return Effect.runPromise(Effect.provide(ended, provider.layer(url)), signal === undefined ? undefined : { signal })
  },
})

/** Every form on every wire. */
export const forms: ReadonlyArray<Form> = oneOfEachWire.flatMap((provider) => [
  promiseForm(provider, false),
  promiseForm(provider, true),
  effectForm(provider, false),
  effectForm(provider, true),
])
