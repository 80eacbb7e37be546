/** `chat`: what is remembered, what its commands do, and what Ctrl-C ends. */
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { command, hasTerminals, onTerminal } from "./Command.ts"
import { provider } from "./Provider.ts"

const contents = (body: unknown): ReadonlyArray<unknown> =>
  typeof body === "object" && body !== null && "messages" in body && Array.isArray(body.messages)
    ? body.messages.map(({ content }) => content)
    : []

describe.concurrent("chat", () => {
  it("sends the whole conversation with each question, to the model that was chosen last", async () => {
    await using upstream = await provider("fine")
    const { code, stderr, stdout } = await command(["chat", "-s", "be brief"], {
      environment: upstream.settings,
      stdin: "how are\\\nyou?\n/model gpt-5\n\nand now?\n/usage\n/exit\nnot asked\n",
    })
    assert.deepStrictEqual([code, stdout], [0, "fine\nfine\n"], stderr)
    assert.match(stderr, /^2 answers, 18 tokens in, 6 out, cost unknown$/m)
    const body = upstream.upstream.getLastRequest()?.body
    assert.nestedPropertyVal(body, "model", "gpt-5")
    assert.deepStrictEqual(contents(body), ["be brief", "how are\nyou?", "fine", "and now?"])
    assert.strictEqual(upstream.upstream.getRequests().length, 2)
  })

  it("goes on with a conversation that it saved", async () => {
    await using upstream = await provider("fine")
    const folder = await mkdtemp(join(tmpdir(), "talk-"))
    try {
      const path = join(folder, "talk.json")
      const environment = upstream.settings
      await command(["chat"], { environment, stdin: `/system be brief\nfirst\n/save ${path}\n` })
      const saved: unknown = JSON.parse(await readFile(path, "utf8"))
      assert.nestedPropertyVal(saved, "system", "be brief")
      const { code } = await command(["chat", "--load", path], { environment, stdin: "second\n" })
      assert.strictEqual(code, 0)
      assert.deepStrictEqual(contents(upstream.upstream.getLastRequest()?.body), [
        "be brief",
        "first",
        "fine",
        "second",
      ])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it("a question without an answer is told and left out, and a chat in a pipe ends with exit code 1", async () => {
    await using upstream = await provider("fine")
    upstream.upstream.nextRequestError(401, { message: "wrong key" })
    const { code, stderr, stdout } = await command(["chat"], {
      environment: upstream.settings,
      stdin: "lost\nkept\n/nonsense\n",
    })
    assert.deepStrictEqual([code, stdout], [1, "fine\n"])
    assert.match(stderr, /^wrong key \(AuthenticationError\)$/m)
    assert.match(stderr, /^there is no \/nonsense/m)
    assert.match(stderr, /^1 of the questions had no answer$/m)
    assert.deepStrictEqual(contents(upstream.upstream.getLastRequest()?.body), ["kept"])
  })

  it("a file that is no conversation ends it before anything is asked", async () => {
    await using upstream = await provider("fine")
    const { code, stderr } = await command(["chat", "--load", "talk.json"], {
      environment: upstream.settings,
      files: { "talk.json": '{"messages":[{"role":"nobody"}]}' },
      stdin: "hi\n",
    })
    assert.strictEqual(code, 1)
    assert.match(stderr, /^talk\.json: it is no conversation that \/save wrote$/m)
    assert.strictEqual(upstream.upstream.getRequests().length, 0)
  })

  it("SIGINT stops the answer, and not the chat", async () => {
    await using upstream = await provider("fine")
    upstream.upstream.nextRequestError(503, { message: "busy" })
    const { code, stderr, stdout } = await command(["chat"], {
      environment: { ...upstream.settings, WISEFLOW_LOG_LEVEL: "DEBUG" },
      stdin: "first\nsecond\n",
      signalOn: (piece) => (piece.includes("retrying in") ? "SIGINT" : undefined),
    })
    assert.deepStrictEqual([code, stdout], [0, "fine\n"], stderr)
    assert.match(stderr, /^stopped; the question is left out$/m)
    assert.deepStrictEqual(contents(upstream.upstream.getLastRequest()?.body), ["second"])
  })
})

describe.skipIf(!hasTerminals)("chat on a terminal (skipped where `script` is absent)", () => {
  it("Ctrl-C stops an answer and keeps what came; Ctrl-D ends the chat", async () => {
    await using upstream = await provider("word ".repeat(400), { latency: 50 })
    const keys = [
      [/> /, "go on\r"],
      [/word word/, "\u0003"],
      [/stopped; what came of the answer is kept[\s\S]*> /, "/usage\r"],
      [/0 answers, 0 tokens in[\s\S]*> /, "\u0004"],
    ] as const
    let step = 0
    const { code, stdout } = await onTerminal(["chat"], 80, {
      environment: { ...upstream.settings, NO_COLOR: "1" },
      types: (shown) => {
        const [wanted, typed] = keys[step] ?? []
        if (wanted === undefined || !wanted.test(shown)) return undefined
        step += 1
        return typed
      },
    })
    assert.strictEqual(code, 0, stdout)
    assert.strictEqual(step, keys.length)
  })
})
