import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  timeout: "2 minutes", // the whole call, from its first permit on: retries, fallbacks and all of a stream
  attemptTimeout: "45 seconds", // one request; a retry or a fallback follows
  queueTimeout: "30 seconds", // the wait for the first permit
  idleTimeout: "20 seconds", // the longest silence of a stream
})

const response = await llm.generate({
  messages: [{ role: "user", content: "Hello, world!" }],
  timeout: "10 seconds", // this call's own, in place of the 2 minutes
})

if (!("error" in response)) console.log(response.text)
else if (response.errorType !== "TimeoutError") console.error(response.error)
else console.error(`the clock "${response.clock}" ran out after ${response.limitMs} ms`)
