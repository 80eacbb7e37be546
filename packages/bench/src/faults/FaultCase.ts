/** The faults of the comparison: what the server does, and what is right to do about it, in words and as a check. */
import { httpDateAfter } from "../../../llm/test/faults/AnswerFaults.ts"
import { type CallName, type FaultScenario, goodAnswer } from "../../../llm/test/faults/FaultScenario.ts"
import { faultScenario } from "../../../llm/test/faults/FaultScenarios.ts"
import { type Answer, inTurn, type Script } from "../../../llm/test/faults/FaultServer.ts"
import { stream, whole } from "../../../llm/test/faults/HttpText.ts"
import { fullText, partialText, type WireText } from "../../../llm/test/faults/WireText.ts"
import { timeoutMs } from "./FaultClient.ts"
import type { Observation } from "./FaultTrial.ts"

export interface FaultCase {
  readonly name: string
  /** What the server does. */
  readonly fault: string
  /** What is right, and by which law of this library's behaviour. */
  readonly rule: string
  readonly call: CallName
  /** True where the caller aborts 200 ms after the first text. */
  readonly aborts: boolean
  readonly script: (wire: WireText) => Script
  readonly isRight: (observation: Observation) => boolean
}

/** Timers may fire this much early. */
const timerMs = 2

const failed = ({ seen }: Observation): boolean => seen?.outcome === "error"
const succeeded = ({ seen }: Observation): boolean => seen?.outcome === "answer" && seen.text === fullText
/** An error, without a second request and without text that came twice. */
const failedWith = (text: string) => (observation: Observation) =>
  failed(observation) && observation.seen?.text === text && observation.requests.length === 1
/** One repeated request and the whole text. */
const repeated = (observation: Observation) => succeeded(observation) && observation.requests.length === 2
/** Repeated, and not before the moment that the first answer named. */
const repeatedAfter = (momentMs: (answeredAtMs: number) => number) => (observation: Observation) => {
  const [first, second] = observation.requests
  return (
    repeated(observation) &&
    first?.answeredAtMs !== undefined &&
    second !== undefined &&
    second.receivedAtMs >= momentMs(first.answeredAtMs) - timerMs
  )
}
const endedInTime = (observation: Observation) =>
  failed(observation) && observation.durationMs <= timeoutMs + 1000 && closedWithin(500)(observation)
const closedWithin = (milliseconds: number) => (observation: Observation) =>
  observation.socket?.closedAfterMs !== undefined && observation.socket.closedAfterMs <= milliseconds

const streamed = (name: string, scenario: string, rule: string, isRight: FaultCase["isRight"]): FaultCase => {
  const { fault, script } = faultScenario(scenario)
  return { name, fault, rule, call: "stream", aborts: false, script: (wire) => script(wire, "stream"), isRight }
}

/** The first request meets the fault, the second a good answer. */
const once =
  (call: CallName, answer: (wire: WireText) => Answer): FaultCase["script"] =>
  (wire) =>
    inTurn(answer(wire), goodAnswer(wire, call))

/** The scenario's fault on the first request only. */
const onceOf =
  (scenario: FaultScenario, call: CallName): FaultCase["script"] =>
  (wire) => {
    const faulty = scenario.script(wire, call)
    return (request) => (request.index === 0 ? faulty(request) : goodAnswer(wire, call))
  }

const rateLimited =
  (headers: () => Readonly<Record<string, string>>): FaultCase["script"] =>
  (wire) =>
  (request) =>
    request.index === 0 ? whole(wire.error("rate-limit").body, 429, headers()) : goodAnswer(wire, "generate")

const notEarly = "One repeated request, not earlier than asked (law 7)."

const generated = (
  name: string,
  fault: string,
  rule: string,
  script: FaultCase["script"],
  isRight: FaultCase["isRight"],
): FaultCase => ({ name, fault, rule, call: "generate", aborts: false, script, isRight })

