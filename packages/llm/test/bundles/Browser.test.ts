/** The library in a page: its key is kept by a proxy at the page's own origin, and no code is made from strings. */
import { assert, beforeAll, describe, it } from "vitest"
import { answers, beginEvents, byModel, chatPieces, listen, refuses } from "../guide/LoopbackUpstream.ts"
import { build } from "./Built.ts"
import { browser, type Bundle, bundle } from "./Bundle.ts"
import { chromium, documentOf, notFound } from "./Chromium.ts"
import { servePage } from "./PageServer.ts"
import { pieceByPiece } from "./PieceByPiece.ts"
import type { Findings } from "./programs/page.ts"

let bundled: Bundle

beforeAll(async () => {
  await build()
  bundled = await bundle("page.ts", browser)
  if (chromium === undefined) console.warn(`not tried: ${notFound}`)
})

/** What the page wrote into its document. */
const findingsOf = (html: string): Findings => {
  const [, written] = /<pre>(.*)<\/pre>/s.exec(html) ?? []
  if (written === undefined) throw new Error(`the page wrote nothing: ${html}`)
  return JSON.parse(written.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&"))
}

describe("a page's bundle", () => {
  it("imports nothing, and holds nothing of undici", () => {
    assert.isEmpty(bundled.imports)
    assert.isEmpty(bundled.files.filter((file) => /undici|\.node\.js$/i.test(file)))
  })
})

describe("a page in Chromium", () => {
  it("answers whole and in pieces, says what failed, and aborts, without a key of its own", async ({ skip }) => {
    if (chromium === undefined) return skip(notFound)
    const { reply, seen } = pieceByPiece("hello", " again")
    await using upstream = await listen(
      byModel({
        "gpt-5-mini": answers("hello <page>"),
        pieces: reply,
        refused: refuses(429),
        redirected: (_, response) => void response.writeHead(307, { location: "http://127.0.0.1:9/" }).end(),
        endless: (_, response) => void beginEvents(response).write(chatPieces(["hello"], "endless")),
      }),
    )
    await using page = await servePage({ script: bundled.text, upstream: upstream.url, apiKey: "sk-proxy", seen })
    const html = await documentOf(chromium, page.url)
    const { aborted, pieces, redirected, refused, whole } = findingsOf(html)

    assert.strictEqual(whole.text, "hello <page>")
    assert.nestedPropertyVal(whole.metadata, "usage.totalTokens", 18)
    assert.deepEqual(pieces, ["hello", " again"])
    assert.strictEqual(refused.errorType, "RateLimitError")
    assert.strictEqual(redirected.errorType, "InvalidResponseError")
    assert.match(redirected.error ?? "", /redirect, which is not followed/)
    assert.strictEqual(aborted, "threw the signal's reason")
    await upstream.requests.at(-1)?.closed

    assert.deepEqual([...new Set(upstream.requests.map(({ headers }) => headers.authorization))], ["Bearer sk-proxy"])
    assert.notInclude(html + bundled.text, "sk-proxy")
  })
})
