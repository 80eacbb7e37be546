import { LLMInterface, unwrap } from "@wiseflow/llm"

await using llm = new LLMInterface({
  adaptiveConcurrency: { min: 2, max: 100, onLimit: (limit) => console.log(`at most ${limit} requests in flight`) },
})

const names = Array.from({ length: 1000 }, (_, index) => `article ${index}`)
const answers = await Promise.all(names.map((name) => llm.generate({ prompt: `Make up a title for ${name}.` })))
console.log(unwrap(answers[0] ?? (await llm.generate({ prompt: "Hello!" }))).text)
