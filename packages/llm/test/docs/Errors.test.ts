/** docs/errors.md says what the code does: every reason, its verdict, and the statuses and codes that mean it. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { verdicts } from "../../src/model/LlmError.ts"
import { toReason } from "../../src/protocols/failures/ProviderFailure.ts"

const page = readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8")

const rows = page
  .split("\n")
  .filter((line) => /^\| `\w+Error`/.test(line))
  .map((line) => line.split("|").map((cell) => cell.trim()))
  .map(([, reason = "", what = "", from = "", retried = "", fallsBack = ""]) => ({
    reason: reason.replaceAll("`", ""),
    what,
    from,
    retried,
    fallsBack,
  }))

const tagOf = (failure: { message?: string; status?: number; code?: string }) =>
  toReason({ _tag: "ProviderFailure", message: "It failed.", ...failure }, {})._tag

describe("docs/errors.md", () => {
  it("has every reason once, in the order of the code", () => {
    assert.deepStrictEqual(
      rows.map(({ reason }) => reason),
      Object.keys(verdicts),
    )
  })

  it("says what is retried and what falls back", () => {
    for (const { fallsBack, reason, retried } of rows) {
      const verdict = Object.entries(verdicts).find(([name]) => name === reason)?.[1]
      const times = retried.startsWith("yes, once") ? "once" : /^(yes|only)/.test(retried) ? "always" : "never"
      assert.deepStrictEqual({ retries: times, fallsBack: /^(yes|only)/.test(fallsBack) }, verdict, reason)
    }
  })

  it("names statuses, codes and messages that the code reads as that reason", () => {
    for (const { from, reason } of rows.filter(({ reason }) => reason !== "TimeoutError")) {
      for (const [status] of from.matchAll(/\b[45]\d\d\b/g)) {
        assert.strictEqual(tagOf({ status: Number(status) }), reason, status)
      }
      for (const [, code = ""] of from.matchAll(/`([^`]+)`/g)) {
        assert.strictEqual(tagOf({ code, status: 400 }), reason, code)
        assert.strictEqual(tagOf({ code }), reason, code)
      }
      for (const [, message = ""] of from.matchAll(/"([^"]+)"/g)) {
        assert.strictEqual(tagOf({ message, status: 400 }), reason, message)
      }
    }
  })
})
