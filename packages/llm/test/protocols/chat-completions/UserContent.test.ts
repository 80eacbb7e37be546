/** Texts, pictures, documents and sounds of users in Chat Completions, and what is said of those that it cannot take. */
import { describe, expect, it } from "vitest"
import { chat, firstPart, showing } from "../encoding/Encoded.ts"

const wav = { type: "file", mediaType: "audio/wav", data: "UklGRg==" }
const pdf = "JVBERi0="
const refusalOf = (part: object, capabilities: object = {}) => chat(showing(part), "m", capabilities).refused

describe("what a user shows in Chat Completions", () => {
  it("is one text where it is one text, and parts otherwise", () => {
    const contentOf = (...parts: ReadonlyArray<object>) => chat(showing(...parts)).body["messages"][0].content
    const [a, b] = ["a", "b"].map((text) => ({ type: "text", text }))
    expect(contentOf({ type: "text", text: "a" })).toBe("a")
    expect(contentOf({ type: "text", text: "a" }, { type: "text", text: "b" })).toStrictEqual([a, b])
    expect(contentOf({ type: "image", url: "https://example.com/a.png" })).toHaveLength(1)
  })

  it("may be a picture without a detail, and one in a data address", () => {
    for (const [url, expected] of [
      ["https://example.com/a.png", "https://example.com/a.png"],
      ["data:image/png;base64,iVBORw0K", "data:image/png;base64,iVBORw0K"],
    ]) {
      expect(firstPart(chat(showing({ type: "image", url })))).toStrictEqual({
        type: "image_url",
        image_url: { url: expected },
      })
      const file = { type: "file", mediaType: "image/png", url, detail: "low" }
      expect(firstPart(chat(showing(file))).image_url).toStrictEqual({ url: expected })
    }
  })

  it("may be a file by its id where the service takes pictures so", () => {
    const part = firstPart(chat(showing({ type: "image", fileId: "file-1" }), "m", { images: ["id"] }))
    expect(part).toStrictEqual({ type: "image_url", image_url: { url: "file-1" } })
  })

  it("is a document with a name, its own or one from its type", () => {
    const nameOf = (part: object) => firstPart(chat(showing({ type: "file", ...part }))).file
    expect(nameOf({ data: pdf, filename: "a.pdf" })).toStrictEqual({
      filename: "a.pdf",
      file_data: `data:application/pdf;base64,${pdf}`,
    })
    expect(nameOf({ data: pdf }).filename).toBe("file.pdf")
    expect(nameOf({ data: "AAAA", mediaType: "odd" }).filename).toBe("file.bin")
    const mistral = { files: ["url"] as const }
    const page = { type: "file", url: "https://example.com/a.pdf" }
    expect(firstPart(chat(showing(page), "m", mistral)).file.filename).toBe("file.bin")
  })

  it("is a text where it is a document of plain text, with its name before it", () => {
    const note = { type: "file", mediaType: "text/plain", data: "SGVsbG8=" }
    expect(firstPart(chat(showing(note)))).toStrictEqual({ type: "text", text: "Hello" })
    expect(firstPart(chat(showing({ ...note, filename: "a.txt" }))).text).toBe("a.txt:\nHello")
    expect(refusalOf({ ...note, data: "~" })).toMatchObject({ parameter: "messages[0].content[0].data" })
  })
})

describe("sound in Chat Completions", () => {
  it.each([
    ["audio/wav", "wav"],
    ["audio/x-wav", "wav"],
    ["audio/mpeg", "mp3"],
    ["audio/mp3", "mp3"],
  ])("of the type %s is %s", (mediaType, format) => {
    expect(firstPart(chat(showing({ ...wav, mediaType })))).toStrictEqual({
      type: "input_audio",
      input_audio: { data: wav.data, format },
    })
  })

  it.each([
    ["another type", { ...wav, mediaType: "audio/ogg" }],
    ["a type that begins like one", { ...wav, mediaType: "audio/wave" }],
    ["a type that ends like one", { ...wav, mediaType: "audio/vnd.wav" }],
    ["a type that holds one", { ...wav, mediaType: "audio/x-audio/wav" }],
    ["an address", { type: "file", mediaType: "audio/wav", url: "https://example.com/a.wav" }],
  ])("of %s is refused with what is taken", (_, part) => {
    const refused = refusalOf(part)
    expect(refused).toMatchObject({ parameter: "messages[0].content[0]", otherTargetMayTake: true })
    expect(refused?.["message"]).toContain("wav or mp3 file in data")
  })

  it("is refused with what to do where the model takes none", () => {
    const refused = refusalOf(wav, { audio: false })
    expect(refused).toMatchObject({ parameter: "messages[0].content[0]" })
    expect(refused?.["message"]).toContain("m takes no sound over Chat Completions: leave the part out")
  })

  it("that is nowhere is refused as such", () => {
    const { mediaType } = wav
    expect(refusalOf({ type: "file", mediaType })?.["message"]).toContain("neither a url nor data")
  })
})

it("a film is refused in Chat Completions, with what to send instead", () => {
  const refused = refusalOf({ type: "file", mediaType: "video/mp4", data: "AAAA" })
  expect(refused).toMatchObject({ parameter: "messages[0].content[0].mediaType", otherTargetMayTake: true })
  expect(refused?.["message"]).toContain("send pictures of them")
})
