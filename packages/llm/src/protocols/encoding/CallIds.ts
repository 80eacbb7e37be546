/**
 * Ids of tool calls as a target accepts them. History moves between providers, and each has a rule of its own; an id that
 * breaks the rule, or that an earlier call has already, gets another one: the same one each time, at the call and at its
 * result alike. It knows no wire format.
 */
import type { AssistantMessage, Message, ToolMessage } from "../../model/LlmRequest.ts"
import { isCut } from "./JsonText.ts"

/** What a target accepts as the id of a tool call. */
export interface CallIdRule {
  readonly maxLength: number
  /** `word`: letters, digits, `_` and `-`. `alphanumeric`: letters and digits. */
  readonly alphabet: "any" | "word" | "alphanumeric"
  /** True where every id has exactly `maxLength` characters. */
  readonly isExact?: boolean | undefined
}

/** FNV-1a, 32 bits, from a start of its own: the same text gives the same digits in every process. */
const hash = (text: string, start: number): string => {
  let state = start
  for (let place = 0; place < text.length; place++) state = Math.imul(state ^ text.charCodeAt(place), 16777619)
  return (state >>> 0).toString(36).padStart(7, "0")
}

/** Fourteen letters and digits that stand for a text. */
const digest = (text: string): string => `${hash(text, 2166136261)}${hash(text, 2654435769)}`

const alphabets = { any: /^[^]+$/, word: /^[\w-]+$/, alphanumeric: /^[\dA-Za-z]+$/ }

const isAccepted = (id: string, { alphabet, isExact, maxLength }: CallIdRule): boolean =>
  id.length <= maxLength && alphabets[alphabet].test(id) && !(isExact === true && id.length < maxLength) && !isCut(id)

/** The id that stands for one that a target refuses. `salt` tells apart what would become the same. */
const renamed = (id: string, salt: number, { alphabet, maxLength }: CallIdRule): string => {
  const digits = digest(salt === 0 ? id : `${id} ${salt}`)
  const named = `call_${digits}`
  // The hash's last digits vary most.
  return alphabet === "alphanumeric" || named.length > maxLength ? digits.slice(-maxLength) : named
}

class CallIds {
  private readonly rule: CallIdRule
  /** The ids that calls of the request have by themselves; a made-up one never takes one of them. */
  private readonly own: ReadonlySet<string>
  private readonly given = new Set<string>()
  /** By the id in the request: the calls without a result yet, and the last one of all. */
  private readonly open = new Map<string, Array<string>>()
  private readonly last = new Map<string, string>()

  constructor(rule: CallIdRule, own: ReadonlySet<string>) {
    this.rule = rule
    this.own = own
  }

  call(id: string): string {
    const given = this.fresh(id)
    this.given.add(given)
    this.last.set(id, given)
    const waiting = this.open.get(id)
    if (waiting === undefined) this.open.set(id, [given])
    else waiting.push(given)
    return given
  }

  /** The id of the call that a result answers: the first of that id without a result, else the last. */
  result(id: string): string {
    const given = this.open.get(id)?.shift() ?? this.last.get(id)
    if (given !== undefined) return given
    // Its call is not in the request: the provider keeps it, under the name that the same rule gave it.
    return isAccepted(id, this.rule) ? id : renamed(id, 0, this.rule)
  }

  private fresh(id: string): string {
    if (isAccepted(id, this.rule) && !this.given.has(id)) return id
    let salt = 0
    let given = renamed(id, salt, this.rule)
    while (this.given.has(given) || this.own.has(given)) given = renamed(id, ++salt, this.rule)
    return given
  }
}

const callsIn = (messages: ReadonlyArray<Message>): ReadonlyArray<string> =>
  messages.flatMap(({ content, role }) =>
    role !== "assistant" || typeof content === "string"
      ? []
      : content.flatMap((part) => (part.type === "tool-call" ? [part.id] : [])),
  )

const withCalls = (message: AssistantMessage, ids: CallIds): AssistantMessage =>
  typeof message.content === "string"
    ? message
    : {
        ...message,
        content: message.content.map((part) => (part.type === "tool-call" ? { ...part, id: ids.call(part.id) } : part)),
      }

const withResults = (message: ToolMessage, ids: CallIds): ToolMessage => ({
  ...message,
  content: message.content.map((part) => ({ ...part, toolCallId: ids.result(part.toolCallId) })),
})

const hasNoCalls = ({ content, role }: Message): boolean =>
  role !== "tool" && (role !== "assistant" || typeof content === "string")

/** The messages with ids that a target accepts: the messages themselves where it accepts those that they have. */
export const withCallIds = (messages: ReadonlyArray<Message>, rule: CallIdRule): ReadonlyArray<Message> => {
  // Most conversations have no tools in them.
  if (messages.every(hasNoCalls)) return messages
  const own = callsIn(messages)
  const distinct = new Set(own)
  const isRight = own.length === distinct.size && own.every((id) => isAccepted(id, rule))
  const answersOnly = own.length === 0 && messages.some(({ role }) => role === "tool")
  if (isRight && !answersOnly) return messages
  const ids = new CallIds(rule, distinct)
  return messages.map((message) =>
    message.role === "assistant"
      ? withCalls(message, ids)
      : message.role === "tool"
        ? withResults(message, ids)
        : message,
  )
}
