/** Texts, pictures and documents of users in Messages, and what a request may hold of them. */
import { describe, expect, it } from "vitest"
import { firstPart, messages as encode, showing } from "../encoding/Encoded.ts"

const word = "application/msword"
const refusalOf = (part: object, capabilities: object = {}) =>
  encode(showing(part), "claude-opus-4-5", capabilities).refused

describe("what a user shows in Messages", () => {
  it("is without texts that are blank", () => {
    const { body } = encode(showing({ type: "text", text: " " }, { type: "text", text: "a" }))
    expect(body["messages"][0].content).toStrictEqual([{ type: "text", text: "a" }])
  })

  it("is a document with its title, where it has one", () => {
    const source = { type: "base64", media_type: "application/pdf", data: "JVBERi0=" }
    const file = { type: "file", data: source.data }
    expect(firstPart(encode(showing(file)))).toStrictEqual({ type: "document", source })
    expect(firstPart(encode(showing({ ...file, filename: "a.pdf" })))).toStrictEqual({
      type: "document",
      source,
      title: "a.pdf",
    })
  })

  it("is a document of another kind only where its kind is not told or not seen", () => {
    for (const part of [
      { type: "file", url: "https://example.com/a" },
      { type: "file", url: "https://example.com/a", mediaType: "application/pdf" },
      { type: "file", fileId: "file_1", mediaType: word },
    ]) {
      expect(refusalOf(part)).toBeUndefined()
    }
    for (const part of [
      { type: "file", data: "AAAA", mediaType: word },
      { type: "file", url: "https://example.com/a", mediaType: word },
    ]) {
      const refused = refusalOf(part)
      expect(refused).toMatchObject({ parameter: "messages[0].content[0].mediaType", otherTargetMayTake: true })
      expect(refused?.["message"]).toContain(`Anthropic reads PDF and plain text, not ${word}: convert it`)
    }
  })

  it("is refused by what it is and what to do where the target cannot take it", () => {
    expect(refusalOf({ type: "image", url: "https://example.com/a.png" }, { images: ["data"] })?.["message"]).toContain(
      "Messages takes pictures as bytes in data here",
    )
    expect(refusalOf({ type: "file", url: "https://example.com/a.pdf" }, { files: ["data"] })?.["message"]).toContain(
      "Messages takes documents as bytes in data here",
    )
  })

  it.each([
    ["audio", "audio/wav"],
    ["video", "video/mp4"],
  ])("is refused with what to do where it is %s", (kind, mediaType) => {
    const refused = refusalOf({ type: "file", mediaType, data: "AAAA" })
    expect(refused).toMatchObject({ parameter: "messages[0].content[0].mediaType", otherTargetMayTake: true })
    expect(refused?.["message"]).toContain(`Anthropic takes pictures and documents, no ${kind}: leave the part out`)
  })
})

describe("all that a Messages request shows", () => {
  const image = { type: "image", url: "https://example.com/a.png" } as const
  const text = { type: "text", text: "a" } as const
  const many = (count: number) => Array.from({ length: count }, () => image)

  it("is 100 pictures at most, those in tool results included", () => {
    const call = { type: "tool-call", id: "c", name: "f", arguments: {} } as const
    const shown = (count: number) =>
      encode({
        messages: [
          { role: "user", content: [...many(50), text] },
          { role: "assistant", content: [call] },
          { role: "tool", content: [{ type: "tool-result", toolCallId: "c", content: many(count) }] },
        ],
      }).refused
    expect(shown(50)).toBeUndefined()
    expect(shown(51)).toMatchObject({ parameter: "messages", otherTargetMayTake: true })
    expect(shown(51)?.["message"]).toContain("Anthropic takes 100 pictures a request, and there are 101")
  })

  it("is 32 MB of base64 at most", () => {
    const half = `JVBERi${"A".repeat(15_999_994)}`
    const shown = (data: string) =>
      encode(showing({ type: "file", data: half }, text, { type: "file", data }, image)).refused
    expect(shown(half)).toBeUndefined()
    const refused = shown(`${half}A`)
    expect(refused).toMatchObject({ parameter: "messages", otherTargetMayTake: true })
    expect(refused?.["message"]).toMatch(/Anthropic takes 32 MB a request, .* have 32000001 characters/)
  })
})
