/** `WISEFLOW_LOG_LEVEL`: what is said on stderr, and what never is. */
import { assert, describe, it } from "@effect/vitest"
import { askSteps, succeeded } from "./Ask.ts"
import { answers, inTurn, listen, refuses, type Reply } from "./LoopbackUpstream.ts"

const secret = "sk-canary-0123456789"
const question = { messages: [{ role: "user" as const, content: "a private question" }] }

/** What is said on stderr of one call that is answered in the end; whole or streamed. */
const said = async (reply: Reply, text: string, environment: Record<string, string>, streamed: boolean) => {
  await using upstream = await listen(reply)
  const { answers: all, stderr } = await askSteps([{ requests: [question], streamed }], {
    environment: {
      LLM_PROVIDER: "openai",
      OPENAI_API_KEY: secret,
      OPENAI_API_BASE: upstream.url,
      PRIMARY_MODEL: "gpt-5",
      ...environment,
    },
  })
  assert.strictEqual(succeeded(all[0]).text, text)
  for (const private_ of [secret, "private"]) assert.notInclude(stderr, private_)
  return stderr
}

/** A call that fails, is retried, falls back and is answered. */
const eventful = async (environment: Record<string, string>, streamed: boolean) => {
  const failing = refuses(503, { "retry-after-ms": "1" })
  const reply = inTurn(failing, failing, answers("a private answer"))
  const settings = { SECONDARY_MODEL: "gpt-5-mini", LLM_MAX_RETRIES: "1", ...environment }
  return (await said(reply, "a private answer", settings, streamed)).trimEnd().split("\n")
}

describe.concurrent("WISEFLOW_LOG_LEVEL", () => {
  for (const streamed of [false, true]) {
    const how = streamed ? "streamed" : "whole"

    it(`INFO, the default, is one line for a call that needed more than one attempt (${how})`, async () => {
      const lines = await eventful({}, streamed)
      assert.strictEqual(lines.length, 1, lines.join("\n"))
      assert.match(lines[0] ?? "", /level=INFO message=answered provider=openai model=gpt-5-mini .*attempts=3/)
    })

    it(`INFO says nothing of a call that was answered at once, DEBUG does (${how})`, async () => {
      const linesAt = (level: string) => said(answers("at once"), "at once", { WISEFLOW_LOG_LEVEL: level }, streamed)
      assert.strictEqual(await linesAt("INFO"), "")
      assert.match(await linesAt("DEBUG"), /level=DEBUG message=answered provider=openai model=gpt-5 /)
    })

    it(`DEBUG shows every API call, error, retry and fallback (${how})`, async () => {
      const lines = await eventful({ WISEFLOW_LOG_LEVEL: "debug" }, streamed)
      const count = (pattern: RegExp) => lines.filter((line) => pattern.test(line)).length
      const all = lines.join("\n")
      assert.strictEqual(count(/message="API call"/), 3, all)
      assert.strictEqual(count(/message="API call".*status=503.*errorType=OverloadedError/), 2, all)
      assert.strictEqual(count(/message="API call".*model=gpt-5-mini.*status=200/), 1, all)
      assert.strictEqual(count(/retrying in \d+ ms/), 1, all)
      assert.strictEqual(count(/falling back/), 1, all)
      assert.strictEqual(count(/level=INFO message=answered/), 1, all)
    })
  }

  it("ERROR says nothing of a call that was answered", async () => {
    const lines = await eventful({ WISEFLOW_LOG_LEVEL: "ERROR" }, false)
    assert.deepStrictEqual(lines, [""])
  })
})
