import { LLMInterface, OverloadedError, Provider, withFallback, OpenAi } from "@wiseflow/llm"
import * as Effect from "effect/Effect"

/** A model in this process. Its failures are reasons, which decide about retries and fallbacks as everywhere. */
const local = Provider.layer({
  name: "local",
  model: "parrot",
  generate: (request) => {
    const last = request.messages.at(-1)
    if (typeof last?.content !== "string")
      return Effect.fail(new OverloadedError({ message: "the parrot reads text only" }))
    return Effect.succeed({ parts: [{ type: "text", text: `${last.content}!` }], finishReason: "stop" })
  },
})

await using llm = LLMInterface.fromLayer(local.pipe(withFallback(OpenAi.layerConfig({ model: "gpt-5-mini" }))))

const ask = async (content: string | ReadonlyArray<{ readonly type: "text"; readonly text: string }>) => {
  const response = await llm.generate({ messages: [{ role: "user", content }] })
  console.log(`${response.metadata.provider}: ${response.text}`)
}
await ask("Hello")
await ask([{ type: "text", text: "Hello" }])
