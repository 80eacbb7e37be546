/** Where the program has no tokenizer, an estimate is unknown and says what to install. */
import { expect, it } from "@effect/vitest"
import { vi } from "vitest"
import * as Effect from "effect/Effect"
import { estimateRequest } from "../../src/counting/RequestTokens.ts"

vi.mock("#installed-package", () => ({ load: () => Effect.fail("not installed") }))

it.effect("an estimate without the tokenizer says which package to install", () =>
  Effect.gen(function* () {
    const request = { messages: [{ role: "user", content: "a" }] } as const
    const count = yield* estimateRequest(request, "gpt-4o", { provider: "openai", wire: "chat" })
    expect(count).toEqual({
      type: "unknown",
      reason: "the package gpt-tokenizer is not installed beside this library; npm install gpt-tokenizer",
    })
  }),
)
