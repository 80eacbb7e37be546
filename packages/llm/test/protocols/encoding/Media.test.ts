/** What is read of a picture, a document or a sound before a wire writes it, and how one that is not taken is refused. */
import { describe, expect, it } from "vitest"
import type { FilePart, ImagePart } from "../../../src/model/LlmRequest.ts"
import { ConversationEncoding } from "../../../src/protocols/encoding/ConversationEncoding.ts"
import {
  acceptedMedium,
  isPlainText,
  kindOf,
  type MediaRule,
  mediumOf,
  textOf,
} from "../../../src/protocols/encoding/Media.ts"

const png = "iVBORw0KGgo="
type Part = ImagePart | FilePart

/** What an encoding refused, or undefined. */
const refusalOf = (encoding: ConversationEncoding) => {
  const finished = encoding.finish({}, {}, { provider: "p" })
  return finished._tag === "Failure" ? { ...finished.failure, message: finished.failure.message } : undefined
}

const read = (part: object) => {
  const encoding = new ConversationEncoding({ model: "m" })
  return { medium: mediumOf(part as Part, "at", encoding), refused: refusalOf(encoding) }
}

describe("the media type of bytes", () => {
  it.each([
    ["iVBORw0KAAAA", "image/png"],
    ["/9j/AAAA", "image/jpeg"],
    ["R0lGODdhAAAA", "image/gif"],
    ["UklGRgAAAABXRUJQ", "image/webp"],
    ["UklGRiQAAABXQVZFZm10IA==", "audio/wav"],
    ["JVBERi0xLjQ=", "application/pdf"],
    ["SUQzBAAA", "audio/mpeg"],
  ])("that begin with %s is %s", (data, mediaType) => {
    expect(read({ type: "image", data }).medium).toEqual({ at: "data", mediaType, data })
    expect(kindOf({ type: "file", data } as Part)).toBe(mediaType.replace(/\/.*/, "").replace("application", "file"))
  })

  it("that show none is missing for a picture, and a PDF's for a document", () => {
    const { medium, refused } = read({ type: "image", data: "AAAA" })
    expect(medium).toBeUndefined()
    expect(refused).toMatchObject({
      parameter: "at.mediaType",
      message: expect.stringContaining("mediaType is missing and the data does not show it"),
    })
    expect(read({ type: "file", data: "AAAA" }).medium).toMatchObject({ mediaType: "application/pdf" })
    // Its name for WAVE stands elsewhere.
    expect(read({ type: "image", data: "AAAAAAAAXQVZFAAA" }).medium).toBeUndefined()
    expect(read({ type: "image", data: "UklGRgAAAABXRUJQXQVZFA==" }).medium).toMatchObject({ mediaType: "image/webp" })
    expect(read({ type: "image", data: `${png}XQVZF` }).medium).toMatchObject({ mediaType: "image/png" })
  })

  it("is the one that is named, in the form that services compare", () => {
    for (const [named, mediaType] of [
      ["IMAGE/PNG", "image/png"],
      ["image/jpg", "image/jpeg"],
      ["text/plain ; charset=utf-8; a=b", "text/plain"],
    ]) {
      expect(read({ type: "file", mediaType: named, data: "AAAA" }).medium).toMatchObject({ mediaType })
    }
  })
})

describe("the kind of a part", () => {
  it.each<readonly [object, string]>([
    [{ type: "image", mediaType: "audio/wav" }, "image"],
    [{ type: "file", mediaType: "image/heic" }, "image"],
    [{ type: "file", mediaType: "audio/ogg" }, "audio"],
    [{ type: "file", mediaType: "video/mp4" }, "video"],
    [{ type: "file", mediaType: "text/plain" }, "file"],
    [{ type: "file", mediaType: "application/pdf", data: png }, "file"],
    [{ type: "file", data: png }, "image"],
    [{ type: "file", data: "AAAA" }, "file"],
    [{ type: "file", url: "data:audio/wav;base64,AAAA" }, "audio"],
    [{ type: "file", url: "DATA:video/mp4,AAAA" }, "video"],
    [{ type: "file", url: "https://a.test/?data:image/png" }, "file"],
    [{ type: "file", url: "data:;base64,AAAA" }, "file"],
    [{ type: "file", fileId: "f" }, "file"],
  ])("of %j is %s", (part, kind) => {
    expect(kindOf(part as Part)).toBe(kind)
  })
})

describe("where the bytes of a part are", () => {
  it.each<readonly [object, object]>([
    [
      { fileId: "f", url: "https://a.test/", data: png },
      { at: "id", fileId: "f" },
    ],
    [
      { url: "https://a.test/?data:", data: png },
      { at: "url", url: "https://a.test/?data:" },
    ],
    [{ url: "data:image/gif;base64,AAAA" }, { at: "data", mediaType: "image/gif", data: "AAAA" }],
    [{ url: "Data:image/gif;a=b;base64,AA,A" }, { at: "data", mediaType: "image/gif", data: "AA,A" }],
    [
      { url: "data:image/gif;base64,AAAA", mediaType: "image/png" },
      { at: "data", mediaType: "image/png", data: "AAAA" },
    ],
    [{ url: `data:;base64,${png}` }, { at: "data", mediaType: "image/png", data: png }],
    [{ data: png }, { at: "data", mediaType: "image/png", data: png }],
  ])("is read from %j", (part, medium) => {
    expect(read({ type: "image", ...part })).toEqual({ medium, refused: undefined })
  })

  it.each(["data:", "data:image/png;base64", "data:image/png,AAAA", "data:,", "data:image/png;base65,AAAA", "data:x"])(
    "is refused in %s, with the form of a data URL",
    (url) => {
      expect(read({ type: "image", url })).toMatchObject({
        medium: undefined,
        refused: { parameter: "at.url", message: expect.stringContaining("data:<media type>;base64,<data>") },
      })
    },
  )

  it.each([{}, { data: "" }, { url: "data:image/png;base64," }])("is refused where they are nowhere: %j", (part) => {
    for (const type of ["image", "file"]) {
      expect(read({ type, ...part })).toMatchObject({
        medium: undefined,
        refused: { parameter: "at", message: expect.stringContaining(`the ${type} part has neither a url nor data`) },
      })
    }
  })
})

