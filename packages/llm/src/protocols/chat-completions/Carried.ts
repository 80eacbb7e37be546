/**
 * Gathers what an answer of Chat Completions carries beside what it says, so that nothing is lost: what goes back with the
 * message (`other` parts without a `type` hold fields of the message), and what only tells (those with a `type`).
 */
import type { LlmEvent } from "../../model/LlmEvent.ts"
import type { AnswerReader } from "../AnswerReader.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"
import { Details } from "./Reasoning.ts"

/** Fields of a message that its service wants back: Gemini's signatures (recorded), Alibaba's sealed reasoning (D). */
const returned = ["extra_content", "thought_signature", "encrypted_content"]

/** Fields of a message that only tell: sources (Azure's `context`, Mistral), what Groq's compound models ran (recorded). */
const telling = ["context", "references", "executed_tools", "provider_metadata", "provider_specific_fields"]

/** Fields beside the choices: Perplexity's and xAI's sources (recorded). Each chunk of a stream repeats them. */
const beside = ["citations", "search_results", "related_questions", "images"]

/** The fields that only tell, in the order in which they are kept. */
const toldFields = [...telling, ...beside]

const ofMessage: ReadonlySet<string> = new Set([...returned, ...telling])

const isPresent = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : isWireObject(value)
      ? Object.keys(value).length > 0
      : nonEmpty(value) !== undefined

export class Carried {
  private readonly reader: AnswerReader
  // Made when they are needed: most answers carry nothing.
  private fields: Map<string, unknown> | undefined = undefined
  private annotations: Array<unknown> | undefined = undefined
  private details: Details | undefined = undefined
  private thinkingBlocks: Details | undefined = undefined
  /** How likely the tokens were, a list for the text and one for the refusal. As long as the answer, so not counted. */
  private likelihoods: Map<string, Array<unknown>> | undefined = undefined
  private audio: Record<string, unknown> | undefined = undefined

  constructor(reader: AnswerReader) {
    this.reader = reader
  }

  /** Reads a message or a piece of one. */
  read(delta: WireObject): void {
    for (const name in delta) if (name !== "content") this.readField(name, delta[name])
  }

  /** Reads a message once more of which pieces have come: what has been gathered from them is not gathered twice. */
  readAgain(message: WireObject): void {
    for (const name in message) if (!this.has(name)) this.readField(name, message[name])
  }

  /** Reads what stands beside the choices. */
  readBeside(body: WireObject): void {
    const { citations, images, related_questions, search_results } = body
    this.keepField("citations", citations)
    this.keepField("search_results", search_results)
    this.keepField("related_questions", related_questions)
    this.keepField("images", images)
  }

  /** Reads what a choice says beside its message. */
  readChoice(choice: WireObject): void {
    if (!isWireObject(choice.logprobs)) return
    for (const field of ["content", "refusal"]) {
      const tokens = elements(choice.logprobs[field])
      if (tokens.length === 0) continue
      this.likelihoods ??= new Map()
      const before = this.likelihoods.get(field)
      if (before === undefined) this.likelihoods.set(field, [...tokens])
      else for (const token of tokens) before.push(token)
    }
  }

  /** A detail of reasoning that belongs to no part. */
  addDetail(detail: WireObject): void {
    this.details ??= new Details()
    this.details.add(detail, () => this.reader.note("reasoning_details"))
  }

  end(events: Array<LlmEvent>): void {
    const { annotations, audio, details, fields, likelihoods, reader, thinkingBlocks } = this
    const back: Record<string, unknown> = {}
    if (details?.isSealed === true) back.reasoning_details = details.whole
    if (thinkingBlocks?.isSealed === true) back.thinking_blocks = thinkingBlocks.whole
    if (fields !== undefined) for (const field of returned) if (fields.has(field)) back[field] = fields.get(field)
    if (Object.keys(back).length > 0) reader.keep(back, events)
    if (annotations !== undefined) reader.keep({ type: "annotations", annotations }, events)
    if (audio !== undefined) reader.keep({ type: "audio", audio }, events)
    if (likelihoods !== undefined) reader.keep({ type: "logprobs", logprobs: Object.fromEntries(likelihoods) }, events)
    if (fields === undefined) return
    for (const field of toldFields) {
      if (fields.has(field)) reader.keep({ type: field, [field]: fields.get(field) }, events)
    }
  }

  /** True for a field that is gathered from pieces, and of which some have come. */
  private has(name: string): boolean {
    if (name === "annotations") return this.annotations !== undefined
    if (name === "audio") return this.audio !== undefined
    return name === "thinking_blocks" && this.thinkingBlocks !== undefined
  }

  private readField(name: string, value: unknown): void {
    if (name === "annotations") this.annotate(elements(value))
    else if (name === "thinking_blocks") this.readBlocks(elements(value))
    else if (name === "audio") this.hear(value)
    else if (ofMessage.has(name)) this.keepField(name, value)
  }

  private keepField(name: string, value: unknown): void {
    if (!isPresent(value)) return
    this.fields ??= new Map()
    this.fields.set(name, value)
  }

  private annotate(annotations: ReadonlyArray<unknown>): void {
    for (const annotation of annotations) {
      this.reader.note("annotations")
      this.annotations ??= []
      this.annotations.push(annotation)
    }
  }

  /** Claude's thinking with its signature, as LiteLLM passes it on. */
  private readBlocks(blocks: ReadonlyArray<unknown>): void {
    for (const block of blocks) {
      if (!isWireObject(block)) continue
      this.thinkingBlocks ??= new Details()
      this.thinkingBlocks.add(block, () => this.reader.note("thinking_blocks"))
    }
  }

  /** What the model spoke: its data and its transcript come in pieces, and null stands for no piece. */
  private hear(piece: unknown): void {
    if (!isWireObject(piece)) return
    if (nonEmpty(piece.id) === undefined && nonEmpty(piece.data) === undefined && this.audio === undefined) return
    this.audio ??= {}
    for (const [field, value] of Object.entries(piece)) {
      if (value === null) continue
      const before = this.audio[field]
      const grows = field === "data" || field === "transcript"
      this.audio[field] = grows && typeof before === "string" && typeof value === "string" ? before + value : value
    }
  }
}
