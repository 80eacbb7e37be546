/** Faults of the answer as a whole: its status, its headers, its body. */
import type { ErrorType } from "../../src/model/LlmError.ts"
import { type Answer, delay, end, reset, stall, write } from "./FaultServer.ts"
import {
  type ExpectedRequests,
  type FaultScenario,
  both,
  cut,
  elsewhere,
  failure,
  goodAnswer,
  onlyGenerate,
  onlyStream,
  scenario,
  streams,
  success,
} from "./FaultScenario.ts"
import { chunk, head, streamHead, whole } from "./HttpText.ts"
import { fullText, type WireErrorName, type WireText } from "./WireText.ts"

const refusal = (
  wire: WireText,
  name: WireErrorName,
  headers: Readonly<Record<string, string>> = {},
  status?: number,
): Answer => {
  const error = wire.error(name)
  return whole(error.body, status ?? error.status, headers)
}

/** The first whole second that is at least `milliseconds` away, as an HTTP date. */
export const httpDateAfter = (milliseconds: number): string =>
  new Date(Math.ceil((Date.now() + milliseconds) / 1000) * 1000).toUTCString()

const retryAfter =
  (headers: () => Readonly<Record<string, string>>): FaultScenario["script"] =>
  (wire, call) =>
  (request) =>
    request.index === 0 ? refusal(wire, "rate-limit", headers()) : goodAnswer(wire, call)

const waits: ReadonlyArray<FaultScenario> = [
  scenario(
    "retry-after-seconds",
    retryAfter(() => ({ "retry-after": "1" })),
    {
      fault: "429 with `retry-after: 1`, then a good answer.",
      calls: both,
      expected: success,
      requests: 2,
      waitAtLeastMs: 1000,
    },
  ),
  scenario(
    "retry-after-date",
    retryAfter(() => ({ "retry-after": httpDateAfter(1000) })),
    {
      fault: "429 with `retry-after` as an HTTP date one to two seconds away, then a good answer.",
      calls: both,
      expected: success,
      requests: 2,
      waitAtLeastMs: 1000,
    },
  ),
  scenario(
    "retry-after-ms",
    retryAfter(() => ({ "retry-after-ms": "300", "retry-after": "9" })),
    {
      fault: "429 with `retry-after-ms: 300` (and a coarser `retry-after`), then a good answer.",
      calls: both,
      expected: success,
      requests: 2,
      waitAtLeastMs: 300,
    },
  ),
  scenario(
    "retry-after-90-seconds",
    retryAfter(() => ({ "retry-after": "90" })),
    {
      fault: "429 with `retry-after: 90`, longer than the call may take: it fails at once.",
      calls: both,
      expected: failure("", "RateLimitError"),
      requests: 1,
    },
  ),
]

const statusFault = (
  name: string,
  error: WireErrorName,
  fault: string,
  errorType: ErrorType,
  requests: ExpectedRequests,
  status?: number,
) =>
  scenario(name, (wire) => () => refusal(wire, error, {}, status), {
    fault,
    calls: both,
    expected: failure("", errorType),
    requests,
  })

const statuses: ReadonlyArray<FaultScenario> = [
  statusFault("quota", "quota", "429 `insufficient_quota`; 402 `billing_error`.", "QuotaExceededError", 1),
  statusFault("spend-limit", "spend-limit", "429 because a spend limit is reached.", "QuotaExceededError", 1),
  statusFault(
    "credit-balance",
    "credit-balance",
    "429 or 400 because the credit balance is exhausted.",
    "QuotaExceededError",
    1,
  ),
  statusFault("overloaded-529", "overloaded", "529 on every request.", "OverloadedError", "all"),
  statusFault("unavailable-503", "unavailable", "503 on every request.", "OverloadedError", "all"),
  statusFault("server-500", "server", "500 on every request.", "ServerError", "all"),
  statusFault("authentication-401", "authentication", "401.", "AuthenticationError", 1),
]

const answerHead = (wire: WireText, contentLength: number) =>
  write(
    head(200, {
      "content-type": "application/json",
      "content-length": contentLength,
      "request-id": `req_${wire.name}`,
    }),
  )

