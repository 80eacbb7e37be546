/**
 * Reads the reasoning of Chat Completions, which every service writes under a name of its own: `reasoning_content`
 * (DeepSeek, xAI, Z.ai, llama.cpp), `reasoning` (OpenRouter, Groq, Together) or only inside `reasoning_details`
 * (Snowflake). Services that send two of them send the same text twice.
 */
import { isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"

/** The reasoning in a delta, and the field that it stood in. */
export interface Thought {
  readonly text: string
  readonly field: string
}

/** The most telling name of the field first. */
const namedThought = ({ reasoning, reasoning_content }: WireObject): Thought | undefined => {
  const content = nonEmpty(reasoning_content)
  if (content !== undefined) return { text: content, field: "reasoning_content" }
  const text = nonEmpty(reasoning)
  return text === undefined ? undefined : { text, field: "reasoning" }
}

/** The reasoning that a delta says; none where it says none. */
export const thoughtOf = (delta: WireObject): Thought | undefined => {
  const named = namedThought(delta)
  if (named !== undefined || !Array.isArray(delta.reasoning_details)) return named
  let text = ""
  for (const detail of delta.reasoning_details) {
    if (isWireObject(detail)) text += nonEmpty(detail.text) ?? nonEmpty(detail.summary) ?? ""
  }
  return text === "" ? undefined : { text, field: "reasoning_details" }
}

/** The fields of a detail whose text grows from piece to piece. */
const growing: ReadonlySet<string> = new Set(["text", "summary", "thinking"])

const goesOn = ({ signature, summary, text, thinking }: WireObject): boolean =>
  typeof signature === "string" ||
  typeof text === "string" ||
  typeof summary === "string" ||
  typeof thinking === "string"

/** Details whose pieces are put together again: the service wants them back whole, unmodified and in order. */
export class Details {
  readonly whole: Array<Record<string, unknown>> = []

  /** True where a detail holds what only its service can read, so that it has to come back. */
  get isSealed(): boolean {
    return this.whole.some((one) => nonEmpty(one.signature) !== undefined || nonEmpty(one.data) !== undefined)
  }

  /** Adds a piece. `mayBegin` is asked before it begins a detail of its own. */
  add(piece: WireObject, mayBegin: () => boolean): void {
    const last = this.whole.at(-1)
    if (last === undefined || !continues(last, piece)) {
      if (mayBegin()) this.whole.push({ ...piece })
      return
    }
    for (const [field, value] of Object.entries(piece)) {
      const before = last[field]
      if (value === null) continue
      last[field] =
        growing.has(field) && typeof before === "string" && typeof value === "string" ? before + value : value
    }
  }
}

const continues = (last: WireObject, piece: WireObject): boolean =>
  last.type === piece.type &&
  last.index === piece.index &&
  goesOn(piece) &&
  nonEmpty(last.signature) === undefined &&
  nonEmpty(piece.data) === undefined
