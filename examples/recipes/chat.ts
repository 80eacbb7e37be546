import { readFile, writeFile } from "node:fs/promises"
import { LLMInterface, type Message } from "@wiseflow/llm"

// node chat.ts "What is a bee?"                            asks the first provider
// node chat.ts "And a wasp?" anthropic/claude-sonnet-5     goes on with another one
const [question = "Hello!", model] = process.argv.slice(2)
const file = process.env["CHAT_FILE"] ?? "chat.json"

await using llm = new LLMInterface({ provider: "litellm" })

/** The conversation so far: messages are plain JSON. */
const history = async (): Promise<ReadonlyArray<Message>> => {
  const text = await readFile(file, "utf8").catch(() => "[]")
  return JSON.parse(text)
}

const messages = [...(await history()), { role: "user", content: question } as const]
const stream = llm.stream({ messages, model })
for await (const event of stream) if (event.type === "text-delta") process.stdout.write(event.delta)
console.log()

const response = await stream.response
if ("error" in response) throw new Error(response.error)

// The parts as they are, not the text alone: they hold what a provider wants back, such as signatures of its reasoning.
const whole: ReadonlyArray<Message> = [...messages, { role: "assistant", content: response.parts }]
await writeFile(file, JSON.stringify(whole, null, 2))
for (const warning of response.metadata.warnings) console.error(warning)
