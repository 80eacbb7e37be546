/** The sources of an answer that has very many: each is found where it stands, and the work is in proportion to their number. */
import { expect, it, vi } from "vitest"
import type { ResponsePart } from "../../src/model/LlmResponse.ts"
import { sourcesOf } from "../../src/protocols/Sources.ts"

const other = (provider: string, value: unknown): ResponsePart => ({ type: "other", provider, value })

const cited = (count: number): ReadonlyArray<ResponsePart> =>
  Array.from({ length: count }, (_, at): ReadonlyArray<ResponsePart> => [
    { type: "text", text: `t${at}` },
    other("messages", { citations: [{ url: `https://a.test/${at}` }] }),
    other("chat-completions", { type: "citations", citations: ["https://b.test/"] }),
  ]).flat()

it("each source is found where it stands", () => {
  expect(sourcesOf(cited(3)).map(({ partIndex, url }) => [partIndex, url])).toEqual([
    [0, "https://a.test/0"],
    [undefined, "https://b.test/"],
    [3, "https://a.test/1"],
    [undefined, "https://b.test/"],
    [6, "https://a.test/2"],
    [undefined, "https://b.test/"],
  ])
})

it("twice as many sources are twice the work", () => {
  const walked = (count: number) => {
    const parts = cited(count)
    using walking = vi.spyOn(Array.prototype, "flatMap")
    sourcesOf(parts)
    return walking.mock.contexts.reduce<number>((sum, list) => sum + (Array.isArray(list) ? list.length : 0), 0)
  }
  expect(walked(400)).toBeLessThan(2.5 * walked(200))
})
