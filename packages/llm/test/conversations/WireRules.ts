/**
 * What real services refuse in a conversation, as a checker of request bodies: the rules of their documentation and of
 * their recorded and reported errors. It is written apart from the encoders, and knows the wire only.
 */
type Json = Readonly<Record<string, any>>

/** A service that holds a request to its rules: the complaints, none where it would answer. */
export type Rules = (body: Json) => ReadonlyArray<string>

const blank = (text: unknown): boolean => typeof text !== "string" || text.trim() === ""

/** Halves of characters anywhere, escaped ones in arguments included. */
const cut = (body: Json): ReadonlyArray<string> =>
  /\\u[dD][89a-fA-F][0-9a-fA-F]{2}/.test(JSON.stringify(body).replaceAll("\\\\u", "\\u"))
    ? ["no low surrogate in string"]
    : []

const toolOptions = (body: Json): ReadonlyArray<string> =>
  body["tools"] === undefined && (body["tool_choice"] ?? body["parallel_tool_calls"]) !== undefined
    ? ["'tool_choice' is only allowed when 'tools' are specified"]
    : []

interface ChatRules {
  readonly id: RegExp
  /** Fields of an assistant message beside the usual ones. */
  readonly fields?: ReadonlyArray<string>
  readonly parts?: ReadonlyArray<string>
  /** What a message with tool calls must have. */
  readonly turn?: (message: Json, model: string) => string | undefined
  /** Whether tools may show pictures. */
  readonly shows?: boolean
}

const usual = ["role", "content", "tool_calls", "refusal", "name", "annotations"]

const partComplaint = (part: Json, allowed: ReadonlyArray<string>): ReadonlyArray<string> => {
  if (!allowed.includes(part["type"])) return [`Invalid content type ${part["type"]}`]
  if (part["type"] === "image_url" && !/^(https?:|data:image\/)/.test(part["image_url"]?.url ?? part["image_url"]))
    return ["Invalid image_url"]
  if (part["type"] !== "file") return []
  const { file_data: data, file_id: id } = part["file"] ?? {}
  return id !== undefined || String(data).startsWith("data:application/pdf;base64,") ? [] : ["Invalid file data"]
}

/** Chat Completions: each call answered at once, each result called for, nothing that the service does not know. */
const chat =
  ({
    fields = [],
    id,
    parts = ["text", "image_url", "file", "input_audio"],
    turn = () => undefined,
    shows = false,
  }: ChatRules): Rules =>
  (body) => {
    const complaints: Array<string> = [...cut(body), ...toolOptions(body)]
    const seen = new Set<string>()
    let open: Array<string> = []
    for (const [place, message] of (body["messages"] as ReadonlyArray<Json>).entries()) {
      const { content, role, tool_calls: calls = [] } = message
      if (role === "tool") {
        const called = open.indexOf(message["tool_call_id"])
        if (called < 0) complaints.push(`messages[${place}]: no tool call ${message["tool_call_id"]} to answer`)
        else open.splice(called, 1)
        const isText = shows || typeof content === "string" || content.every(({ type }: Json) => type === "text")
        if (!isText) complaints.push(`messages[${place}]: tools answer in text`)
        continue
      }
      if (open.length > 0) complaints.push(`messages[${place}]: tool calls ${open.join()} have no results`)
      open = []
      if (role === "user" && Array.isArray(content)) {
        for (const part of content) complaints.push(...partComplaint(part, parts))
      }
      if (role !== "assistant") continue
      const unknown = Object.keys(message).filter((field) => ![...usual, ...fields].includes(field))
      if (unknown.length > 0) complaints.push(`Unknown parameter: messages[${place}].${unknown.join()}`)
      if (calls.length === 0 && content === null && message["refusal"] === undefined) {
        complaints.push(`messages[${place}]: content is null`)
      }
      for (const call of calls as ReadonlyArray<Json>) {
        if (!id.test(call["id"])) complaints.push(`messages[${place}]: tool call id was ${call["id"]}`)
        if (seen.has(call["id"])) complaints.push(`messages[${place}]: tool call id ${call["id"]} is not unique`)
        if (typeof call["function"].arguments !== "string") complaints.push("arguments are not a string")
        seen.add(call["id"])
        open.push(call["id"])
      }
      const complaint = calls.length > 0 ? turn(message, body["model"]) : undefined
      if (complaint !== undefined) complaints.push(`messages[${place}]: ${complaint}`)
    }
    if (open.length > 0) complaints.push(`tool calls ${open.join()} have no results`)
    return complaints
  }

