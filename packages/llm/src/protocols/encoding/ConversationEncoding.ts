/** The notes of one conversation that is being written: for whom, what that model and service accept, and what is to be cached. */
import type { AssistantMessage, ToolMessage } from "../../model/LlmRequest.ts"
import type { EncodeOptions } from "../Protocol.ts"
import { CacheMarks } from "./CacheMarks.ts"
import { capabilitiesOf, type ModelCapabilities } from "./ModelCapabilities.ts"
import { RequestEncoding } from "./RequestEncoding.ts"

export class ConversationEncoding extends RequestEncoding {
  readonly model: string
  readonly capabilities: ModelCapabilities
  readonly marks = new CacheMarks()

  constructor({ capabilities, model }: Pick<EncodeOptions, "capabilities" | "model">) {
    super()
    this.model = model
    this.capabilities = capabilitiesOf(model, capabilities)
  }

  /** Says that marks for caching had no place; services that cache by themselves need none. */
  dropMarks(message: AssistantMessage | ToolMessage, path: string): void {
    if (this.capabilities.cacheMarks === "automatic") return
    const parts = typeof message.content === "string" ? [] : message.content
    const isMarked = message.cache !== undefined || parts.some((part) => "cache" in part && part.cache !== undefined)
    if (isMarked) this.warn(`cache in ${path} was dropped: ${this.model} takes marks from users and systems only`)
  }
}
