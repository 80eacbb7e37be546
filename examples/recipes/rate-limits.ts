import { generate } from "@wiseflow/llm"

const response = await generate({
  messages: [{ role: "user", content: "Hello, world!" }],
  includeResponseHeaders: true,
})

const { limits, responseHeaders } = response.metadata
console.log(`${limits?.requests?.remaining ?? "?"} of ${limits?.requests?.limit ?? "?"} requests are left`)
console.log(`${limits?.tokens?.remaining ?? "?"} tokens are left, whole again in ${limits?.tokens?.resetMs ?? "?"} ms`)
console.log(responseHeaders?.["x-request-id"])
