/** A request is copied once, at the outermost policy, and never where it cannot be. */
import { describe, expect, it } from "@effect/vitest"
import { own, ownRequest } from "../../../src/policies/mechanisms/OwnRequest.ts"

const message = () => ({ role: "user", content: "hello" })

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

  it("keeps fields that are set to nothing", () => {
    expect(Object.keys(ownRequest({ messages: [message()], model: undefined }))).toEqual(["messages", "model"])
  })
})

describe("a request that cannot be copied", () => {
  const unreadable = (name: string) =>
    Object.defineProperty({ messages: [message()], inputs: undefined }, name, {
      enumerable: true,
      get: () => {
        throw new Error("not now")
      },
    })

  it.each(["temperature", "messages"])("is given back as it is where its %s cannot be read", (name) => {
    const request = unreadable(name)
    expect(ownRequest(request)).toBe(request)
  })

  it("is given back as it is where JSON would not write an object for it", () => {
    const request = { messages: [message()], toJSON: () => "a text" }
    expect(ownRequest(request)).toBe(request)
    const nothing: object = JSON.parse("[null]")[0]
    expect(ownRequest(nothing)).toBe(null)
  })

  it("is given back as it is where a field is not of JSON", () => {
    const request = { messages: [message()], seed: 1n }
    expect(ownRequest(request)).toBe(request)
  })
})
