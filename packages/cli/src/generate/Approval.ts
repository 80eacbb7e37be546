/** Asks whether a tool that needs approval may run. Without a terminal nobody can be asked, and it does not run. */
import type { ToolCall } from "@wiseflow/llm"
import { escaped } from "../terminal/SafeText.ts"

/** True, or the reason that the model is told. */
export const approve = async ({ arguments: args, name }: ToolCall): Promise<true | string> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return "there is no terminal on which to ask for approval"
  const { confirm } = await import("@clack/prompts")
  const answer = await confirm({
    message: `Run ${escaped(name)}(${escaped(JSON.stringify(args))})?`,
    initialValue: false,
    output: process.stderr,
  })
  return answer === true ? true : "the user does not allow it"
}
