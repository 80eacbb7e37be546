/** Writes a prompt of the AI SDK as messages. What a request has no place for is left out with a warning. */
import type { AssistantMessage } from "../../model/Message.ts"
import type { FileInput, ImageInput, MessageInput, ToolResultInput, UserMessageInput } from "../Llm.ts"
import type { AiAssistantPart, AiFile, AiMessage, AiToolOutput, AiToolResult, AiWarning } from "./AiModel.ts"
import { kept, ownOptions } from "./AiPart.ts"

type AssistantPart = Exclude<AssistantMessage["content"], string>[number]
type UserPart = Exclude<UserMessageInput["content"], string>[number]

const unsupported = (feature: string, details?: string): AiWarning =>
  details === undefined ? { type: "unsupported", feature } : { type: "unsupported", feature, details }

const details = ["auto", "low", "high", "original"] as const

/** `image/*` names no type, so the bytes must tell it. */
const typeOf = (mediaType: string): { readonly mediaType?: string } => (mediaType.includes("*") ? {} : { mediaType })

/** A file by a provider's own reference: the first, since a request does not say who will answer it. */
const fileIdOf = (reference: Readonly<Record<string, string>>): string => Object.values(reference)[0] ?? ""

const mediumOf = (file: AiFile): UserPart => {
  const { data, filename, mediaType } = file
  if (data.type === "text") return { type: "text", text: data.text }
  const named: Omit<FileInput, "type"> = { ...typeOf(mediaType), ...(filename === undefined ? {} : { filename }) }
  if (data.type === "reference") return { type: "file", ...named, fileId: fileIdOf(data.reference) }
  const source = data.type === "url" ? { url: data.url.href } : { data: data.data }
  if (!/^image(\/|$)/.test(mediaType)) return { type: "file", ...named, ...source }
  const detail = details.find((known) => known === ownOptions(file.providerOptions)["detail"])
  const image: ImageInput = { type: "image", ...typeOf(mediaType), ...source }
  return detail === undefined ? image : { ...image, detail }
}

const base64 = (data: Uint8Array | string): string => {
  if (typeof data === "string") return data
  let binary = ""
  for (const byte of data) binary += String.fromCharCode(byte)
  return btoa(binary)
}

/** A picture that the model made. */
const madeImage = ({ data, mediaType }: AiFile): AssistantPart | undefined => {
  if (!/^image(\/|$)/.test(mediaType)) return undefined
  if (data.type === "url") return { type: "image", url: data.url.href, ...typeOf(mediaType) }
  return data.type === "data" ? { type: "image", data: base64(data.data), ...typeOf(mediaType) } : undefined
}

/** Undefined where an assistant's part has no place in a request. */
const assistantPart = (part: AiAssistantPart): AssistantPart | undefined => {
  switch (part.type) {
    case "text": {
      const own = kept(part.providerOptions)
      return own?.type === "refusal" ? own : { type: "text", text: part.text }
    }
    case "reasoning": {
      const own = kept(part.providerOptions)
      return own?.type === "reasoning" ? own : { type: "reasoning", text: part.text }
    }
    case "tool-call": {
      if (part.providerExecuted === true) return undefined
      const own = kept(part.providerOptions)
      const { input, toolCallId: id, toolName: name } = part
      const data = own?.type === "tool-call" ? own.protocolData : undefined
      const call = { type: "tool-call", id, name, arguments: input } as const
      return data === undefined ? call : { ...call, protocolData: data }
    }
    case "custom":
      return kept(part.providerOptions)
    case "file":
      return madeImage(part)
    case "reasoning-file":
    case "tool-result":
      return undefined
  }
}

const resultContent = (output: Extract<AiToolOutput, { readonly type: "content" }>): ResultContentInput =>
  output.value.map((item) => {
    if (item.type === "text") return { type: "text", text: item.text }
    return item.type === "file" ? mediumOf(item) : { type: "text", text: JSON.stringify(item.providerOptions ?? {}) }
  })

type ResultContentInput = Exclude<ToolResultInput["content"], string>

const resultOf = ({ output, toolCallId }: AiToolResult): ToolResultInput => {
  const part = { type: "tool-result", toolCallId } as const
  switch (output.type) {
    case "text":
      return { ...part, content: output.value }
    case "json":
      return { ...part, content: JSON.stringify(output.value ?? null) }
    case "error-text":
      return { ...part, content: output.value, isError: true }
    case "error-json":
      return { ...part, content: JSON.stringify(output.value ?? null), isError: true }
    case "execution-denied": {
      const why = output.reason === undefined ? "" : `: ${output.reason}`
      return { ...part, content: `The call was not approved${why}.`, isError: true }
    }
    case "content":
      return { ...part, content: resultContent(output) }
  }
}

const messageOf = (message: AiMessage, place: number, warnings: Array<AiWarning>): ReadonlyArray<MessageInput> => {
  switch (message.role) {
    case "system":
      return [{ role: "system", content: message.content }]
    case "user":
      return [
        {
          role: "user",
          content: message.content.map((part) =>
            part.type === "text" ? { type: "text", text: part.text } : mediumOf(part),
          ),
        },
      ]
    case "assistant": {
      const content: Array<AssistantPart> = []
      message.content.forEach((part, index) => {
        const own = assistantPart(part)
        if (own !== undefined) content.push(own)
        else
          warnings.push(
            unsupported(`prompt[${place}].content[${index}]`, `a request has no place for its ${part.type}`),
          )
      })
      return content.length === 0 ? [] : [{ role: "assistant", content }]
    }
    case "tool": {
      const content = message.content.flatMap((part) => (part.type === "tool-result" ? [resultOf(part)] : []))
      return content.length === 0 ? [] : [{ role: "tool", content }]
    }
  }
}

/** The messages of a prompt; what they have no place for is added to `warnings`. */
export const messagesOf = (prompt: ReadonlyArray<AiMessage>, warnings: Array<AiWarning>): Array<MessageInput> =>
  prompt.flatMap((message, place) => messageOf(message, place, warnings))
