import { countTokens, models, unwrap } from "@wiseflow/llm"

const { models: listed } = unwrap(await models())
for (const { contextTokens, id } of listed) console.log(id, contextTokens ?? "")

const { count } = unwrap(await countTokens({ prompt: "Summarise the minutes of the meeting." }))
switch (count.type) {
  case "exact":
    console.log(count.inputTokens, "tokens")
    break
  case "estimate":
    console.log("about", count.inputTokens, "tokens, up to", Math.ceil(count.inputTokens * (1 + count.errorBound)))
    break
  case "unknown":
    console.log("unknown:", count.reason)
}
