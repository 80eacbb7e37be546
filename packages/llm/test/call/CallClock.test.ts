/** A clock around a part of a call: when it ends, what is left of it, and what it says when it has run out. */
import { describe, expect, it } from "vitest"
import { CallClock, type CallClockOptions, isExpiry } from "../../src/call/CallClock.ts"
import { FirstPermit } from "../../src/call/FirstPermit.ts"
import { TimeoutError } from "../../src/model/LlmError.ts"

const clock = (options: Partial<CallClockOptions> = {}) =>
  new CallClock({ name: "total", limitMs: 100, outer: undefined, permit: new FirstPermit(), from: 1000, ...options })

describe("a clock that runs from a moment on", () => {
  it("ends after its limit", () => {
    const running = clock()
    expect(running.endsMs).toBe(1100)
    expect(running.awaitsPermit).toBe(false)
    expect(running.remainingMs(1030)).toBe(70)
  })

  it("is over at its end, and not a moment before", () => {
    const running = clock()
    expect(running.isOver(1099.9)).toBe(false)
    expect(running.isOver(1100)).toBe(true)
  })

  it("is over as soon as it has been ended", () => {
    const ended = clock()
    ended.expire()
    expect(ended.isOver(1000)).toBe(true)
  })

  it("begins at once for who waits for its beginning", () => {
    let begun = 0
    expect(clock().whenRunning(() => (begun += 1))).toBeUndefined()
    expect(begun).toBe(1)
  })
})

describe("a clock that begins with the first permit", () => {
  it("has its whole limit left, and no end, while the permit has not come", () => {
    const permit = new FirstPermit()
    const waiting = clock({ permit, from: "first-permit" })
    expect(waiting.endsMs).toBe(Number.POSITIVE_INFINITY)
    expect(waiting.awaitsPermit).toBe(true)
    expect(waiting.remainingMs(5000)).toBe(100)
    expect(waiting.isOver(5000)).toBe(false)
    permit.came(2000)
    expect(waiting.endsMs).toBe(2100)
    expect(waiting.awaitsPermit).toBe(false)
    expect(waiting.remainingMs(2040)).toBe(60)
  })

  it("tells its beginning once, and not to who no longer wants to know", () => {
    const permit = new FirstPermit()
    const waiting = clock({ permit, from: "first-permit" })
    const begun: Array<string> = []
    waiting.whenRunning(() => begun.push("one"))
    const stop = waiting.whenRunning(() => begun.push("other"))
    expect(begun).toEqual([])
    stop?.()
    permit.came(1)
    permit.came(2)
    expect(begun).toEqual(["one"])
    expect(waiting.whenRunning(() => begun.push("late"))).toBeUndefined()
    expect(begun).toEqual(["one", "late"])
  })
})

describe("a clock of silence", () => {
  it("never ends by itself, whatever the time and the permit: only its policy knows", () => {
    const permit = new FirstPermit()
    const silence = clock({ permit, from: "silence" })
    expect(silence.awaitsPermit).toBe(false)
    permit.came(1)
    expect(silence.endsMs).toBe(Number.POSITIVE_INFINITY)
    expect(silence.isOver(Number.MAX_SAFE_INTEGER)).toBe(false)
    let begun = 0
    silence.whenRunning(() => (begun += 1))
    expect(begun).toBe(1)
  })
})

describe("a clock within another", () => {
  it("has what is left of the one that ends first", () => {
    const outer = clock({ limitMs: 60 })
    expect(clock({ outer }).remainingMs(1010)).toBe(50)
    expect(clock({ outer, limitMs: 20 }).remainingMs(1010)).toBe(10)
  })

  it("is over with the outer one, which is not over with it", () => {
    const outer = clock({ limitMs: 60 })
    const inner = clock({ outer })
    expect(inner.isOver(1059)).toBe(false)
    expect(inner.isOver(1060)).toBe(true)
    const tight = clock({ outer, limitMs: 20 })
    tight.expire()
    expect(outer.isOver(1020)).toBe(false)
    expect(outer.cutShort).toBeUndefined()
  })

  it("awaits a permit that the outer one awaits", () => {
    const outer = clock({ from: "first-permit" })
    expect(clock({ outer }).awaitsPermit).toBe(true)
    expect(clock({ outer: clock() }).awaitsPermit).toBe(false)
  })

  it("was cut short by its own end before the outer one's", () => {
    const outer = clock({ limitMs: 60, name: "total" })
    const inner = clock({ outer, name: "idle" })
    expect(inner.cutShort).toBeUndefined()
    const total = outer.expire()
    expect(inner.cutShort).toBe(total)
    const idle = inner.expire()
    expect(inner.cutShort).toBe(idle)
  })
})

describe("the reason of a clock that ran out", () => {
  it.each([
    ["queue", "no permit within 100 ms (queue timeout)"],
    ["headers", "no response headers within 100 ms (headers timeout)"],
    ["attempt", "no answer to this request within 100 ms (attempt timeout)"],
    ["first-output", "no output within 100 ms (first-output timeout)"],
    ["idle", "no further output within 100 ms (idle timeout)"],
    ["reader", "the stream was not read on within 100 ms (reader timeout)"],
    ["total", "not finished within 100 ms (total timeout)"],
  ] as const)("of %s says what did not come, and within what", (name, message) => {
    expect(clock({ name, limitMs: 99.7 }).expire()).toMatchObject({ clock: name, limitMs: 100, message })
  })

  it("is one, however often it is asked for, and is known from one that a provider told", () => {
    const ended = clock()
    const reason = ended.expire()
    expect(ended.expire()).toBe(reason)
    expect(ended.cutShort).toBe(reason)
    expect(isExpiry(reason)).toBe(true)
    expect(isExpiry(new TimeoutError({ clock: "total", limitMs: 100, message: reason.message }))).toBe(false)
  })
})

describe("the first permit", () => {
  it("comes once, and comes for what is around it too", () => {
    const outer = new FirstPermit()
    const inner = new FirstPermit(outer)
    expect(inner.atMs).toBeUndefined()
    inner.came(5)
    inner.came(9)
    expect([inner.atMs, outer.atMs]).toEqual([5, 5])
  })

  it("does not come for what is within when it comes outside", () => {
    const outer = new FirstPermit()
    const inner = new FirstPermit(outer)
    outer.came(5)
    expect(inner.atMs).toBeUndefined()
    inner.came(7)
    expect([inner.atMs, outer.atMs]).toEqual([7, 5])
  })

  it("tells everybody who waits when it came", () => {
    const permit = new FirstPermit()
    const told: Array<number> = []
    permit.whenCome((cameMs) => told.push(cameMs))
    permit.whenCome((cameMs) => told.push(-cameMs))
    permit.came(5)
    expect(told).toEqual([5, -5])
  })
})
