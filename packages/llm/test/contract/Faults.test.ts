/** Every fault that a server can commit, on every provider that speaks its wire, through generate and stream. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { withConcurrency, withTimeout } from "../../src/index.ts"
import { type CallName, elsewhere, type FaultScenario } from "../faults/FaultScenario.ts"
import { faultScenarios } from "../faults/FaultScenarios.ts"
import type { FaultServer } from "../faults/FaultServer.ts"
import { ask, open, patient, quickRetry, type Seen, serve, times } from "./Ask.ts"
import { law } from "./Laws.ts"
import { type ContractProvider, oneOfEachWire, providers } from "./Providers.ts"

/** Which law a fault is a case of, by how its name begins; the first that fits. */
const lawOf: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(cut|done-without|message-stop|finish-without|half-body|empty-body|html-body|garbage-body)/, law[1]],
  [/^(truncated-json|short-content-length)/, law[1]],
  [/^error-|^(quota|spend-limit|credit-balance|overloaded|unavailable|server|authentication)/, law[2]],
  [/^(garbage-head|reset-before|close-before)/, law[6]],
  [/^retry-after/, law[7]],
  [/^stall/, law[10]],
  [/^oversized/, law.limits],
  [/^redirect/, law.redirects],
  [/./, law[3]],
]

/** 80 MiB are sent once for each wire, not for each provider. */
const providersOf = ({ name, wires }: FaultScenario) =>
  (name.startsWith("oversized") ? oneOfEachWire : providers).filter(({ wire }) => wires.includes(wire.name))

interface Case {
  readonly title: string
  readonly law: string
  readonly scenario: FaultScenario
  readonly provider: ContractProvider
  readonly call: CallName
}

const cases: ReadonlyArray<Case> = faultScenarios.flatMap((scenario) =>
  providersOf(scenario).flatMap((provider) =>
    scenario.calls.map((call) => ({
      title: `${scenario.name}: ${scenario.fault} (${call}, ${provider.name})`,
      law: lawOf.find(([begins]) => begins.test(scenario.name))?.[1] ?? "",
      scenario,
      provider,
      call,
    })),
  ),
)

/** Clocks that a stall runs into within a blink, and that nothing else does. */
const stack = ({ call, provider, scenario }: Case, url: string) =>
  scenario.stalls
    ? provider.layer(url).pipe(
        withTimeout({ headers: 400, firstOutput: 400, idle: 400 }),
        withConcurrency(5),
        quickRetry,
        // A whole answer that stalls after its headers is for the deadline alone.
        withTimeout(call === "generate" ? "2 seconds" : "20 seconds"),
      )
    : provider.layer(url).pipe(withConcurrency(5), quickRetry, withTimeout("20 seconds"))

const expectOutcome = ({ call, scenario: { expected } }: Case, seen: Seen) => {
  expect(seen.text).toBe(expected.text)
  if (expected.outcome === "success") {
    expect(seen.error).toBeUndefined()
    expect(seen.response).toMatchObject({ text: expected.text, metadata: { degraded: false } })
    return
  }
  expect(expected.errorTypes).toContain(seen.error?.reason._tag)
  expect(seen.response).toBeUndefined()
  expect(seen.events.some(({ type }) => type === "response-finish")).toBe(false)
  if (call === "stream") expect(seen.error?.text ?? "").toBe(expected.text)
}

const expectRequests = ({ scenario }: Case, server: FaultServer) => {
  const { length } = server.requests
  if (scenario.requests === undefined) {
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThanOrEqual(1 + times)
  } else expect(length).toBe(scenario.requests === "all" ? 1 + times : scenario.requests)
}

const expectAttempts = (seen: Seen, server: FaultServer) => {
  const attempts = seen.error?.attempts ?? seen.response?.metadata.attempts ?? []
  expect(attempts).toHaveLength(server.requests.length)
  const failed = seen.error === undefined ? attempts.slice(0, -1) : attempts
  expect(failed.map(({ errorType }) => errorType)).not.toContain(undefined)
  expect(attempts.at(-1)?.errorType).toBe(seen.error?.reason._tag)
}

/** From the end of the first answer to the second request. A timer's millisecond may begin before the clock's. */
const expectWait = ({ scenario }: Case, server: FaultServer) => {
  if (scenario.waitAtLeastMs === undefined) return
  const [first, second] = server.requests
  expect((second?.receivedAtMs ?? 0) - (first?.answeredAtMs ?? 0)).toBeGreaterThan(scenario.waitAtLeastMs - 1)
}

describe.concurrent.each([...new Set(cases.map((one) => one.law))])("%s", patient, (name) => {
  it.live.each(cases.filter((one) => one.law === name))(
    "$title",
    Effect.fnUntraced(function* (one) {
      const server = yield* serve(one.scenario.script(one.provider.wire, one.call))
      const llm = yield* open(stack(one, server.url))
      const seen = yield* ask(llm, one.call)
      expectOutcome(one, seen)
      expectRequests(one, server)
      expectAttempts(seen, server)
      expectWait(one, server)
      expect(server.requests.map(({ path }) => path)).not.toContain(elsewhere)
      // A stalled socket is closed by the clock that gave it up.
      if (one.scenario.stalls)
        yield* Effect.promise(() => server.requests.at(-1)?.connection.closed ?? Promise.reject())
    }),
  )
})
