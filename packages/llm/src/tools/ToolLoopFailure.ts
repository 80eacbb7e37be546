/** How a run ends that does not succeed: an `LlmError` that also tells how far the run had come. */
import * as Schema from "effect/Schema"
import { LlmError } from "../model/LlmError.ts"
import { Message } from "../model/LlmRequest.ts"
import { LlmResponse } from "../model/LlmResponse.ts"
import { attemptsOf } from "../call/Totals.ts"

/**
 * An `LlmError` whose `attempts` are those of all steps. `steps` are the answers that had come whole, `messages` the
 * conversation so far: every tool call in it has its result, so that another run can go on with it.
 */
export class ToolLoopFailure extends LlmError.extend<ToolLoopFailure>("ToolLoopFailure")({
  steps: Schema.Array(LlmResponse),
  messages: Schema.Array(Message),
}) {}

export const isToolLoopFailure: (error: LlmError) => error is ToolLoopFailure = Schema.is(ToolLoopFailure)

const isConversation = Schema.is(Schema.Array(Message))

/** The failure of a run for the error of one of its calls. */
export const failureOf = (
  error: LlmError,
  steps: ReadonlyArray<LlmResponse>,
  messages: ReadonlyArray<Message>,
): ToolLoopFailure => {
  const { model, provider, reason, text, warnings } = error
  return new ToolLoopFailure(
    {
      reason,
      provider,
      model,
      attempts: [...attemptsOf(steps), ...error.attempts],
      steps,
      // A conversation that is none is what the error tells of.
      messages: isConversation(messages) ? messages : [],
      ...(text === undefined ? {} : { text }),
      ...(warnings === undefined ? {} : { warnings }),
    },
    // Made of parts that have been checked, or that a provider refused already.
    { disableChecks: true },
  )
}
