/**
 * Stands in for Deno without any permission: reading the environment throws, and what Deno is asked for is written down.
 * Run by plain Node with the condition `deno`, so that the library takes what it takes there.
 */
const asked: Array<string> = []

const { CALL = "", KEY = "", STATE = "prompt", URL: url = "" } = process.env

/** Node itself may read; everybody else is refused, as by Deno. */
const refuse = () => {
  const [, , , caller = ""] = (new Error().stack ?? "").split("\n")
  if (/\(?node:/.test(caller)) return
  asked.push("environment")
  throw new Error("NotCapable: Requires env access, run again with the --allow-env flag")
}
Object.defineProperty(process, "env", {
  value: new Proxy<NodeJS.Dict<string>>(
    {},
    {
      get: () => void refuse(),
      has: () => (refuse(), false),
      ownKeys: () => (refuse(), []),
      getOwnPropertyDescriptor: () => void refuse(),
    },
  ),
})
Object.assign(globalThis, {
  Deno: { permissions: { querySync: () => ({ state: STATE }) } },
})

const { LLMInterface } = await import("@wiseflow/llm")
const imported = [...asked]

const options = KEY === "" ? {} : ({ provider: "openai", model: "gpt-5-mini", apiKey: KEY, apiBase: url } as const)
const llm = new LLMInterface({ ...options, maxRetries: 0, logger: false })
const request = { messages: [{ role: "user", content: "Hi" }] } as const
const response = CALL === "stream" ? await llm.stream(request).response : await llm.generate(request)
await llm.dispose()

console.log(
  JSON.stringify({ imported, asked, text: response.text, error: "error" in response ? response.error : null }),
)
