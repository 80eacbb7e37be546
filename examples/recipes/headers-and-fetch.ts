import { LLMInterface } from "@wiseflow/llm"

await using llm = new LLMInterface({
  provider: "openai",
  model: "gpt-5-mini",
  // Sent with every request to this provider. The user agent of the library is wiseflow-llm/<version>.
  headers: { "user-agent": "newsroom/2.1", "x-team": "culture" },
  // Carries every request: any function of the shape of fetch.
  fetch: (url, init) => {
    console.log(init.method, new URL(url).pathname)
    return fetch(url, init)
  },
})

const response = await llm.generate({
  messages: [{ role: "user", content: "Hello, world!" }],
  headers: { "x-article": "4711" }, // with the requests of this call
})
console.log("error" in response ? response.error : response.text)
