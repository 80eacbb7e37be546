/** A collector that is away: no span is made for it while the exporter would drop it, and every one again once it may be there. */
import * as Context from "effect/Context"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import { describe, expect, it } from "vitest"
import { Absence, sparing } from "../../src/telemetry/Absence.ts"

const nowMs = 1_795_000_000_000

const away = (failures: number): Absence => {
  const absence = new Absence()
  for (let failure = 0; failure < failures; failure++) absence.failed(nowMs)
  return absence
}

describe("a collector", () => {
  it("is away once a batch was tried as often as the exporter tries, for as long as that drops spans", () => {
    expect([1, 2, 3, 4, 9].map((failures) => away(failures).isAway(nowMs))).toEqual([false, false, false, true, true])
    expect([59_999, 60_000].map((laterMs) => away(4).isAway(nowMs + laterMs))).toEqual([true, false])
  })

  it("is there again with the first batch that arrives", () => {
    const absence = away(4)
    absence.arrived()
    expect(absence.isAway(nowMs)).toBe(false)
    absence.failed(nowMs)
    expect(absence.isAway(nowMs)).toBe(false)
  })
})

it.each([
  [3, true],
  [4, false],
])("a span is sampled after %i failures: %s", (failures, sampled) => {
  const tracer = sparing(Tracer.make({ span: (options) => new Tracer.NativeSpan(options) }), away(failures))
  const span = tracer.span({
    name: "chat",
    parent: Option.none(),
    annotations: Context.empty(),
    links: [],
    startTime: BigInt(nowMs + 1000) * 1_000_000n,
    kind: "client",
    root: true,
    sampled: true,
  })
  expect(span.sampled).toBe(sampled)
})
