/** What telemetry says beyond the default, for everything that runs within: an immutable value in the fiber's context. */
import * as Context from "effect/Context"

/** Which names are used: the current ones, or those of the last version before they moved to a repository of their own. */
export type Conventions = "latest" | "v1.41"

/** What a text of a call is: instructions, what a user, the model or a tool said, the model's thinking, a tool's description. */
export type ContentKind =
  | "system"
  | "user"
  | "assistant"
  | "reasoning"
  | "tool-call"
  | "tool-result"
  | "tool-definition"

/** What telemetry says. */
export interface TelemetryOptions {
  /** The version of OpenTelemetry's GenAI conventions. Default `latest`. */
  readonly conventions?: Conventions | undefined
  /** False for no metrics, true for metrics also where no tracer is installed. Default: metrics where one is. */
  readonly metrics?: boolean | undefined
  /**
   * Puts what was said into the spans: gets each text, and gives what may be shown of it; undefined for nothing. Without it
   * no span holds a prompt, an answer or an argument of a tool. What it throws counts as undefined.
   */
  readonly content?: ((text: string, kind: ContentKind) => string | undefined) | undefined
}

/** The options in force; `{}` where nobody set any. */
export const TelemetryOptions = Context.Reference<TelemetryOptions>("@wiseflow/llm/TelemetryOptions", {
  defaultValue: () => ({}),
})
