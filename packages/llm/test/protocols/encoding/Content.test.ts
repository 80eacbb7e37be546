/** Pictures, documents and sounds in requests: on each wire, or refused by the field in such a way that a fallback goes on. */
import { describe, expect, it } from "vitest"
import { rows } from "../../../src/providers/Registry.ts"
import { chat, firstPart, messages, responses, showing, wires } from "./Encoded.ts"

const png = "iVBORw0KGgo="
const pdf = "JVBERi0="
const page = "https://example.com/a.pdf"

describe("a picture", () => {
  const picture = { type: "image", detail: "original" }

  it("goes by address, as data and by id, with its detail", () => {
    expect(firstPart(chat(showing({ ...picture, url: "https://example.com/a.png" })))).toEqual({
      type: "image_url",
      image_url: { url: "https://example.com/a.png", detail: "original" },
    })
    expect(firstPart(responses(showing({ ...picture, data: png })))).toEqual({
      type: "input_image",
      image_url: `data:image/png;base64,${png}`,
      detail: "original",
    })
    expect(firstPart(responses(showing({ ...picture, fileId: "file-1" })))).toMatchObject({ file_id: "file-1" })
    expect(firstPart(messages(showing({ ...picture, fileId: "file_1" })))).toEqual({
      type: "image",
      source: { type: "file", file_id: "file_1" },
    })
  })

  it.each(wires)("may be a file that says it is one, in %s", (_, encode) => {
    const file = firstPart(encode(showing({ type: "file", mediaType: "image/png", data: png })))
    expect(file).toEqual(firstPart(encode(showing({ type: "image", mediaType: "image/png", data: png }))))
  })

  it("by id is refused where only addresses and data are taken", () => {
    expect(chat(showing({ type: "image", fileId: "file-1" })).refused).toMatchObject({
      parameter: "messages[0].content[0].fileId",
      otherTargetMayTake: true,
    })
  })

  it("has its media type in the form that services compare", () => {
    const part = firstPart(messages(showing({ type: "image", mediaType: "image/JPG; q=1", data: "/9j/" })))
    expect(part.source.media_type).toBe("image/jpeg")
  })

  it("of a kind that the model cannot read is refused with what to do", () => {
    const heic = { type: "image", mediaType: "image/heic", data: "AAAA" }
    for (const refused of [messages(showing(heic)).refused, chat(showing(heic), "gpt-5").refused]) {
      expect(refused).toMatchObject({ parameter: "messages[0].content[0].mediaType", otherTargetMayTake: true })
      expect(refused?.["message"]).toContain("convert it")
    }
  })

  it("too large for Anthropic is refused before it is sent", () => {
    const data = `iVBORw0K${"A".repeat(5 * 1024 * 1024)}`
    expect(messages(showing({ type: "image", data })).refused).toMatchObject({ otherTargetMayTake: true })
    expect(responses(showing({ type: "image", data })).refused).toBeUndefined()
  })

  it("is one of at most 100 for Anthropic, those in tool results included", () => {
    const picture = { type: "image", url: "https://example.com/a.png" }
    const many = (count: number) => showing(...Array.from({ length: count }, () => picture))
    expect(messages(many(100)).refused).toBeUndefined()
    expect(messages(many(101)).refused).toMatchObject({ parameter: "messages", otherTargetMayTake: true })
  })
})

describe("a document", () => {
  it("goes by address, as data and by id, where the wire takes it", () => {
    expect(firstPart(responses(showing({ type: "file", url: page })))).toEqual({ type: "input_file", file_url: page })
    expect(firstPart(messages(showing({ type: "file", url: page })))).toEqual({
      type: "document",
      source: { type: "url", url: page },
    })
    expect(firstPart(chat(showing({ type: "file", data: pdf, filename: "a.pdf" })))).toEqual({
      type: "file",
      file: { filename: "a.pdf", file_data: `data:application/pdf;base64,${pdf}` },
    })
    for (const [, encode] of wires) {
      expect(JSON.stringify(firstPart(encode(showing({ type: "file", fileId: "file-1" }))))).toContain("file-1")
    }
  })

  it("by address is refused in Chat Completions, with what to do", () => {
    const { refused } = chat(showing({ type: "file", url: page }))
    expect(refused).toMatchObject({ parameter: "messages[0].content[0].url", otherTargetMayTake: true })
    expect(refused?.["message"]).toContain("bytes in data")
  })

  it("of plain text is text where the wire has no part for it", () => {
    const text = { type: "file", mediaType: "text/plain", data: "SGVsbG8=", filename: "a.txt" }
    expect(firstPart(chat(showing(text)))).toEqual({ type: "text", text: "a.txt:\nHello" })
    expect(firstPart(messages(showing(text)))).toMatchObject({ source: { type: "text", data: "Hello" } })
  })

  it("of another kind is refused by Anthropic", () => {
    const word = { type: "file", mediaType: "application/msword", data: "AAAA" }
    expect(messages(showing(word)).refused).toMatchObject({ otherTargetMayTake: true })
    expect(responses(showing(word)).refused).toBeUndefined()
  })
})

describe("sound", () => {
  const sound = { type: "file", mediaType: "audio/wav", data: "UklGRg==" }

  it("goes where the wire has a part for it, and is refused elsewhere", () => {
    expect(firstPart(chat(showing(sound)))).toEqual({
      type: "input_audio",
      input_audio: { data: "UklGRg==", format: "wav" },
    })
    for (const refused of [
      messages(showing(sound)).refused,
      responses(showing(sound)).refused,
      chat(showing({ ...sound, mediaType: "audio/ogg" })).refused,
      chat(showing({ type: "file", mediaType: "audio/wav", url: "https://example.com/a.wav" })).refused,
    ]) {
      expect(refused).toMatchObject({ _tag: "InvalidRequestError", otherTargetMayTake: true })
    }
  })
})

describe("what a service takes, as its row says", () => {
  it.each([
    ["images: none", { images: [] }, { type: "image", data: png }],
    ["images as data only", { images: ["data"] as const }, { type: "image", url: "https://example.com/a.png" }],
    ["files: none", { files: [] }, { type: "file", data: pdf }],
    ["audio: none", { audio: false }, { type: "file", mediaType: "audio/wav", data: "UklGRg==" }],
  ])("%s", (_, capabilities, part) => {
    expect(chat(showing(part), "m", capabilities).refused).toMatchObject({ otherTargetMayTake: true })
    expect(chat(showing(part), "m").refused).toBeUndefined()
  })

  it("may name another part for documents", () => {
    const mistral = { documentPart: "document_url", files: ["url", "data"] } as const
    expect(firstPart(chat(showing({ type: "file", url: page }), "m", mistral))).toEqual({
      type: "document_url",
      document_url: page,
    })
    expect(rows.some(({ name }) => name === "mistral")).toBe(true)
  })
})
