/** Asks once, as the environment says. */
import { LLMInterface } from "@wiseflow/llm"

const llm = new LLMInterface()
const answer = await llm.generate({ messages: [{ role: "user", content: "Hello." }] })
console.log(JSON.stringify("error" in answer ? answer.error : answer.text))
await llm.dispose()