describe("plain text", () => {
  it.each([
    ["text/plain", true],
    ["text/html", true],
    ["application/json", true],
    ["application/x-yaml", true],
    ["application/jsonx", false],
    ["application/pdf", false],
    ["x-text/plain", false],
    ["image/png", false],
  ])("%s: %s", (mediaType, expected) => {
    expect(isPlainText(mediaType)).toBe(expected)
  })

  it("is read from base64, and refused where it is none", () => {
    const encoding = new ConversationEncoding({ model: "m" })
    expect(textOf("SGVsbG8=", "at", encoding)).toBe("Hello")
    expect(refusalOf(encoding)).toBeUndefined()
    expect(textOf("no base64!", "at", encoding)).toBe("")
    expect(refusalOf(encoding)).toMatchObject({ parameter: "at.data", message: expect.stringContaining("not base64") })
  })
})

describe("a part that a target does not take", () => {
  const rule: MediaRule = { wire: "Letters", places: ["url", "data"], types: ["image/png", "image/gif"], maxLength: 12 }
  const accept = (part: object, more: Partial<MediaRule> = {}, capabilities: object = {}) => {
    const encoding = new ConversationEncoding({ model: "m", capabilities })
    const medium = acceptedMedium(part as Part, "at", { ...rule, ...more }, encoding)
    return { medium, refused: refusalOf(encoding) }
  }
  const refused = (parameter: string, ...words: ReadonlyArray<string>) => ({
    medium: undefined,
    refused: {
      parameter,
      otherTargetMayTake: true,
      message: expect.stringMatching(new RegExp(words.join(".*").replaceAll(/[()]/g, "\\$&"))),
    },
  })
  const picture = { type: "image", data: png }
  const document = { type: "file", data: "JVBERi0=" }

  it("is refused with its kind and what to do where nothing of the kind is taken", () => {
    const advice = "leave the part out, or ask another model"
    expect(accept(picture, { places: [] })).toMatchObject(refused("at", "m takes no pictures over Letters", advice))
    expect(accept(document, { places: [] })).toMatchObject(refused("at", "m takes no documents over Letters", advice))
    expect(accept(picture, {}, { images: [] })).toMatchObject(refused("at", "m takes no pictures"))
    expect(accept(document, {}, { files: [] })).toMatchObject(refused("at", "m takes no documents"))
    expect(accept(picture, {}, { files: [] }).refused).toBeUndefined()
  })

  it("is refused by the field that says where it is, with the places that are taken", () => {
    expect(accept({ type: "image", fileId: "f" })).toMatchObject(
      refused("at.fileId", "Letters takes pictures as an address or bytes in data here"),
    )
    expect(accept(document, { places: ["id"] })).toMatchObject(
      refused("at.data", "Letters takes documents as the id of a file that was uploaded before here"),
    )
    expect(accept({ type: "image", url: "https://a.test/" }, { places: ["data"] })).toMatchObject(refused("at.url"))
  })

  it("is refused by its media type, with those that are taken", () => {
    const jpeg = { type: "image", mediaType: "image/jpeg", data: "AAAA" }
    expect(accept(jpeg)).toMatchObject(
      refused("at.mediaType", "image/jpeg is not among the pictures that m takes (image/png, image/gif): convert it"),
    )
    expect(accept(jpeg, {}, { imageTypes: ["image/jpeg"] }).medium).toMatchObject({ mediaType: "image/jpeg" })
    expect(accept(document, {}, { imageTypes: ["application/pdf"] })).toMatchObject(
      refused("at.mediaType", "documents"),
    )
    expect(accept(jpeg, { types: undefined }).medium).toMatchObject({ mediaType: "image/jpeg" })
    expect(accept({ type: "image", mediaType: "image/jpeg", url: "https://a.test/" }).medium).toMatchObject({
      at: "url",
    })
  })

  it("is refused by its size, one character past the limit", () => {
    expect(accept(picture)).toMatchObject({ medium: { data: png }, refused: undefined })
    expect(accept({ ...picture, data: `${png}A` })).toMatchObject(
      refused("at", "13 characters of base64 are more than the 12 that Letters takes of one part: make it smaller"),
    )
    expect(accept({ ...picture, data: `${png}A` }, { maxLength: undefined }).refused).toBeUndefined()
  })

  it("is refused for what is wrong with itself first", () => {
    expect(accept({ type: "image" }, { places: [] })).toMatchObject({ refused: { parameter: "at" } })
    expect(accept({ type: "image" }, { places: [] }).refused).not.toHaveProperty("otherTargetMayTake", true)
  })
})
