/**
 * The sources of an answer in one shape, read from the `other` parts in which each protocol keeps its citations. It changes
 * no part: what goes back to a provider stays in the provider's own words (law 26).
 */
import type { ResponsePart } from "../model/LlmResponse.ts"
import { elements, isWireObject, nonEmpty, type WireObject } from "./WireReader.ts"

/** Which part of a source is cited. */
export interface SourceSpan {
  /** What `start` and `end` count. */
  readonly unit: "characters" | "pages" | "blocks"
  /** The first that is cited, as the service counts them. */
  readonly start: number
  /** The first that is no longer cited. */
  readonly end: number
}

/** Where an answer, or a place in it, comes from. What the service did not say is absent. */
export interface Source {
  readonly type: "source"
  /** The protocol that it came through: `chat-completions`, `messages` or `responses`. */
  readonly protocol: string
  /** The page, as the service wrote its address. */
  readonly url?: string | undefined
  /** The title of the page or document. */
  readonly title?: string | undefined
  /** The name of the file. */
  readonly filename?: string | undefined
  /** The provider's id of the file. */
  readonly fileId?: string | undefined
  /** Which of the request's documents or search results it is; the first is 0. */
  readonly documentIndex?: number | undefined
  /** The source's own words, or an excerpt of them. */
  readonly citedText?: string | undefined
  /** Where in the source those words are. */
  readonly span?: SourceSpan | undefined
  /** The text part of `parts` that cites it, where that is known. */
  readonly partIndex?: number | undefined
  /** Where in that text the citation begins, in characters as the service counts them. */
  readonly start?: number | undefined
  /** Where it ends. */
  readonly end?: number | undefined
  /** What the service wrote. */
  readonly raw: unknown
}

type Found = Omit<Source, "type" | "protocol" | "partIndex">

const number = (value: unknown): number | undefined =>
  typeof value === "number" && value >= 0 && value % 1 === 0 ? value : undefined

/** Services write 0 to 0 where they do not know the place. */
const place = ({ end_index: to, start_index: from }: WireObject): Pick<Found, "start" | "end"> => {
  const [start, end] = [number(from) ?? Number.NaN, number(to) ?? Number.NaN]
  return end > start ? { start, end } : {}
}

const spanOf = (unit: SourceSpan["unit"], from: unknown, to: unknown): SourceSpan | undefined => {
  const [start, end] = [number(from), number(to)]
  return start === undefined || end === undefined ? undefined : { unit, start, end }
}

/** Messages: the locations of Anthropic's citations. */
const ofCitation = (raw: unknown): Found | undefined => {
  if (!isWireObject(raw)) return undefined
  return {
    url: nonEmpty(raw.url),
    title: nonEmpty(raw.title) ?? nonEmpty(raw.document_title),
    // A search result of the request may name anything as its source; a page has its address there.
    ...(raw.type === "search_result_location" ? { url: nonEmpty(raw.source) } : {}),
    fileId: nonEmpty(raw.file_id),
    documentIndex: number(raw.document_index) ?? number(raw.search_result_index),
    citedText: nonEmpty(raw.cited_text),
    span:
      spanOf("characters", raw.start_char_index, raw.end_char_index) ??
      spanOf("pages", raw.start_page_number, raw.end_page_number) ??
      spanOf("blocks", raw.start_block_index, raw.end_block_index),
    raw,
  }
}

/** Responses: `url_citation`, `file_citation`, `container_file_citation` and `file_path`. */
const ofAnnotation = (raw: unknown): Found | undefined =>
  isWireObject(raw)
    ? {
        url: nonEmpty(raw.url),
        title: nonEmpty(raw.title),
        filename: nonEmpty(raw.filename),
        fileId: nonEmpty(raw.file_id),
        ...place(raw),
        // A file is cited at one place of the text.
        ...(raw.index === undefined ? {} : { start: number(raw.index) }),
        raw,
      }
    : undefined

/** Chat Completions: annotations hold what they say under their type. `file` is a document that OpenRouter has read. */
const ofChatAnnotation = (raw: unknown): Found | undefined => {
  if (!isWireObject(raw)) return undefined
  const inner = typeof raw.type === "string" ? raw[raw.type] : undefined
  const said = isWireObject(inner) ? inner : raw
  return {
    url: nonEmpty(said.url),
    title: nonEmpty(said.title),
    filename: nonEmpty(said.filename) ?? nonEmpty(said.name),
    fileId: nonEmpty(said.file_id),
    citedText: nonEmpty(said.content),
    ...place(said),
    raw,
  }
}

/** Perplexity's search results, and the citations of Azure's own data. */
const ofResult = (raw: unknown): Found | undefined =>
  isWireObject(raw)
    ? {
        url: nonEmpty(raw.url),
        title: nonEmpty(raw.title),
        filename: nonEmpty(raw.filepath),
        citedText: nonEmpty(raw.snippet) ?? nonEmpty(raw.content),
        raw,
      }
    : undefined

