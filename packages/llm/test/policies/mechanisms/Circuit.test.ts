/** The numbers of a circuit, one by one; what it is good for is in `test/policies/CircuitBreaker.test.ts`. */
import { describe, expect, it } from "vitest"
import { type Admission, Circuit, type OnChange, type Thresholds } from "../../../src/policies/mechanisms/Circuit.ts"
import { reasons } from "../Calls.ts"

const thresholds: Thresholds = { failures: 3, rate: 0.5, calls: 4, windowMs: 1000, openMs: 500 }

const reason = reasons.OverloadedError()

/** A circuit with all its changes of state. */
const watched = (own: Partial<Thresholds> = {}) => {
  const changes: Array<string> = []
  const onChange: OnChange = (from, to) => changes.push(`${from} to ${to}`)
  const circuit = new Circuit()
  const all = { ...thresholds, ...own }
  const admit = (atMs: number) => circuit.admit(atMs, all, onChange)
  const admitted = (atMs: number): Admission => {
    const admission = admit(atMs)
    if (admission === undefined) throw new Error(`refused at ${atMs} ms`)
    return admission
  }
  return {
    circuit,
    changes,
    admit,
    admitted,
    succeed: (admission: Admission, atMs: number) => circuit.succeed(admission, atMs, all, onChange),
    fail: (admission: Admission, atMs: number) => circuit.fail(admission, reason, atMs, all, onChange),
    /** Calls that begin and end at once, as `+` for a success and `-` for a failure. */
    run: (outcomes: string, atMs: number) => {
      for (const outcome of outcomes) {
        const admission = admitted(atMs)
        if (outcome === "+") circuit.succeed(admission, atMs, all, onChange)
        else circuit.fail(admission, reason, atMs, all, onChange)
      }
    },
  }
}

