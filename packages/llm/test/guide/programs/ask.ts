/**
 * Asks as the guide shows: `generate` from the environment, or an `LLMInterface` with options, whole or streamed. Steps
 * come as JSON, answers go out as JSON; nothing is disposed of, so that ending by itself is part of every test.
 */
import { generate, LLMInterface, stream } from "@wiseflow/llm"
import type { Step } from "../Ask.ts"

const steps: ReadonlyArray<Step> = JSON.parse(process.argv[2] ?? "[]")

const ask = async ({ environment, options, requests, streamed }: Step) => {
  const before = { ...process.env }
  Object.assign(process.env, environment)
  const own = options === undefined ? undefined : new LLMInterface(options)
  const answers = await Promise.all(
    requests.map((request) => {
      if (streamed === true) return (own?.stream(request) ?? stream(request)).response
      return own?.generate(request) ?? generate(request)
    }),
  )
  process.env = before
  return answers
}

const answers = []
for (const step of steps) answers.push(...(await ask(step)))
console.log(JSON.stringify(answers))