export const faultCases: ReadonlyArray<FaultCase> = [
  streamed(
    "cut-stream",
    "cut-clean",
    "An error, never a success: no terminal signal came. The text so far is kept and no request repeats it (laws 1, 14).",
    failedWith(partialText),
  ),
  {
    name: "done-without-finish",
    fault: "Chat Completions: `[DONE]` without a finish reason. Messages: the end without `message_stop`.",
    rule: "An error: the answer is not known to be whole (law 1).",
    call: "stream",
    aborts: false,
    script: (wire) =>
      faultScenario(wire.name === "chat" ? "done-without-finish" : "message-stop-missing").script(wire, "stream"),
    isRight: failedWith(partialText),
  },
  {
    name: "error-event-before-text",
    fault: "An `overloaded_error` event before any text in a 200 stream; the next request would succeed.",
    rule: "The same as 529: repeated, since nothing was emitted, and the whole text arrives (laws 2, 14).",
    call: "stream",
    aborts: false,
    script: once("stream", (wire) => stream(wire.opening, wire.errorEvent("overloaded"))),
    isRight: repeated,
  },
  streamed(
    "error-event-after-text",
    "error-event-after-text",
    "An error with the text so far; not repeated, so no text comes twice (law 14).",
    failedWith(partialText),
  ),
  streamed(
    "unknown-event",
    "unknown-events",
    "The whole text: what nobody knows means nothing (law 3).",
    (observation) => succeeded(observation) && observation.requests.length === 1,
  ),
  {
    ...streamed(
      "stall-after-headers",
      "stall-after-headers",
      "An error within the time limit of 6 s, and the socket is closed (laws 10, 11).",
      endedInTime,
    ),
    call: "generate",
    script: (wire) => faultScenario("stall-after-headers").script(wire, "generate"),
  },
  streamed(
    "stall-after-headers-stream",
    "stall-after-headers",
    "An error within the time limit of 6 s, and the socket is closed (laws 10, 11).",
    endedInTime,
  ),
  streamed(
    "stall-with-pings",
    "stall-with-pings",
    "An error within the time limit of 6 s, pings or not, and the socket is closed (laws 10, 11).",
    (observation) => endedInTime(observation) && observation.seen?.text === partialText,
  ),
  {
    ...streamed(
      "abort-mid-stream",
      "stall-mid-stream",
      "The caller is told that the stream was aborted, and the server sees the close within 100 ms (laws 4, 11).",
      (observation) => failed(observation) && closedWithin(100)(observation),
    ),
    fault: "The caller aborts 200 ms after the first text, while the server is silent.",
    aborts: true,
  },
  generated(
    "retry-after-seconds",
    "429 with `retry-after: 2`, then a good answer.",
    notEarly,
    rateLimited(() => ({ "retry-after": "2" })),
    repeatedAfter((answeredAtMs) => answeredAtMs + 2000),
  ),
  generated(
    "retry-after-date",
    "429 with `retry-after` as an HTTP date two to three seconds away, then a good answer.",
    notEarly,
    rateLimited(() => ({ "retry-after": httpDateAfter(2000) })),
    repeatedAfter((answeredAtMs) => Math.ceil((answeredAtMs + 1990) / 1000) * 1000),
  ),
  generated(
    "retry-after-ms",
    "429 with `retry-after-ms: 1200`, then a good answer.",
    notEarly,
    rateLimited(() => ({ "retry-after-ms": "1200" })),
    repeatedAfter((answeredAtMs) => answeredAtMs + 1200),
  ),
  generated(
    "retry-after-90-seconds",
    "429 with `retry-after: 90` while the limit is 6 s.",
    "One request and an error at once: 90 s do not fit in 6 s, and nothing is sent early (law 7).",
    rateLimited(() => ({ "retry-after": "90" })),
    (observation) => failed(observation) && observation.requests.length === 1 && observation.durationMs < 2000,
  ),
  generated(
    "insufficient-quota",
    "Chat Completions: 429 `insufficient_quota`. Messages: 402 `billing_error`.",
    "One request and an error: waiting brings no money (the error table).",
    (wire) => () => whole(wire.error("quota").body, wire.error("quota").status),
    failedWith(""),
  ),
  generated(
    "overloaded-529",
    "529 `overloaded_error`, then a good answer.",
    "Repeated, and the whole text arrives (the error table).",
    once("generate", (wire) => whole(wire.error("overloaded").body, 529)),
    repeated,
  ),
  generated(
    "error-body-200",
    "An `overloaded_error` body under status 200, then a good answer.",
    "The same as 529: repeated, and the whole text arrives (law 2).",
    once("generate", (wire) => whole(wire.error("overloaded").body)),
    repeated,
  ),
  generated(
    "half-body",
    "Half of the promised body, then FIN; then a good answer.",
    "The whole text after a repeat, or an error; never half an answer (laws 1, 3).",
    onceOf(faultScenario("half-body"), "generate"),
    (observation) => succeeded(observation) || failed(observation),
  ),
]
