/** A request is copied once, at the outermost policy, and never where it cannot be. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { own, streamWithOwn, askWithOwn } from "../../../src/policies/mechanisms/OwnRequest.ts"

const message = () => ({ role: "user", content: "hello" })

/** The request that is asked with. */
const ownRequest = <Request extends object>(request: Request): Request => {
  let asked: Request | undefined
  void askWithOwn(request, "p", (its) => {
    asked = its
    return Effect.void
  })
  void streamWithOwn(request, "p", (its) => {
    expect(its).toEqual(asked)
    return Stream.empty
  })
  if (asked === undefined) throw new Error("nothing was asked")
  return asked
}

describe("a request of a call's own", () => {
  it("is a copy, which later changes of the program do not reach", () => {
    const request = { messages: [message()], temperature: 0 }
    const copy = ownRequest(request)
    request.messages.push(message())
    request.temperature = 1
    expect(copy).toEqual({ messages: [message()], temperature: 0 })
  })

  it.each([{ messages: [message()] }, { inputs: ["hello"] }, { about: "models" }])(
    "is not copied again (%j)",
    (request) => {
      const copy = ownRequest(request)
      expect(copy).not.toBe(request)
      expect(ownRequest(copy)).toBe(copy)
    },
  )

  it("is known by its messages, so that a policy may change what surrounds them", () => {
    const copy = ownRequest({ messages: [message()], model: "a" })
    const changed = { ...copy, model: "b" }
    expect(ownRequest(changed)).toBe(changed)
    const texts = ownRequest({ inputs: ["hello"], model: "a" })
    const others = { ...texts, model: "b" }
    expect(ownRequest(others)).toBe(others)
  })

  it("is what the program says is its own", () => {
    const request = { messages: [message()] }
    own(request)
    expect(ownRequest(request)).toBe(request)
  })

  it.each([
    [0, 0],
    [undefined, undefined],
  ])("reads each field once (%s)", (first, expected) => {
    let reads = 0
    const request = Object.defineProperty({ messages: [message()] }, "temperature", {
      enumerable: true,
      get: () => {
        if (reads++ > 0) throw new Error("not again")
        return first
      },
    })
    expect(ownRequest(request)).toEqual({ messages: [message()], temperature: expected })
  })

  it("keeps fields that are set to nothing", () => {
    expect(Object.keys(ownRequest({ messages: [message()], model: undefined }))).toEqual(["messages", "model"])
  })
})

describe("a request that cannot be copied", () => {
  const unreadable = (name: string, more: object = {}) =>
    Object.defineProperty({ messages: [message()], inputs: undefined, ...more }, name, {
      enumerable: true,
      get: () => {
        throw new Error("not now")
      },
    })

  it.effect.each(["temperature", "messages"])("is refused where its %s cannot be read", (name) =>
    Effect.gen(function* () {
      const request = unreadable(name)
      const reached = () => {
        throw new Error("asked")
      }
      const whole = yield* Effect.flip(askWithOwn(request, "p", reached))
      const streamed = yield* Effect.flip(Stream.runDrain(streamWithOwn(request, "p", reached)))
      for (const error of [whole, streamed]) {
        expect(error).toMatchObject({ provider: "p", attempts: [] })
        expect(error.reason).toMatchObject({ _tag: "InvalidRequestError", parameter: name })
      }
    }),
  )

  it.effect.each([
    [{ messages: [message()], toJSON: () => "a text" }, undefined],
    [JSON.parse("[null]")[0] as object, undefined],
    [{ messages: [message()], seed: 1n }, "seed"],
    [unreadable("maxTokens", { temperature: 1n }), "temperature"],
  ] as const)("is refused where it is no plain data (%#)", ([request, parameter]) =>
    Effect.gen(function* () {
      const { reason } = yield* Effect.flip(askWithOwn(request, "p", () => Effect.die("asked")))
      expect(reason).toMatchObject({ _tag: "InvalidRequestError", ...(parameter === undefined ? {} : { parameter }) })
    }),
  )
})
