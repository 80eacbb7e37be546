/** One provider at a server of the test's own, asked once: what the tests of transports have in common. */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { LlmProvider, OpenAi } from "../../src/index.ts"
import type { CallName } from "../faults/FaultScenario.ts"
import { FaultServer, type Script } from "../faults/FaultServer.ts"
import { chat } from "../faults/WireText.ts"

export const calls = ["generate", "stream"] as const

const hello = { messages: [{ role: "user" as const, content: "hello" }] }

/** A server until the end of the test. */
export const serve = (script: Script) =>
  Effect.acquireRelease(
    Effect.promise(() => FaultServer.start(script)),
    (server) => Effect.promise(() => server.close()),
  )

/** A provider without policies: one request a call. */
export const provider = (url: string, options: Partial<OpenAi.OpenAiOptions> = {}) =>
  OpenAi.layer({ apiKey: Redacted.make("sk-test"), apiBase: `${url}/v1`, model: "gpt-5-mini", ...options })

/** The text of one call. */
export const ask = (call: CallName) =>
  Effect.flatMap(LlmProvider, (llm) =>
    call === "generate"
      ? Effect.map(llm.generate(hello), ({ text }) => text)
      : Stream.runFold(
          llm.stream(hello),
          () => "",
          (text, event) => (event.type === "text-delta" ? text + event.delta : text),
        ),
  )

/** A good answer's body, as the call asks for it: a document or events. */
export const bodyOf = (call: CallName, text: string): string =>
  call === "generate" ? chat.answer(text) : [chat.opening, chat.piece(text), chat.finish, chat.terminal].join("")
