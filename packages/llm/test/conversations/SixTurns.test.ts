/**
 * A conversation of six turns with a picture, a document, tools and reasoning, which starts on one provider and ends on
 * another: at each step that it may move, in both directions, against services that refuse what the real ones would.
 */
import { describe, expect, it } from "vitest"
import { LLMInterface, type LlmRequest, type Message } from "../../src/index.ts"
import { serve, type Target, targets, type Upstream } from "./Upstream.ts"

const tools = ["look_up", "draw"].map((name) => ({ name, parameters: { type: "object", properties: {} } }))

/** One request: what is new in it, and the tools that its answer calls. */
interface Step {
  readonly says?: Message
  readonly calls: ReadonlyArray<string>
}

const user = (...content: Extract<Message, { role: "user" }>["content"] & ReadonlyArray<unknown>): Message => ({
  role: "user",
  content,
})
const text = (words: string) => ({ type: "text", text: words }) as const
const picture = { type: "image", data: "iVBORw0KGgo=" } as const

/** Six turns of the user. A step without words answers the tools that the step before called. */
const steps: ReadonlyArray<Step> = [
  { says: { role: "system", content: "Be kind." }, calls: [] },
  { says: user(text("What is this?"), picture), calls: ["look_up"] },
  { calls: [] },
  { says: user(text("And this?"), { type: "file", data: "JVBERi0=", filename: "a.pdf" }), calls: ["look_up", "draw"] },
  { calls: ["draw"] },
  { calls: [] },
  { says: { role: "user", content: "A cut \ud83d emoji." }, calls: [] },
  { says: { role: "user", content: "Draw it." }, calls: ["draw"] },
  { calls: ["look_up"] },
  { calls: [] },
  { says: { role: "user", content: "Thank you." }, calls: [] },
]

const resultsFor = (calls: ReadonlyArray<{ readonly id: string }>): Message => ({
  role: "tool",
  content: calls.map(({ id }, place) => ({
    type: "tool-result",
    toolCallId: id,
    content: place === 0 ? "42" : [text("see"), picture],
  })),
})

const interfaceTo = (target: Target, { apiBase }: Upstream): LLMInterface =>
  new LLMInterface({ ...target.options, apiKey: "key", apiBase, maxRetries: 0, logger: () => {} })

const answerOf = async (llm: LLMInterface, request: LlmRequest, streams: boolean) => {
  if (!streams) return llm.generate(request)
  const stream = llm.stream(request)
  for await (const _ of stream);
  return stream.response
}

/** Runs the conversation; from the step `moves` on the second provider is asked. */
const converse = async (first: Target, second: Target, moves: number): Promise<ReadonlyArray<string>> => {
  await using upstreams = new AsyncDisposableStack()
  const one = upstreams.use(await serve(first))
  const two = upstreams.use(await serve(second))
  const llmOne = upstreams.use(interfaceTo(first, one))
  const llmTwo = upstreams.use(interfaceTo(second, two))
  const failures: Array<string> = []
  const messages: Array<Message> = []
  let open: ReadonlyArray<{ readonly id: string }> = []
  for (const [place, { calls, says }] of steps.entries()) {
    if (open.length > 0) messages.push(resultsFor(open))
    if (says !== undefined) messages.push(says)
    if (says?.role === "system") continue
    const [llm, upstream] = place < moves ? [llmOne, one] : [llmTwo, two]
    upstream.next = calls
    const request: LlmRequest = { messages, tools, maxTokens: 4000, reasoning: { budgetTokens: 2000, summary: "auto" } }
    const response = await answerOf(llm, request, place % 2 === 0)
    if ("error" in response) {
      failures.push(`step ${place}: ${response.error}`)
      break
    }
    expect(response.toolCalls.map(({ name }) => name)).toEqual(calls)
    open = response.toolCalls
    messages.push({ role: "assistant", content: response.parts })
  }
  return [...failures, ...one.complaints, ...two.complaints]
}

const pairs = targets.flatMap((first) => targets.map((second) => [first.name, second.name, first, second] as const))

describe.concurrent.each(pairs)("a conversation that starts on %s and ends on %s", (_, __, first, second) => {
  it("holds at no step what a service refuses, wherever it moves", async () => {
    const points = first === second ? [steps.length] : steps.map((___, place) => place + 1)
    for (const moves of points) expect(await converse(first, second, moves), `moved at step ${moves}`).toEqual([])
  })
})
