/** The notes of one conversation that is being written: for whom, what that model and service accept, and what is to be cached. */
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
}
