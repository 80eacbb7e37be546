/** `prompt` and `system` as the messages that they stand for. */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { Uncopied } from "./OwnCopy.ts"

/** Fields of a call that become messages. */
export const promptFields = ["prompt", "system"] as const

const isText = (value: unknown): value is string | undefined => value === undefined || typeof value === "string"

/** The copy of a call with all that it says as `messages`. Other fields stay as they are. */
export const conversation = (copy: object): Result.Result<object, Uncopied> => {
  if (!Predicate.isObject(copy) || promptFields.every((field) => copy[field] === undefined)) return Result.succeed(copy)
  const { messages, prompt, system, ...rest } = copy
  if (!isText(prompt)) return Result.fail(new Uncopied("prompt", "is not a text: a conversation goes in messages"))
  if (!isText(system)) return Result.fail(new Uncopied("system", "is not a text"))
  if (prompt !== undefined && messages !== undefined) {
    return Result.fail(new Uncopied("prompt", "stands beside messages: write one of the two"))
  }
  const said = prompt === undefined ? messages : [{ role: "user", content: prompt }]
  if (system === undefined || !Array.isArray(said)) return Result.succeed({ ...rest, messages: said })
  return Result.succeed({ ...rest, messages: [{ role: "system", content: system }, ...said] })
}