const isThinking = (block: Json | undefined): boolean => /^(redacted_)?thinking$/.test(block?.["type"])

const blockComplaint = (block: Json): ReadonlyArray<string> => {
  switch (block["type"]) {
    case "text":
      return blank(block["text"]) ? ["text content blocks must be non-empty"] : []
    case "image": {
      const { data, media_type: type, type: source } = block["source"]
      if (source !== "base64") return []
      return /^image\/(png|jpeg|gif|webp)$/.test(type) && data.length <= 5_242_880 ? [] : ["image is not acceptable"]
    }
    case "thinking":
      return blank(block["signature"]) ? ["thinking.signature: Field required"] : []
    case "tool_use":
      return [
        ...(/^[\w-]+$/.test(block["id"]) ? [] : [`tool_use.id: String should match pattern: ${block["id"]}`]),
        ...(typeof block["input"] === "object" && !Array.isArray(block["input"])
          ? []
          : ["tool_use.input: not an object"]),
      ]
    case "tool_result":
      return Array.isArray(block["content"]) ? block["content"].flatMap(blockComplaint) : []
    default:
      return []
  }
}

/** Turns of one side are joined, and systems may stand between them (recorded). */
const joined = (messages: ReadonlyArray<Json>): ReadonlyArray<Json> => {
  const turns: Array<{ role: string; content: Array<Json> }> = []
  for (const { content, role } of messages) {
    if (role === "system") continue
    const blocks = typeof content === "string" ? [{ type: "text", text: content }] : content
    const last = turns.at(-1)
    if (last?.role === role) last?.content.push(...blocks)
    else turns.push({ role, content: [...blocks] })
  }
  return turns
}

/** Anthropic: turns in alternation, results first and at once, thinking of its own where it thinks by a budget. */
export const anthropic: Rules = (body) => {
  const complaints: Array<string> = [...cut(body), ...toolOptions(body)]
  const turns = joined(body["messages"])
  const ids = new Set<string>()
  let open: ReadonlyArray<string> = []
  for (const [place, { content, role }] of turns.entries()) {
    const blocks: ReadonlyArray<Json> = content
    if (role !== (place % 2 === 0 ? "user" : "assistant")) complaints.push(`messages.${place}: roles must alternate`)
    complaints.push(...blocks.flatMap(blockComplaint))
    const results = blocks.filter(({ type }) => type === "tool_result").map((block): string => block["tool_use_id"])
    const missing = open.filter((id) => !results.includes(id))
    if (missing.length > 0) complaints.push(`tool_use ids were found without tool_result blocks: ${missing.join()}`)
    if (results.some((id) => !open.includes(id))) complaints.push(`messages.${place}: unexpected tool_use_id`)
    if (blocks.slice(0, results.length).some(({ type }) => type !== "tool_result"))
      complaints.push("results come first")
    open = blocks.filter(({ type }) => type === "tool_use").map((block): string => block["id"])
    for (const id of open) {
      if (ids.has(id)) complaints.push("tool_use ids must be unique")
      ids.add(id)
    }
  }
  if (open.length > 0) complaints.push("tool_use ids were found without tool_result blocks")
  const { budget_tokens: budget, type } = body["thinking"] ?? {}
  if (type === "enabled") {
    if (!(budget >= 1024 && budget < body["max_tokens"])) complaints.push("thinking.budget_tokens is out of range")
    const before = turns.at(-2)?.["content"] as ReadonlyArray<Json> | undefined
    if (before?.some(({ type: kind }) => kind === "tool_use") === true && !isThinking(before[0])) {
      complaints.push("Expected `thinking` or `redacted_thinking`, but found `tool_use`")
    }
  }
  return complaints
}

