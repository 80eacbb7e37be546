/** Odd but legal: nothing of this fails a call (law 3). */
import { type Answer, delay, slowly, type Step, write } from "./FaultServer.ts"
import { type FaultScenario, both, goodAnswer, onlyStream, scenario, streams, success } from "./FaultScenario.ts"
import { chunk, lastChunk, stream, streamHead, streamUntilClose } from "./HttpText.ts"
import { comment, goodStream, pieces, type WireText } from "./WireText.ts"

const wholeText = (wire: WireText) => goodStream(wire).join("")
const goodSlowly = (wire: WireText, size: number): ReadonlyArray<Step> => [
  streamHead(),
  ...slowly(wholeText(wire), size).map((step) => (step.type === "write" ? chunk(step.bytes) : step)),
  lastChunk,
]

const wholeHttp = (wire: WireText): Uint8Array =>
  Buffer.concat([...stream(...goodStream(wire))].map((step) => (step.type === "write" ? step.bytes : Buffer.alloc(0))))

const oddStreams: ReadonlyArray<FaultScenario> = (
  [
    [
      "unknown-events",
      "Events, fields and chunks that nobody knows.",
      (wire) =>
        stream(
          wire.opening,
          wire.unknownEvents,
          ...pieces.map(wire.piece),
          wire.unknownEvents,
          wire.finish,
          wire.terminal,
        ),
    ],
    [
      "unknown-finish",
      "A finish reason from the future.",
      (wire) => stream(wire.opening, ...pieces.map(wire.piece), wire.unknownFinish, wire.terminal),
    ],
    [
      "pings",
      "Pings and comments between the pieces.",
      (wire) => stream(...goodStream(wire).flatMap((text) => [text, wire.ping, comment()])),
    ],
    ["split-utf8", "Writes that end inside characters of several bytes.", (wire) => goodSlowly(wire, 7)],
    ["slow-bytes", "One byte a write.", (wire) => [...slowly(wholeHttp(wire), 1)]],
    ["one-write", "Head and all events in one write.", (wire) => [write(wholeHttp(wire))]],
    ["crlf", "CRLF line ends.", (wire) => stream(wholeText(wire).replaceAll("\n", "\r\n"))],
    ["cr", "CR line ends.", (wire) => stream(wholeText(wire).replaceAll("\n", "\r"))],
    ["bom", "A byte order mark before the first event.", (wire) => stream("\uFEFF", ...goodStream(wire))],
    [
      "retry-and-id",
      "`retry:` and `id:` lines.",
      (wire) =>
        stream("retry: 15000\n\n", ...goodStream(wire).map((text, index) => `id: ${index}\nretry: 10\n${text}`)),
    ],
    [
      "no-final-newline",
      "The last event is not followed by a blank line.",
      (wire) => stream(...goodStream(wire).slice(0, -1), wire.terminal.trimEnd()),
    ],
    ["until-close", "A whole stream ended by FIN.", (wire) => streamUntilClose(...goodStream(wire))],
  ] satisfies ReadonlyArray<readonly [string, string, (wire: WireText) => Answer]>
).map(([name, fault, answer]) => scenario(name, streams(answer), { fault, calls: onlyStream, expected: success }))

const earlyHints = scenario(
  "early-hints",
  (wire, call) => () => [
    write("HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n"),
    delay(5),
    ...goodAnswer(wire, call),
  ],
  { fault: "A 103 response before the answer.", calls: both, expected: success },
)
/** Every oddity. */
export const oddAnswers: ReadonlyArray<FaultScenario> = [...oddStreams, earlyHints]
