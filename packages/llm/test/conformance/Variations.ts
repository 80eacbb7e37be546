/** The same stream, written otherwise: odd but legal, so that nothing of its meaning may change (law 3). */
import { below, pieces, type Random } from "./Seeded.ts"

/** A stream's text as the bytes of its writes. */
export type Variation = (text: string, random: Random) => ReadonlyArray<Uint8Array>

const bytes = (text: string): ReadonlyArray<Uint8Array> => [Buffer.from(text)]

const withLineEnds = (text: string, lineEnd: string): string => text.replaceAll(/\r\n|\n|\r/g, lineEnd)

/** Puts something before every event; the blank line that ends one is where the next begins. */
const betweenEvents = (text: string, between: () => string): string =>
  withLineEnds(text, "\n")
    .split(/\n\n+/)
    .map((event) => (event.trim() === "" ? event : `${between()}${event}`))
    .join("\n\n")

/** Events that neither wire knows, under names and types of their own. */
const unknownEvents = [
  'event: weather\ndata: {"type":"weather","forecast":"fair"}\n\n',
  'data: {"type":"weather","object":"weather.chunk","forecast":null}\n\n',
  'event: vendor.metrics\nid: 7\ndata: {"type":"vendor.metrics","choices":[]}\n\n',
]

/** An unknown field in every object that an event's line of data holds, at its top. */
const withUnknownFields = (text: string): string =>
  text.replaceAll(/^data: ?\{(?="(?!error"))/gm, 'data: {"x_unknown":{"a":[1,null,"ü"]},')

export const variations: Readonly<Record<string, Variation>> = {
  "split at random bytes": (text, random) => pieces(random, Buffer.from(text), 2 + below(random, 60)),
  "split into single bytes": (text) => Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte)),
  "with CRLF line ends": (text, random) => pieces(random, Buffer.from(withLineEnds(text, "\r\n")), 20),
  "with CR line ends": (text, random) => pieces(random, Buffer.from(withLineEnds(text, "\r")), 20),
  "with a byte order mark": (text) => bytes(`\uFEFF${text}`),
  "with comments": (text) => bytes(betweenEvents(text, () => ": keep-alive\n\n: \n:\n")),
  "with retry: and id: lines": (text) => bytes(betweenEvents(text, () => "retry: 15000\nid: 42\n")),
  "with unknown events": (text, random) =>
    bytes(betweenEvents(text, () => unknownEvents[below(random, unknownEvents.length)] ?? "")),
  "with unknown fields": (text) => bytes(withUnknownFields(text)),
}
