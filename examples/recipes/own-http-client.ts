import { readFileSync } from "node:fs"
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { LlmProvider, OpenAi, withRetry } from "@wiseflow/llm"
import * as Config from "effect/Config"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/** A client that trusts the company's own certificate authority. */
const client = NodeHttpClient.layerUndiciOptions({
  connect: process.env["COMPANY_CA"] === undefined ? {} : { ca: readFileSync(process.env["COMPANY_CA"]) },
})

const llm = Layer.unwrap(
  Effect.gen(function* () {
    const apiKey = yield* Config.Redacted("OPENAI_API_KEY")
    const apiBase = yield* Config.String("OPENAI_API_BASE").pipe(Config.withDefault("https://llm.example.com/v1"))
    return OpenAi.layerHttpClient({ apiKey, apiBase, model: "gpt-5-mini" })
  }),
).pipe(withRetry({ times: 3 }), Layer.provide(client))

const program = Effect.gen(function* () {
  const llm = yield* LlmProvider
  const { text } = yield* llm.generate({ messages: [{ role: "user", content: "Hello, world!" }] })
  yield* Console.log(text)
})

await Effect.runPromise(Effect.provide(program, llm))
