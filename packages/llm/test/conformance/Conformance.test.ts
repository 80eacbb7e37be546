/**
 * Every recorded exchange, over HTTP: text, tool calls, finish reason, usage and error as the recording says. Then the
 * recorded streams written otherwise (law 3), and cut before their terminal signal (law 1).
 */
import { describe, expect, it } from "vitest"
import { corpusIsThere, type Exchange, expectedOf } from "../Corpus.ts"
import { law } from "../contract/Laws.ts"
import { framesOf } from "../protocols/Replay.ts"
import { type Outcome, recorded, recordings, replayAll, textOf } from "./Replayed.ts"
import { below, type Random, sample, seeded } from "./Seeded.ts"
import { type Variation, variations } from "./Variations.ts"

/** How many of a thousand must conform, each of the rest with its explanation below. */
const leastConforming = 0.998

/** Recordings that are read otherwise, and why: none. */
const explained: Readonly<Record<string, string>> = {}

const equals = (one: unknown, other: unknown): boolean => {
  try {
    expect(one).toEqual(other)
    return true
  } catch {
    return false
  }
}

const strays = (outcomes: ReadonlyArray<Outcome>) =>
  outcomes
    .filter(({ expected, found }) => !equals(found, expected))
    .map(({ exchange: { id }, expected, found }) => ({ id, found, expected }))

const streamsOf = (exchanges: ReadonlyArray<Exchange>): ReadonlyArray<Exchange> =>
  exchanges.filter(({ kind }) => kind === "sse")

/** All of them, but where one byte is one write: there a few that are not long. */
const chosenFor = (variation: string, random: Random, streams: ReadonlyArray<Exchange>): ReadonlyArray<Exchange> =>
  variation === "split into single bytes"
    ? sample(
        random,
        streams.filter(({ response }) => response.body.length < 8000),
        12,
      )
    : streams

if (!corpusIsThere) {
  console.warn("SKIPPED: the conformance suite replays recorded exchanges, and there are none (set WIRE_CORPUS)")
}

describe.skipIf(!corpusIsThere)("recorded exchanges over HTTP", () => {
  it.each(recordings)("of $name are read as they were recorded", async ({ exchanges, layer }) => {
    expect(exchanges.length).toBeGreaterThan(50)
    const outcomes = await replayAll(
      layer,
      exchanges.map((exchange) => ({ exchange, answer: recorded(exchange) })),
    )
    const found = strays(outcomes)
    expect(found.filter(({ id }) => explained[id] === undefined)).toEqual([])
    expect(1 - found.length / outcomes.length).toBeGreaterThanOrEqual(leastConforming)
  })

  it("leave no explanation without its recording", () => {
    const ids = new Set(recordings.flatMap(({ exchanges }) => exchanges.map(({ id }) => id)))
    expect(Object.keys(explained).filter((id) => !ids.has(id))).toEqual([])
  })
})

const cases = recordings.flatMap((one) =>
  Object.entries(variations).map(([variation, vary]) => ({ ...one, variation, vary })),
)

const varied = (exchange: Exchange, vary: Variation, random: Random) => ({
  exchange,
  answer: { ...recorded(exchange), pieces: vary(exchange.response.body, random) },
})

describe.skipIf(!corpusIsThere)(law[3], () => {
  it.each(cases)(
    "recorded streams of $name $variation read the same",
    async ({ exchanges, layer, name, variation, vary }) => {
      const random = seeded(`${name} ${variation}`)
      const streams = chosenFor(variation, random, streamsOf(exchanges))
      expect(streams.length).toBeGreaterThan(0)
      const outcomes = await replayAll(
        layer,
        streams.map((exchange) => varied(exchange, vary, random)),
      )
      expect(strays(outcomes).filter(({ id }) => explained[id] === undefined)).toEqual([])
    },
  )
})

/** The length of a stream up to its terminal signal, which is not whole before the last character of that event. */
const proofAt = ({ response, tags }: Exchange): number => {
  const body: string = response.body
  const isProof = (data: string): boolean => {
    if (!data.startsWith("{")) return false
    const event = JSON.parse(data) as {
      type?: unknown
      choices?: ReadonlyArray<{ index?: number; finish_reason?: unknown }>
    }
    if (tags.includes("wire:responses")) {
      return /^response\.(completed|incomplete|failed|cancelled)$/.test(String(event.type))
    }
    return tags.includes("wire:messages")
      ? event.type === "message_stop"
      : (event.choices ?? []).some((choice) => (choice.index ?? 0) === 0 && Boolean(choice.finish_reason))
  }
  const proof = framesOf(body).find(({ data }) => isProof(data))
  return proof === undefined ? body.length : body.indexOf(proof.data) + proof.data.length - 1
}

describe.skipIf(!corpusIsThere)(law[1], () => {
  it.each(
    recordings.flatMap((one) =>
      [false, true].map((isCut) => ({ ...one, isCut, by: isCut ? "FIN inside the body" : "a proper end" })),
    ),
  )(
    "recorded streams of $name cut anywhere before it, by $by, never succeed",
    async ({ exchanges, isCut, layer, name }) => {
      const random = seeded(`${name} cut ${isCut}`)
      const whole = streamsOf(exchanges).filter((exchange) => expectedOf(exchange).outcome === "success")
      const replays = sample(random, whole, 60).flatMap((exchange) =>
        [1, 2, 3].map(() => {
          const text: string = exchange.response.body.slice(0, below(random, proofAt(exchange) + 1))
          return { exchange, answer: { ...recorded(exchange), pieces: [Buffer.from(text)], isCut } }
        }),
      )
      for (const { exchange, expected, seen } of await replayAll(layer, replays)) {
        expect([exchange.id, seen.error?.reason._tag]).toEqual([exchange.id, "StreamInterruptedError"])
        const said = expected.outcome === "success" ? expected.text : ""
        expect(said.startsWith(textOf(seen.events))).toBe(true)
        expect(seen.error?.text ?? "").toBe(seen.text)
      }
    },
  )
})