describe("a circuit", () => {
  it("opens with the last of so many failures in a row, and not before", () => {
    const { admit, changes, circuit, run } = watched({ calls: 100 })
    run("--+--", 0)
    expect([circuit.isClosed, changes]).toEqual([true, []])
    run("-", 0)
    expect([circuit.isClosed, changes]).toEqual([false, ["Closed to Open"]])
    expect(circuit.because).toBe(reason)
    expect(admit(0)).toBeUndefined()
  })

  it("opens on a rate that is reached, once there are calls enough", () => {
    const enough = watched()
    enough.run("+-+", 0)
    expect(enough.circuit.isClosed).toBe(true)
    enough.run("-", 0)
    expect(enough.circuit.isClosed).toBe(false)
    const below = watched()
    below.run("++-+-", 0)
    expect(below.circuit.isClosed).toBe(true)
  })

  it("counts the rate of a window, which ends when its time is over", () => {
    const within = watched()
    within.run("+-+", 100)
    within.run("-", 1099)
    expect(within.circuit.isClosed).toBe(false)
    const after = watched()
    after.run("+-+", 100)
    after.run("-", 1100)
    expect(after.circuit.isClosed).toBe(true)
  })

  it("begins the next window with the first outcome after the one before", () => {
    const { circuit, run } = watched()
    run("+", 1500)
    run("-+", 2400)
    run("-", 2499)
    expect(circuit.isClosed).toBe(false)
  })

  it("forgets both the successes and the failures of a window that is over", () => {
    const successes = watched()
    successes.run("+++++", 0)
    successes.run("+-+-", 1000)
    expect(successes.circuit.isClosed).toBe(false)
    const failures = watched({ rate: 0.6, failures: 100 })
    failures.run("-++-", 0)
    failures.run("-++-", 1000)
    expect(failures.circuit.isClosed).toBe(true)
    failures.run("-", 1000)
    expect(failures.circuit.isClosed).toBe(false)
  })

  it("lets one call through when it has been open for its time, and says how long that still is", () => {
    const { admit, changes, circuit, run } = watched()
    run("---", 100)
    expect([100, 350, 599].map((atMs) => circuit.remainingMs(atMs))).toEqual([500, 250, 1])
    expect(admit(599)).toBeUndefined()
    const probe = admit(600)
    expect(probe).toMatchObject({ isProbe: true, atMs: 600, circuit })
    expect(changes).toEqual(["Closed to Open", "Open to Probing"])
    expect(admit(600)).toBeUndefined()
    expect(circuit.remainingMs(600)).toBe(500)
  })

  it("lets calls through that are no probes while it is closed, at any time", () => {
    const { admit, changes } = watched()
    expect([admit(0)?.isProbe, admit(0)?.isProbe, admit(10_000)?.isProbe]).toEqual([false, false, false])
    expect(changes).toEqual([])
  })

  it("gives the place of a probe that has not ended to another one after as long again", () => {
    const { admit, admitted, changes, circuit, run, succeed } = watched()
    run("---", 0)
    const first = admitted(500)
    expect(admit(999)).toBeUndefined()
    const second = admitted(1000)
    succeed(first, 1000)
    expect(circuit.isClosed).toBe(false)
    succeed(second, 1000)
    expect(circuit.isClosed).toBe(true)
    expect(changes).toEqual(["Closed to Open", "Open to Probing", "Probing to Closed"])
  })

  it("opens again for its time with a probe that fails", () => {
    const { admit, admitted, changes, fail, run } = watched({ failures: 3, calls: 100 })
    run("---", 0)
    fail(admitted(500), 700)
    expect(admit(1199)).toBeUndefined()
    expect(admit(1200)).toMatchObject({ isProbe: true })
    expect(changes).toEqual(["Closed to Open", "Open to Probing", "Probing to Open", "Open to Probing"])
  })

  it("opens again with one failure of a probe, also where failures have been forgotten since", () => {
    const { admitted, circuit, fail } = watched()
    circuit.open(reason, 500, () => {})
    fail(admitted(500), 500)
    expect(circuit.remainingMs(500)).toBe(500)
  })

  it("begins anew when it closes: neither earlier failures nor earlier successes count", () => {
    const failing = watched({ failures: 3, rate: 0.5, calls: 4 })
    failing.run("---", 0)
    failing.run("+", 500)
    expect(failing.circuit.isClosed).toBe(true)
    failing.run("--+", 500)
    expect(failing.circuit.isClosed).toBe(true)
    const steady = watched({ failures: 3, rate: 0.5, calls: 4 })
    steady.run("++++++---", 0)
    steady.run("+", 500)
    steady.run("+-+-", 500)
    expect(steady.circuit.isClosed).toBe(false)
  })

  it("gives the place of a probe that was abandoned to the next call at once", () => {
    const { admit, admitted, circuit, run } = watched()
    run("---", 0)
    const probe = admitted(500)
    circuit.abandon(probe, 600)
    expect(admit(599)).toBeUndefined()
    expect(admit(600)).toMatchObject({ isProbe: true })
  })

  it("stays open when a call is abandoned that was let through before it opened", () => {
    const { admit, admitted, circuit, run } = watched()
    const early = admitted(0)
    run("---", 0)
    circuit.abandon(early, 100)
    expect(admit(499)).toBeUndefined()
  })

  it("does not count what was let through before a change of state", () => {
    const { admitted, changes, circuit, fail, run, succeed } = watched()
    const [good, bad] = [admitted(0), admitted(0)]
    run("---", 0)
    const probe = admitted(500)
    succeed(good, 550)
    fail(bad, 560)
    expect(circuit.isClosed).toBe(false)
    expect(circuit.patienceMs).toBe(0)
    succeed(probe, 570)
    expect(circuit.isClosed).toBe(true)
    expect(changes).toEqual(["Closed to Open", "Open to Probing", "Probing to Closed"])
  })

  it("knows the slowest success of this window and of the one before", () => {
    const { admitted, circuit, succeed } = watched()
    const [slow, quick, later, last] = [admitted(0), admitted(700), admitted(1900), admitted(2000)]
    succeed(slow, 900)
    succeed(quick, 950)
    expect(circuit.patienceMs).toBe(900)
    succeed(later, 1950)
    expect(circuit.patienceMs).toBe(900)
    succeed(last, 2950)
    expect(circuit.patienceMs).toBe(950)
    succeed(admitted(3950), 3960)
    succeed(admitted(4960), 4980)
    expect(circuit.patienceMs).toBe(20)
  })
})
