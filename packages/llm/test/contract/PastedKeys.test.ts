/** A key in the wrong place: pasted into another setting or option, it is shown by no error, log line or span. */
import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { LLMInterface, LlmStack } from "../../src/index.ts"
import { goodAnswer } from "../faults/FaultScenario.ts"
import { chat } from "../faults/WireText.ts"
import { ask, hello, open, patient, serve } from "./Ask.ts"
import { useBareEnvironment } from "./BareEnvironment.ts"
import { Exposure } from "./Exposure.ts"
import { law } from "./Laws.ts"

useBareEnvironment("none")

const canary = "sk-canary-7f3a9c1e5b2d8046"

const variables = [
  "LLM_PROVIDER",
  "PRIMARY_MODEL",
  "SECONDARY_MODEL",
  "EMBEDDING_MODEL",
  "LLM_FALLBACK_PROVIDERS",
  "DEPLOYMENTS",
  "LLM_BALANCE",
  "LLM_CONFIG_FILE",
  "LLM_CONCURRENT_NUMBER",
  "LLM_MAX_RETRIES",
  "LLM_TIMEOUT",
  "LLM_IDLE_TIMEOUT",
  "LLM_ATTEMPT_TIMEOUT",
  "LLM_QUEUE_TIMEOUT",
  "LLM_TEMPERATURE",
  "LLM_MAX_TOKENS",
  "OPENAI_API_BASE",
  "OPENAI_WIRE_API",
]
const chosen = ["openai", "litellm", "fallback"]
const cells = variables.flatMap((variable) =>
  chosen.flatMap((provider) => (["generate", "stream"] as const).map((call) => ({ call, provider, variable }))),
)

describe(law.secrets, patient, () => {
  it.live.each(cells)(
    "not a key in $variable ($provider, $call)",
    Effect.fnUntraced(function* ({ call, provider, variable }) {
      const server = yield* serve(() => goodAnswer(chat, call))
      const settings = {
        LLM_PROVIDER: provider,
        OPENAI_API_KEY: canary,
        OPENAI_API_BASE: server.url,
        PRIMARY_MODEL: "gpt-5-mini",
        [variable]: canary,
      }
      const exposure = new Exposure()
      const layer = Layer.provide(LlmStack.layerConfig(), ConfigProvider.layer(ConfigProvider.fromEnvRecord(settings)))
      const seen = yield* exposure.watch(
        Effect.result(Effect.scoped(Effect.flatMap(open(layer), (llm) => ask(llm, call)))),
      )
      exposure.show(seen)
      if (seen._tag === "Failure") exposure.showFailure(seen.failure)
      expect(exposure.all()).not.toContain("canary")
    }),
  )

  it.each(["provider", "model", "apiBase", "apiVersion", "timeout", "idleTimeout", "fallbacks", canary])(
    "not a key in the option %s",
    async (option) => {
      const value = option === "fallbacks" ? [{ provider: canary }, { provider: "openai", model: canary }] : canary
      const options = Object.fromEntries([
        ["provider", "openai"],
        ["apiKey", canary],
        ["apiBase", "http://127.0.0.1:1"],
        ["model", "m"],
        ["maxRetries", 0],
        [option, value],
      ])
      await using llm = new LLMInterface(options)
      const exposure = new Exposure()
      exposure.show(await llm.generate(hello))
      exposure.show(await llm.stream(hello).response)
      exposure.show(await llm.generate({ ...hello, model: canary }))
      expect(exposure.all()).not.toContain("canary")
    },
  )
})

describe("a .env file", patient, () => {
  it("that is a pipe is a ConfigurationError and hangs nobody; an absent one is fine", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dotenv-"))
    try {
      const ask = async () => {
        const program = `
          import { generate } from "${new URL("../../src/index.ts", import.meta.url).href}"
          const { error, errorType } = await generate({ messages: [{ role: "user", content: "Hi" }] })
          console.log(errorType, error)`
        const flags = ["--conditions=@wiseflow/source", "--input-type=module", "-e", program]
        const child = spawn(process.execPath, flags, { cwd: folder, env: {}, timeout: 20_000, killSignal: "SIGKILL" })
        const [stdout] = await Promise.all([text(child.stdout), once(child, "close")])
        return stdout
      }
      expect(await ask()).toContain("PRIMARY_MODEL")
      execFileSync("mkfifo", [join(folder, ".env")])
      expect(await ask()).toContain("ConfigurationError .env: the file cannot be read: it is not a regular file")
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
