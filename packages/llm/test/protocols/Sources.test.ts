/** The sources of answers in one shape: every citation in the recordings is found, whole and streamed, and no part changes. */
import { Result } from "effect"
import { describe, expect, it } from "vitest"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import * as ChatCompletions from "../../src/protocols/chat-completions/ChatCompletions.ts"
import { labelOf, type Source, sourcesOf } from "../../src/protocols/Sources.ts"
import { corpusIsThere, type Exchange } from "../Corpus.ts"
import { framesOf } from "./Replay.ts"
import { readExchange, recordingsByWire } from "./Reading.ts"

type Json = Readonly<Record<string, any>>

const events = (body: string): ReadonlyArray<Json> =>
  framesOf(body).flatMap(({ data }) => {
    try {
      return [JSON.parse(data)]
    } catch {
      return []
    }
  })

const list = (value: unknown): ReadonlyArray<any> => (Array.isArray(value) ? value : [])

/** Citations as the raw body has them, read without the library. */
const recorded: Readonly<Record<string, (exchange: Exchange) => ReadonlyArray<unknown>>> = {
  "Chat Completions": ({ kind, response: { body } }) => {
    const chunks = kind === "sse" ? events(body) : [body]
    const annotations = chunks.flatMap(({ choices }) =>
      list(choices).flatMap(({ delta, message }) => list((message ?? delta)?.annotations)),
    )
    const last = (field: string) => list(chunks.findLast((chunk) => list(chunk[field]).length > 0)?.[field])
    const results = last("search_results")
    const cited = last("citations")
    const listed = cited.map((url) => results.find((result) => result.url === url) ?? url)
    return [...annotations, ...listed, ...results.filter(({ url }) => !cited.includes(url))]
  },
  Messages: ({ kind, response: { body } }) =>
    kind === "sse"
      ? events(body).flatMap(({ delta }) => (delta?.type === "citations_delta" ? [delta.citation] : []))
      : list(body.content).flatMap(({ citations }) => list(citations)),
  Responses: ({ kind, response: { body } }) => {
    const items =
      kind === "sse"
        ? events(body).flatMap(({ item, type }) => (type === "response.output_item.done" ? [item] : []))
        : list(body.output)
    return items.flatMap(({ content, type }) =>
      type === "message" ? list(content).flatMap(({ annotations }) => list(annotations)) : [],
    )
  },
}

const answers = recordingsByWire.flatMap(([wire, protocol, exchanges]) =>
  exchanges.flatMap((exchange) => {
    if (exchange.kind === "error") return []
    const read = readExchange(protocol, exchange)
    return read === "incomplete" || "fault" in read ? [] : [{ wire, exchange, parts: read.answer.parts }]
  }),
)

describe.skipIf(!corpusIsThere).each([
  ["Chat Completions", "json", 7],
  ["Chat Completions", "sse", 4],
  ["Messages", "json", 5],
  ["Messages", "sse", 3],
  ["Responses", "json", 10],
  ["Responses", "sse", 5],
] as const)("the recorded answers of %s, %s", (wire, kind, atLeast) => {
  const own = answers.filter((answer) => answer.wire === wire && answer.exchange.kind === kind)

  it("give every citation in them, in order, and nothing else", () => {
    let citing = 0
    for (const { exchange, parts } of own) {
      const expected = recorded[wire]?.(exchange) ?? []
      expect(
        sourcesOf(parts).map(({ raw }) => raw),
        exchange.id,
      ).toEqual(expected)
      if (expected.length > 0) citing++
    }
    expect(citing).toBeGreaterThanOrEqual(atLeast)
  })

  it("name a page or a document in each, and a text that is there", () => {
    for (const { exchange, parts } of own) {
      for (const source of sourcesOf(parts)) {
        const { documentIndex, fileId, filename, partIndex, title, url } = source
        expect(url ?? title ?? filename ?? fileId ?? documentIndex, exchange.id).toBeDefined()
        expect(labelOf(source).title, exchange.id).not.toBe("")
        if (partIndex !== undefined) expect(parts[partIndex]?.type, exchange.id).toBe("text")
      }
    }
  })
})

const other = (provider: string, value: unknown): ResponsePart => ({ type: "other", provider, value })
const text: ResponsePart = { type: "text", text: "It is so." }
const only = (parts: ReadonlyArray<ResponsePart>): Source | undefined => sourcesOf(parts)[0]

