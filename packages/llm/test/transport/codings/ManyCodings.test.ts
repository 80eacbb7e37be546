/** A body that names more codings than any server applies: it is given up before the first of them is undone. */
import * as zlib from "node:zlib"
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { end, write } from "../../faults/FaultServer.ts"
import { head } from "../../faults/HttpText.ts"
import { fullText } from "../../faults/WireText.ts"
import { ask, bodyOf, calls, provider, serve } from "../Sending.ts"

const answer = (codings: number) => {
  let body = Buffer.from(bodyOf("generate", fullText))
  for (let done = 0; done < codings; done++) body = zlib.gzipSync(body)
  const names = Array.from({ length: codings }, () => "gzip").join(", ")
  return [
    write(head(200, { "content-type": "application/json", "content-encoding": names, connection: "close" })),
    write(body),
    end,
  ]
}

describe("a body in codings within codings", () => {
  it.live("is decoded where there are a few", () =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer(3))
      const seen = yield* Effect.provide(ask("generate"), provider(server.url))
      expect(JSON.stringify(seen)).toContain(fullText)
    }),
  )

  it.live.each(calls)("cannot be read where there are many: %s", (call) =>
    Effect.gen(function* () {
      const server = yield* serve(() => answer(60))
      const error = yield* Effect.flip(Effect.provide(ask(call), provider(server.url)))
      expect(error.reason).toMatchObject({ _tag: "InvalidResponseError" })
      expect(error.message).toContain("codings")
    }),
  )
})
