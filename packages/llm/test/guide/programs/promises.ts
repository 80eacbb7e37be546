/** Everything that the guide says of promises, tried in one process. Prints what it saw as JSON. */
import { generate, isLlmError, LLMInterface, type LlmEvent, unwrap } from "@wiseflow/llm"
import type { PromiseSights } from "../Promises.test.ts"

const messages = [{ role: "user" as const, content: "Say hello." }]
const to = (model: string) => ({ messages, model })

/** What a promise rejects with, or "resolved". */
const rejection = async (promise: Promise<unknown>): Promise<unknown> => {
  try {
    await promise
    return "resolved"
  } catch (reason) {
    return reason
  }
}

const answer = await generate(to("answers"))
const refusal = await generate(to("refuses"))

const reason = new Error("the caller's own reason")
const aborting = new AbortController()
const aborted = rejection(generate({ ...to("silent"), signal: aborting.signal }))
await generate(to("answers once silent was asked"))
aborting.abort(reason)

const llm = new LLMInterface({ maxTokens: 77 })
const abortedStream = async () => {
  const controller = new AbortController()
  const stream = llm.stream({ ...to("stalls"), signal: controller.signal })
  let text = ""
  const read = async () => {
    for await (const event of stream) {
      if (event.type === "text-delta") text += event.delta
      if (text === "Once upon") controller.abort(reason)
    }
  }
  const iterator = await rejection(read())
  return { text, iterator: iterator === reason, response: (await rejection(stream.response)) === reason }
}

/** Nobody reads when the signal comes: the connection must close all the same. */
const abortedUnread = async () => {
  const controller = new AbortController()
  const stream = llm.stream({ ...to("stalls unread"), signal: controller.signal })
  await stream.next()
  controller.abort(reason)
  return unwrap(await generate(to("answers once stalls unread was closed"))).text
}

const streamed = async () => {
  const events: Array<LlmEvent> = []
  const stream = llm.stream(to("answers"))
  for await (const event of stream) events.push(event)
  return { events, whole: await stream.response }
}

const brokenStream = async () => {
  const stream = llm.stream(to("breaks"))
  let text = ""
  const read = async () => {
    for await (const event of stream) if (event.type === "text-delta") text += event.delta
  }
  const thrown = await rejection(read())
  return { text, thrown: isLlmError(thrown) ? thrown.reason._tag : String(thrown), response: await stream.response }
}

const leftStream = async () => {
  const stream = llm.stream(to("stalls"))
  for await (const event of stream) if (event.type === "text-delta") break
  return stream.response
}

const disposal = async () => {
  const other = new LLMInterface()
  const pending = rejection(other.generate(to("silent too")))
  await generate(to("answers once silent too was asked"))
  await other.dispose()
  await other.dispose()
  const pendingEnd = await pending
  const after = await other.generate(to("answers"))
  let kept: LLMInterface
  {
    await using scoped = new LLMInterface()
    kept = scoped
    unwrap(await scoped.generate(to("answers")))
  }
  return { pending: String(pendingEnd), after, scoped: await kept.generate(to("answers")) }
}

const unwrapped = await rejection(Promise.resolve().then(() => unwrap(refusal)))
const sights: PromiseSights = {
  answer,
  refusal,
  unwrapped: isLlmError(unwrapped) ? { tag: unwrapped.reason._tag, message: unwrapped.message } : undefined,
  isUnwrappedItself: unwrap(answer) === answer,
  generateRejectedWithReason: (await aborted) === reason,
  abortedBefore: (await rejection(generate({ ...to("never"), signal: AbortSignal.abort(reason) }))) === reason,
  abortedStream: await abortedStream(),
  abortedUnread: await abortedUnread(),
  streamed: await streamed(),
  brokenStream: await brokenStream(),
  leftStream: await leftStream(),
  disposal: await disposal(),
}
console.log(JSON.stringify(sights))