describe("a source", () => {
  it.each([
    [
      "Anthropic's char_location",
      "messages",
      {
        type: "citations",
        citations: [
          {
            type: "char_location",
            cited_text: "so",
            document_index: 1,
            document_title: "A",
            start_char_index: 2,
            end_char_index: 4,
            file_id: "f",
          },
        ],
      },
      { documentIndex: 1, title: "A", fileId: "f", citedText: "so", span: { unit: "characters", start: 2, end: 4 } },
    ],
    [
      "Anthropic's page_location",
      "messages",
      {
        type: "citations",
        citations: [{ type: "page_location", document_index: 0, start_page_number: 1, end_page_number: 2 }],
      },
      { documentIndex: 0, span: { unit: "pages", start: 1, end: 2 } },
    ],
    [
      "Anthropic's content_block_location",
      "messages",
      {
        type: "citations",
        citations: [{ type: "content_block_location", document_index: 0, start_block_index: 3, end_block_index: 4 }],
      },
      { documentIndex: 0, span: { unit: "blocks", start: 3, end: 4 } },
    ],
    [
      "Anthropic's search_result_location",
      "messages",
      {
        type: "citations",
        citations: [
          {
            type: "search_result_location",
            source: "https://a.test/",
            title: "A",
            search_result_index: 2,
            start_block_index: 0,
            end_block_index: 1,
          },
        ],
      },
      { url: "https://a.test/", title: "A", documentIndex: 2, span: { unit: "blocks", start: 0, end: 1 } },
    ],
    [
      "the file_path of Responses",
      "responses",
      { type: "message", annotations: [{ type: "file_path", file_id: "f", index: 3 }] },
      { fileId: "f", start: 3 },
    ],
    [
      "an annotation of Chat Completions",
      "chat-completions",
      {
        type: "annotations",
        annotations: [
          { type: "url_citation", url_citation: { url: "https://a.test/", title: "A", start_index: 1, end_index: 5 } },
        ],
      },
      { url: "https://a.test/", title: "A", start: 1, end: 5 },
    ],
    [
      "a citation of Azure's own data",
      "chat-completions",
      { type: "context", context: { citations: [{ content: "so", title: "A", url: null, filepath: "a.md" }] } },
      { title: "A", filename: "a.md", citedText: "so" },
    ],
    [
      "a url_citation of Responses",
      "responses",
      {
        type: "message",
        annotations: [{ type: "url_citation", url: "https://a.test/", title: "A", start_index: 1, end_index: 5 }],
      },
      { url: "https://a.test/", title: "A", start: 1, end: 5 },
    ],
    [
      "a web_search_result_location of Anthropic's",
      "messages",
      { type: "citations", citations: [{ type: "web_search_result_location", url: "https://a.test/", source: "no" }] },
      { url: "https://a.test/" },
    ],
    [
      "places that are none",
      "messages",
      {
        type: "citations",
        citations: [
          {
            document_title: "A",
            document_index: "1",
            search_result_index: -1,
            start_char_index: 2,
            end_page_number: 3,
            start_block_index: 0.5,
            end_block_index: Number.POSITIVE_INFINITY,
          },
        ],
      },
      { title: "A" },
    ],
    [
      "an annotation with a number as its type",
      "chat-completions",
      { type: "annotations", annotations: [{ type: 3, 3: { url: "https://no.test/" }, url: "https://a.test/" }] },
      { url: "https://a.test/" },
    ],
    [
      "a file of OpenRouter's",
      "chat-completions",
      { type: "annotations", annotations: [{ type: "file", file: { name: "a.pdf", content: "so" } }] },
      { filename: "a.pdf", citedText: "so" },
    ],
    [
      "search results alone",
      "chat-completions",
      { type: "search_results", search_results: [{ url: "https://a.test/", title: "A", snippet: "so" }] },
      { url: "https://a.test/", title: "A", citedText: "so" },
    ],
  ])("is read from %s", (_, protocol, value, expected) => {
    const { raw, ...source } = only([text, other(protocol, value)]) ?? {}
    expect(raw).toBeDefined()
    expect(source).toEqual({ type: "source", protocol, partIndex: 0, ...expected })
  })

  it.each([
    ["writes 0 to 0", { start_index: 0, end_index: 0 }],
    ["writes only its beginning", { start_index: 1 }],
    ["writes only its end", { end_index: 1 }],
    ["writes it as text", { start_index: "1", end_index: "2" }],
  ])("has no place where the service %s", (_, place) => {
    const citation = { url: "https://a.test/", ...place }
    const value = { type: "annotations", annotations: [{ type: "url_citation", url_citation: citation }] }
    const source = only([text, other("chat-completions", value)])
    expect(source).toMatchObject({ url: "https://a.test/" })
    expect(source).not.toHaveProperty("start")
    expect(source).not.toHaveProperty("end")
  })

  it("names no text where it may belong to either of two", () => {
    const parts = [
      text,
      text,
      other("responses", { type: "message", annotations: [{ type: "url_citation", url: "https://a.test/" }] }),
    ]
    expect(only(parts)).not.toHaveProperty("partIndex")
  })

  const citing = (title: string) => other("messages", { type: "citations", citations: [{ title }] })
  const places = (parts: ReadonlyArray<ResponsePart>) => sourcesOf(parts).map(({ partIndex }) => partIndex)

  it("belongs to the text before it, in Messages and Responses", () => {
    expect(places([citing("A"), text, citing("B"), text, text, citing("C"), text])).toEqual([undefined, 1, 4])
    const message = { type: "message", annotations: [{ type: "url_citation", url: "https://a.test/" }] }
    const cited = other("responses", message)
    expect(places([cited, text, cited, text, cited])).toEqual([undefined, 1, 3])
    expect(sourcesOf([text, other("responses", { ...message, type: "reasoning" })])).toEqual([])
  })

  it("belongs to the one text of a message, in Chat Completions", () => {
    const value = { type: "annotations", annotations: [{ url: "https://a.test/" }] }
    const cited = other("chat-completions", value)
    expect(places([cited, text])).toEqual([1])
    expect(places([cited])).toEqual([undefined])
    expect(places([text, text, cited])).toEqual([undefined])
  })

  it("of a list is told once, with the list of addresses that cites it", () => {
    const [a, b] = [{ url: "https://a.test/", title: "A" }, { url: "https://b.test/" }]
    const results = other("chat-completions", { type: "search_results", search_results: [null, 3, a, b] })
    const citations = other("chat-completions", { type: "citations", citations: [a.url, { url: "https://c.test/" }] })
    const told = (...parts: ReadonlyArray<ResponsePart>) => sourcesOf(parts).map(({ title, url }) => title ?? url)
    expect(told(citations, results)).toEqual(["A", "https://c.test/", b.url])
    expect(told(citing("M"), results)).toEqual(["M", "A", b.url])
    const unknown = other("chat-completions", {
      type: "odd",
      search_results: [{ url: "https://no.test/" }],
      citations: [1],
    })
    expect(told(unknown, citations)).toEqual([a.url, "https://c.test/"])
    expect(told(unknown, results)).toEqual(["A", b.url])
  })

  it("of a list of addresses tells what the search says of it, at its number", () => {
    const [a, b] = [
      { url: "https://a.test/", title: "A", snippet: "so" },
      { url: "https://b.test/", title: "B" },
    ]
    const decoded = ChatCompletions.protocol.decode({
      choices: [{ message: { content: "so[1][2]" }, finish_reason: "stop" }],
      citations: ["https://c.test/", a.url],
      search_results: [a, b],
    })
    const parts = Result.isSuccess(decoded) ? decoded.success.parts : []
    expect(sourcesOf(parts).map(({ citedText, title, url }) => ({ citedText, title, url }))).toEqual([
      { citedText: undefined, title: undefined, url: "https://c.test/" },
      { citedText: "so", title: "A", url: a.url },
      { citedText: undefined, title: "B", url: b.url },
    ])
  })

  it.each([
    [null],
    [3],
    ["x"],
    [[]],
    [{}],
    [{ citations: 3 }],
    [{ citations: [null, 3, "x", {}] }],
    [{ type: "annotations", annotations: [null, 3, "x", {}] }],
    [{ type: "citations", citations: [null, 3, {}] }],
    [{ type: "message", annotations: {} }],
    [{ type: "message", annotations: [null, 3, "x", {}] }],
    [{ type: "context", context: 3 }],
  ])("is read from nothing that is odd: %j", (value) => {
    for (const protocol of ["chat-completions", "messages", "responses", "toString", "effect-ai"]) {
      for (const { raw } of sourcesOf([other(protocol, value)])) expect(raw).toEqual({})
    }
  })

  const label = (more: Partial<Source>) => labelOf({ type: "source", protocol: "messages", raw: {}, ...more })

  it("with an address is labelled as a page, under its title or its address", () => {
    const url = "https://a.test/"
    expect(label({ url, title: "A", filename: "a" })).toStrictEqual({ sourceType: "url", url, title: "A" })
    expect(label({ url })).toStrictEqual({ sourceType: "url", url, title: url })
  })

  it("without one, or with one that cannot be parsed, is labelled as a document", () => {
    const document = { sourceType: "document", mediaType: "application/octet-stream" }
    expect(label({ url: "my notes" })).toStrictEqual({ ...document, title: "my notes" })
    expect(label({ url: "my notes", fileId: "f", filename: "a.md" })).toStrictEqual({
      ...document,
      title: "a.md",
      filename: "a.md",
    })
    expect(label({ title: "A", filename: "a.md" })).toStrictEqual({ ...document, title: "A", filename: "a.md" })
    expect(label({ fileId: "f" })).toStrictEqual({ ...document, title: "f" })
    expect(label({})).toStrictEqual({ ...document, title: "" })
  })

  it("is a document of the kind that the unit of its span tells", () => {
    const kinds = (["pages", "characters", "blocks"] as const).map((unit) =>
      label({ span: { unit, start: 0, end: 1 } }),
    )
    expect(kinds.map((one) => "mediaType" in one && one.mediaType)).toEqual([
      "application/pdf",
      "text/plain",
      "text/plain",
    ])
  })
})