const bodies: ReadonlyArray<FaultScenario> = [
  scenario(
    "half-body",
    (wire) => () => {
      const body = wire.answer(fullText)
      return [answerHead(wire, Buffer.byteLength(body)), write(body.slice(0, body.length / 2)), delay(20), end]
    },
    {
      fault: "Content-Length promises more than is sent; FIN.",
      calls: onlyGenerate,
      expected: failure("", cut, "ConnectionError"),
    },
  ),
  scenario("truncated-json", (wire) => () => whole(wire.answer(fullText).slice(0, -30)), {
    fault: "A complete body that is half a JSON document.",
    calls: onlyGenerate,
    expected: failure("", "InvalidResponseError"),
    requests: 2,
  }),
  scenario(
    "short-content-length",
    (wire) => () => {
      const body = wire.answer(fullText)
      return [answerHead(wire, body.length - 40), write(body), end]
    },
    {
      fault: "Content-Length promises less than is sent.",
      calls: onlyGenerate,
      expected: failure("", "InvalidResponseError", "ConnectionError"),
      requests: undefined,
    },
  ),
  scenario("empty-body", () => () => whole(""), {
    fault: "200 with an empty body.",
    calls: both,
    expected: failure("", "InvalidResponseError", cut),
    requests: undefined,
  }),
  scenario(
    "html-body",
    () => () => whole("<html><body>Sign in to continue</body></html>", 200, { "content-type": "text/html" }),
    {
      fault: "200 with a page of HTML.",
      calls: both,
      expected: failure("", "InvalidResponseError", cut),
      requests: undefined,
    },
  ),
  scenario(
    "garbage-body",
    () => () => [
      write(head(200, { "content-type": "application/json", "content-length": 64 })),
      write(Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 37 + 128) % 256))),
    ],
    {
      fault: "200 with 64 bytes of nothing.",
      calls: both,
      expected: failure("", "InvalidResponseError", cut),
      requests: undefined,
    },
  ),
  scenario("garbage-head", () => () => [write("HTTP/1.1 200 OK\r\n\u0000\u0001 no header\r\n\r\n{}"), end], {
    fault: "Headers that are not headers.",
    calls: both,
    expected: failure("", "ConnectionError"),
  }),
  scenario("reset-before-headers", () => () => [reset], {
    fault: "RST instead of an answer.",
    calls: both,
    expected: failure("", "ConnectionError"),
  }),
  scenario("close-before-headers", () => () => [end], {
    fault: "FIN instead of an answer.",
    calls: both,
    expected: failure("", "ConnectionError"),
  }),
  scenario(
    "oversized-body",
    function () {
      return function* () {
        const mebibyte = Buffer.alloc(2 ** 20, "a")
        yield write(head(200, { "content-type": "application/json", "content-length": 80 * 2 ** 20 }))
        for (let sent = 0; sent < 80; sent += 1) yield write(mebibyte)
      }
    },
    {
      fault: "80 MiB where an answer should be.",
      calls: onlyGenerate,
      expected: failure("", "InvalidResponseError"),
      requests: 2,
    },
  ),
  scenario(
    "oversized-event",
    streams(function* (wire) {
      yield streamHead()
      yield chunk(`${wire.opening}data: "`)
      for (let sent = 0; sent < 16; sent += 1) yield chunk(Buffer.alloc(2 ** 20, "a"))
      yield stall
    }),
    {
      fault: "An event that has no end: 16 MiB and still open.",
      calls: onlyStream,
      expected: failure("", "InvalidResponseError"),
      requests: 2,
    },
  ),
]

const redirect =
  (status: number): FaultScenario["script"] =>
  (wire, call) =>
  (request) =>
    request.path === elsewhere
      ? goodAnswer(wire, call)
      : whole("", status, { location: `http://localhost:${request.headers["host"]?.split(":")[1]}${elsewhere}` })

const redirects: ReadonlyArray<FaultScenario> = [302, 307].map((status) =>
  scenario(`redirect-${status}`, redirect(status), {
    fault: `${status} to another origin: the key must not go there.`,
    calls: both,
    expected: failure("", "InvalidResponseError", "InvalidRequestError", "ConnectionError"),
    requests: undefined,
  }),
)
/** Every fault of an answer. */
export const answerFaults: ReadonlyArray<FaultScenario> = [...waits, ...statuses, ...bodies, ...redirects]