/** Addresses, and what the results of the search say of them: a text that cites `[1]` means the first. */
const listed = (
  citations: ReadonlyArray<unknown>,
  results: ReadonlyArray<unknown>,
): ReadonlyArray<Found | undefined> => {
  const told = new Map<unknown, Found | undefined>()
  for (const result of results) if (isWireObject(result)) told.set(result.url, told.get(result.url) ?? ofResult(result))
  const cited = new Set(citations)
  return [
    ...citations.map((raw) =>
      typeof raw === "string" ? (told.get(raw) ?? { url: nonEmpty(raw), raw }) : ofResult(raw),
    ),
    ...results.filter((result) => !(isWireObject(result) && cited.has(result.url))).map(ofResult),
  ]
}

/** Everything that one protocol has kept under a type. */
type Listed = (type: string) => ReadonlyArray<unknown>

type Kept = {
  readonly [protocol: string]: (value: WireObject, listOf: Listed) => ReadonlyArray<Found | undefined>
}

const readers: Kept = {
  messages: ({ citations }) => elements(citations).map(ofCitation),
  responses: ({ annotations, type }) => (type === "message" ? elements(annotations).map(ofAnnotation) : []),
  "chat-completions": (value, listOf) => {
    switch (value.type) {
      case "annotations":
        return elements(value.annotations).map(ofChatAnnotation)
      case "citations":
        return listed(elements(value.citations), listOf("search_results"))
      case "search_results":
        return listOf("citations").length > 0 ? [] : elements(value.search_results).map(ofResult)
      case "context":
        return isWireObject(value.context) ? elements(value.context.citations).map(ofResult) : []
      default:
        return []
    }
  },
}

/** For each place the last text before it; undefined where there is none. */
const textsBefore = (parts: ReadonlyArray<Pick<ResponsePart, "type">>): ReadonlyArray<number | undefined> => {
  let last: number | undefined
  return parts.map(({ type }, at) => {
    const before = last
    if (type === "text") last = at
    return before
  })
}

/** The text that what is kept at a place belongs to: the one before it. Undefined where it may be another. */
const textOf = (
  parts: ReadonlyArray<Pick<ResponsePart, "type">>,
  before: number | undefined,
  onlyText: number | undefined,
  protocol: string,
): number | undefined => {
  // What Chat Completions says is said of the whole message.
  if (protocol === "chat-completions") return onlyText
  return protocol === "responses" && parts[(before ?? 0) - 1]?.type === "text" ? undefined : before
}

/** What was kept by each protocol, by its type; each list is made once. */
class Lists {
  private readonly lists = new Map<string, ReadonlyArray<unknown>>()
  private readonly kept: ReadonlyArray<{ readonly protocol: string; readonly value: WireObject }>

  constructor(kept: Lists["kept"]) {
    this.kept = kept
  }

  of(protocol: string): Listed {
    return (type) => {
      const key = `${protocol} ${type}`
      const known = this.lists.get(key)
      if (known !== undefined) return known
      const list = this.kept.flatMap((other) =>
        other.protocol === protocol && other.value.type === type ? elements(other.value[type]) : [],
      )
      this.lists.set(key, list)
      return list
    }
  }
}

const compact = (source: Source): Source => {
  const entries = Object.entries(source).filter(([, value]) => value !== undefined)
  return { ...Object.fromEntries(entries), type: source.type, protocol: source.protocol, raw: source.raw }
}

/**
 * The sources that an answer names, in the order in which it names them: Anthropic's citations, the annotations of Chat
 * Completions and Responses, the lists of Perplexity and xAI, Azure's own data. Pages that a search has found and the answer
 * does not name stay in their `other` parts.
 *
 * @example
 * for (const { title, url } of sourcesOf(response.parts)) console.log(title, url)
 */
export const sourcesOf = (parts: ReadonlyArray<ResponsePart>): ReadonlyArray<Source> => {
  const kept = parts.flatMap((part, index) =>
    part.type === "other" && isWireObject(part.value) ? [{ protocol: part.provider, index, value: part.value }] : [],
  )
  const lists = new Lists(kept)
  const before = textsBefore(parts)
  const texts = parts.flatMap((part, at) => (part.type === "text" ? [at] : []))
  const onlyText = texts.length === 1 ? texts[0] : undefined
  return kept.flatMap(({ index, protocol, value }) => {
    const read = Object.hasOwn(readers, protocol) ? readers[protocol] : undefined
    if (read === undefined) return []
    const partIndex = textOf(parts, before[index], onlyText, protocol)
    return read(value, lists.of(protocol)).flatMap((one) =>
      one === undefined ? [] : [compact({ ...one, type: "source", protocol, partIndex })],
    )
  })
}

/** What every list of sources outside this library asks for: an address that can be parsed, or a document with a title. */
export type SourceLabel =
  | { readonly sourceType: "url"; readonly url: string; readonly title: string }
  | { readonly sourceType: "document"; readonly mediaType: string; readonly title: string; readonly filename?: string }

/** A source in the words of such a list. The kind of a document that the service does not tell is `application/octet-stream`. */
export const labelOf = ({ fileId, filename, span, title, url }: Source): SourceLabel => {
  if (url !== undefined && URL.canParse(url)) return { sourceType: "url", url, title: title ?? url }
  const mediaTypes = { pages: "application/pdf", characters: "text/plain", blocks: "text/plain" } as const
  return {
    sourceType: "document",
    mediaType: span === undefined ? "application/octet-stream" : mediaTypes[span.unit],
    title: title ?? filename ?? url ?? fileId ?? "",
    ...(filename === undefined ? {} : { filename }),
  }
}
