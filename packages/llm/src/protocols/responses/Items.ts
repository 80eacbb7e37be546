/**
 * What the types of a Responses answer's items mean, as data: who has to answer an item, and which of its fields have to
 * come back with the next request though no part holds them. Source: openai 7.57 types; recorded exchanges.
 */
import type { ImagePart } from "../../model/LlmRequest.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "../WireReader.ts"

/** Calls that the caller answers, whatever else the item says. */
const clientCalls: ReadonlySet<unknown> = new Set([
  "function_call",
  "custom_tool_call",
  "computer_call",
  "apply_patch_call",
  "local_shell_call",
])

const answers: ReadonlySet<unknown> = new Set([
  "function_call_output",
  "custom_tool_call_output",
  "computer_call_output",
  "apply_patch_call_output",
  "local_shell_call_output",
  "shell_call_output",
  "tool_search_output",
])

/** A shell call runs at the provider where its environment is a container; a search of tools says who runs it. */
const isClientCall = (item: WireObject): boolean => {
  if (item.type === "tool_search_call") return item.execution === "client"
  if (item.type !== "shell_call") return clientCalls.has(item.type)
  const type = isWireObject(item.environment) ? item.environment.type : undefined
  return type === undefined || type === null || type === "local"
}

/** The calls of one answer that nobody has answered yet: with one, the answer ends in `tool-calls`. */
export class PendingCalls {
  private readonly calls: Array<unknown> = []
  private readonly answered = new Set<unknown>()
  /** True once the provider asked for a person's approval. */
  needsApproval = false

  note(item: WireObject): void {
    if (isClientCall(item)) this.calls.push(item.call_id ?? item.id)
    else if (answers.has(item.type)) this.answered.add(item.call_id)
    else if (item.type === "mcp_approval_request") this.needsApproval = true
  }

  /** True where the caller has to answer a call. */
  get any(): boolean {
    return this.calls.some((call) => !this.answered.has(call))
  }
}

/** An object with the fields that have a value; undefined where none has. */
const present = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> | undefined => {
  const kept = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
  return kept.length === 0 ? undefined : Object.fromEntries(kept)
}

const nonEmptyList = (list: ReadonlyArray<unknown>): ReadonlyArray<unknown> | undefined =>
  list.length === 0 ? undefined : list

/**
 * What a message says beside its text: where the text comes from, how likely its tokens were, and whether it is comment
 * or final answer (`phase`, which has to come back: dropping it degrades the next answer).
 */
export const detailsOfMessage = (
  item: WireObject,
  annotations: ReadonlyArray<unknown>,
): Record<string, unknown> | undefined => {
  const listOf = (field: string): ReadonlyArray<unknown> =>
    elements(item.content).flatMap((part) => (isWireObject(part) ? elements(part[field]) : []))
  const own = listOf("annotations")
  const fields = present({
    phase: nonEmpty(item.phase),
    annotations: nonEmptyList(own.length > 0 ? own : annotations),
    logprobs: nonEmptyList(listOf("logprobs")),
  })
  return fields === undefined ? undefined : { type: "message", ...fields }
}

/**
 * What a call has to come back with, beside its name and arguments: the namespace of its tool, the program that made it, or
 * that it is a custom one. `ToolCallPart.protocolData` keeps it under the protocol's name.
 */
export const detailsOfCall = (item: WireObject): Record<string, unknown> | undefined =>
  present({
    type: item.type === "custom_tool_call" ? item.type : undefined,
    namespace: item.namespace,
    caller: item.caller,
  })

/**
 * The picture that an `image_generation_call` made, and the item without it: together they are the item again. Undefined
 * where there is no picture.
 */
export const pictureOf = (item: WireObject): readonly [ImagePart, Record<string, unknown>] | undefined => {
  const { result, ...rest } = item
  const data = nonEmpty(result)
  if (item.type !== "image_generation_call" || data === undefined) return undefined
  return [{ type: "image", mediaType: `image/${nonEmpty(item.output_format) ?? "png"}`, data }, rest]
}