/** OpenAI's Responses: calls and outputs in pairs, and reasoning that is encrypted where it is not stored. */
export const responses: Rules = (body) => {
  const complaints: Array<string> = [...cut(body)]
  const isStored = body["store"] !== false
  let open: Array<string> = []
  const ids = new Set<string>()
  for (const [place, item] of (body["input"] as ReadonlyArray<Json>).entries()) {
    const { type = "message" } = item
    if (type === "function_call") {
      const id: string = item["call_id"]
      if (id.length < 1 || id.length > 64) complaints.push(`input[${place}].call_id: string too long`)
      if (ids.has(id)) complaints.push(`input[${place}].call_id: ${id} is not unique`)
      if (typeof item["arguments"] !== "string") complaints.push(`input[${place}].arguments: not a string`)
      ids.add(id)
      open.push(id)
    } else if (type === "custom_tool_call" || type === "tool_search_call") {
      ids.add(item["call_id"] ?? item["id"])
    } else if (type === "function_call_output") {
      if (!ids.has(item["call_id"])) complaints.push(`No tool call found for call_id ${item["call_id"]}`)
      open = open.filter((id) => id !== item["call_id"])
    } else if (type === "reasoning") {
      if (!Array.isArray(item["summary"])) complaints.push(`input[${place}].summary: required`)
      const isKept = isStored && item["id"] !== undefined
      if (blank(item["encrypted_content"]) && !isKept) complaints.push(`input[${place}]: Item is not persisted`)
      if (item["content"] !== undefined) complaints.push(`input[${place}].content: array too long`)
    } else if (type === "message") {
      if (item["role"] !== "assistant" && open.length > 0) complaints.push(`No tool output found for ${open.join()}`)
      const parts: ReadonlyArray<Json> = Array.isArray(item["content"]) ? item["content"] : []
      const allowed = item["role"] === "assistant" ? /^(output_text|refusal)$/ : /^input_(text|image|file)$/
      for (const part of parts) if (!allowed.test(part["type"])) complaints.push(`Invalid value: '${part["type"]}'`)
    }
  }
  if (open.length > 0) complaints.push(`No tool output found for ${open.join()}`)
  return complaints
}

export const openAi = chat({ id: /^[^]{1,40}$/ })
export const azure = chat({ id: /^[^]{1,40}$/, parts: ["text", "image_url"] })
export const mistral = chat({
  id: /^[a-zA-Z0-9]{9}$/,
  fields: ["prefix", "index"],
  parts: ["text", "image_url", "document_url", "input_audio"],
})
export const groq = chat({ id: /^[^]{1,64}$/, fields: ["reasoning"], parts: ["text", "image_url"] })
export const deepSeek = chat({
  id: /^[^]{1,64}$/,
  fields: ["reasoning_content"],
  turn: ({ reasoning_content: reasoning }, model) =>
    typeof reasoning === "string" || !/v4|reasoner/.test(model)
      ? undefined
      : "The reasoning_content in the thinking mode must be passed back",
})
export const openRouter = chat({
  id: /^[^]{1,64}$/,
  fields: ["reasoning", "reasoning_details"],
  parts: ["text", "image_url", "file", "input_audio", "video_url"],
  shows: true,
})
export const gemini = chat({
  id: /^[^]{1,64}$/,
  fields: ["extra_content", "thought_signature"],
  turn: ({ extra_content: whole, thought_signature: own, tool_calls: [first] }) =>
    (whole ?? own ?? first.extra_content?.google?.thought_signature) === undefined
      ? "Function call is missing a thought_signature"
      : undefined,
})
