/**
 * A fault as data: a name, what happens on the socket, and what a caller must see (the laws). The faults themselves are
 * in `StreamFaults`, `AnswerFaults` and `OddAnswers`; `faultScenarios` has them all.
 */
import type { ErrorType } from "../../src/model/LlmError.ts"
import { type Answer, type RecordedRequest, type Script, type Step } from "./FaultServer.ts"
import { chunk, stream, streamHead, whole } from "./HttpText.ts"
import { fullText, goodStream, pieces, type WireName, type WireText } from "./WireText.ts"

export type CallName = "generate" | "stream"

/** What the caller must see. `text` is the whole answer, or what a failed stream had already emitted. */
export type Expected =
  | { readonly outcome: "success"; readonly text: string }
  | { readonly outcome: "failure"; readonly errorTypes: ReadonlyArray<ErrorType>; readonly text: string }

/** How many requests may reach the server: a number, or every attempt the policy allows (1 + maxRetries). */
export type ExpectedRequests = number | "all"

export interface FaultScenario {
  readonly name: string
  /** What happens, in words. */
  readonly fault: string
  readonly calls: ReadonlyArray<CallName>
  readonly wires: ReadonlyArray<WireName>
  readonly script: (wire: WireText, call: CallName) => Script
  readonly expected: Expected
  /** Undefined where it depends on which clock the caller set. */
  readonly requests: ExpectedRequests | undefined
  /** True where nothing but the caller's own clock ends the call. */
  readonly stalls: boolean
  /** The second request may not arrive earlier than this after the first answer. */
  readonly waitAtLeastMs: number | undefined
}

/** What the groups of faults are written with. */
export const both: ReadonlyArray<CallName> = ["generate", "stream"]
export const onlyGenerate: ReadonlyArray<CallName> = ["generate"]
export const onlyStream: ReadonlyArray<CallName> = ["stream"]
export const success: Expected = { outcome: "success", text: fullText }
export const failure = (text: string, ...errorTypes: ReadonlyArray<ErrorType>): Expected => ({
  outcome: "failure",
  errorTypes,
  text,
})

type Traits = Pick<FaultScenario, "fault" | "calls" | "expected"> & Partial<FaultScenario>

export const scenario = (name: string, script: FaultScenario["script"], traits: Traits): FaultScenario => ({
  wires: ["chat", "messages", "responses"],
  requests: traits.expected.outcome === "success" ? 1 : "all",
  stalls: false,
  waitAtLeastMs: undefined,
  ...traits,
  name,
  script,
})

/** The good answer to either call. */
export const goodAnswer = (wire: WireText, call: CallName): Answer =>
  call === "generate" ? whole(wire.answer(fullText)) : stream(...goodStream(wire))

/** The call that a request belongs to, by its body. */
export const callOf = (request: RecordedRequest): CallName =>
  (request.json as { stream?: unknown } | undefined)?.stream === true ? "stream" : "generate"

/** Where the redirects point: another host name of this machine, so another origin. */
export const elsewhere = "/elsewhere"

export const partialEvents = (wire: WireText) => [wire.opening, wire.piece(pieces[0]), wire.piece(pieces[1])]
export const partial = (wire: WireText): ReadonlyArray<Step> => [streamHead(), ...partialEvents(wire).map(chunk)]

/** The same answer to every request of the stream. */
export const streams =
  (answer: (wire: WireText) => Answer): FaultScenario["script"] =>
  (wire) =>
  () =>
    answer(wire)

export const cut = "StreamInterruptedError"
