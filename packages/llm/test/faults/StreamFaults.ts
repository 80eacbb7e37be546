/** Faults in an event stream that has begun: it is cut, it fails, or it falls silent. */
import { delay, end, reset, stall, write } from "./FaultServer.ts"
import {
  type FaultScenario,
  both,
  cut,
  failure,
  onlyStream,
  partial,
  partialEvents,
  scenario,
  streams,
  success,
} from "./FaultScenario.ts"
import { chunk, head, lastChunk, stream, streamHead, streamUntilClose, whole } from "./HttpText.ts"
import { comment, fullText, goodStream, partialText, pieces } from "./WireText.ts"

const cuts: ReadonlyArray<FaultScenario> = [
  scenario(
    "cut-clean",
    streams((wire) => stream(...partialEvents(wire))),
    {
      fault: "The stream ends after some text, properly framed, without the provider's terminal signal.",
      calls: onlyStream,
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "cut-until-close",
    streams((wire) => streamUntilClose(...partialEvents(wire))),
    {
      fault: "The stream is ended by FIN alone, which is how it would end if it were whole.",
      calls: onlyStream,
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "cut-mid-chunk",
    streams((wire) => [...partial(wire), write("ff\r\ndata: {"), delay(20), end]),
    {
      fault: "FIN inside a chunk.",
      calls: onlyStream,
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "cut-mid-event",
    streams((wire) => [...partial(wire), chunk(wire.piece(pieces[2]).slice(0, -20)), lastChunk]),
    {
      fault: "The stream ends, properly framed, inside an event.",
      calls: onlyStream,
      expected: failure(partialText, cut, "InvalidResponseError"),
      requests: 1,
    },
  ),
  scenario(
    "cut-reset",
    streams((wire) => [...partial(wire), delay(50), reset]),
    {
      fault: "RST after some text.",
      calls: onlyStream,
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "cut-before-text",
    streams((wire) => stream(wire.opening)),
    {
      fault: "The stream ends before any text.",
      calls: onlyStream,
      expected: failure("", cut),
    },
  ),
  scenario(
    "done-without-finish",
    streams((wire) => stream(...partialEvents(wire), wire.terminal)),
    {
      fault: "`[DONE]` arrives without a finish reason.",
      calls: onlyStream,
      wires: ["chat"],
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "message-stop-missing",
    streams((wire) => stream(...partialEvents(wire), wire.finish)),
    {
      fault: "The stream ends after `message_delta`, without `message_stop`.",
      calls: onlyStream,
      wires: ["messages"],
      expected: failure(partialText, cut),
      requests: 1,
    },
  ),
  scenario(
    "completed-missing",
    streams((wire) => stream(...goodStream(wire).slice(0, -1))),
    {
      fault: "The stream ends after its last item, without `response.completed`.",
      calls: onlyStream,
      wires: ["responses"],
      expected: failure(fullText, cut),
      requests: 1,
    },
  ),
  scenario(
    "finish-without-done",
    streams((wire) => stream(...goodStream(wire).slice(0, -1))),
    {
      fault: "The finish reason arrived and `[DONE]` never does: the answer is whole.",
      calls: onlyStream,
      wires: ["chat"],
      expected: success,
    },
  ),
]

const inStreamErrors: ReadonlyArray<FaultScenario> = [
  scenario(
    "error-event-before-text",
    streams((wire) => stream(wire.opening, wire.errorEvent("overloaded"))),
    {
      fault: "An error event before any text, in a 200 stream.",
      calls: onlyStream,
      expected: failure("", "OverloadedError"),
    },
  ),
  scenario(
    "error-event-first",
    streams((wire) => stream(wire.errorEvent("overloaded"))),
    {
      fault: "An error event is the whole of a 200 stream.",
      calls: onlyStream,
      expected: failure("", "OverloadedError"),
    },
  ),
  scenario(
    "error-event-after-text",
    streams((wire) => stream(...partialEvents(wire), wire.errorEvent("overloaded"))),
    {
      fault: "An error event after some text.",
      calls: onlyStream,
      expected: failure(partialText, "OverloadedError"),
      requests: 1,
    },
  ),
  scenario(
    "error-event-unknown-type",
    streams((wire) => stream(wire.opening, wire.errorEvent("unknown"))),
    {
      fault: "An error event whose type nobody knows.",
      calls: onlyStream,
      expected: failure("", "ServerError"),
    },
  ),
  scenario("error-body-200", (wire) => () => whole(wire.error("overloaded").body), {
    fault: "A JSON error body under 200, whether or not a stream was asked for.",
    calls: both,
    expected: failure("", "OverloadedError"),
  }),
]

const stalls: ReadonlyArray<FaultScenario> = [
  scenario("stall-before-headers", () => () => [stall], {
    fault: "The request is read and never answered.",
    calls: both,
    expected: failure("", "TimeoutError"),
    requests: undefined,
    stalls: true,
  }),
  scenario(
    "stall-after-headers",
    (_wire, call) => () =>
      call === "stream"
        ? [streamHead(), stall]
        : [write(head(200, { "content-type": "application/json", "content-length": 200 })), stall],
    {
      fault: "Headers arrive, the body never does.",
      calls: both,
      expected: failure("", "TimeoutError"),
      requests: undefined,
      stalls: true,
    },
  ),
  scenario(
    "stall-mid-stream",
    streams((wire) => [...partial(wire), stall]),
    {
      fault: "Silence after some text.",
      calls: onlyStream,
      expected: failure(partialText, "TimeoutError"),
      requests: 1,
      stalls: true,
    },
  ),
  scenario(
    "stall-with-pings",
    streams(function* (wire) {
      yield* partial(wire)
      for (;;) yield* [delay(50), chunk(wire.ping)]
    }),
    {
      fault: "Nothing but pings (comments where the wire has no ping) after some text.",
      calls: onlyStream,
      expected: failure(partialText, "TimeoutError"),
      requests: 1,
      stalls: true,
    },
  ),
  scenario(
    "stall-with-comments",
    streams(function* (wire) {
      yield* partial(wire)
      for (;;) yield* [delay(50), chunk(comment())]
    }),
    {
      fault: "Nothing but comment lines after some text.",
      calls: onlyStream,
      expected: failure(partialText, "TimeoutError"),
      requests: 1,
      stalls: true,
    },
  ),
]
/** Every fault of a stream. */
export const streamFaults: ReadonlyArray<FaultScenario> = [...cuts, ...inStreamErrors, ...stalls]
