/** What begins with a slash in a chat. */
import * as Effect from "effect/Effect"
import { say, tell } from "../terminal/Streams.ts"
import type { Conversation } from "./Conversation.ts"

/** What a command works on. */
interface Talk {
  readonly conversation: Conversation
  readonly isOffline: boolean
}

interface ChatCommand {
  readonly takes: string
  readonly does: string
  readonly run: (talk: Talk, rest: string) => Effect.Effect<void>
}

const told = (text: string) => Effect.sync(() => tell(text))

const needs = (what: string) => Effect.sync(() => say(`write ${what}`))

const commands: Readonly<Record<string, ChatCommand>> = {
  "/model": {
    takes: "[id]",
    does: "ask another model from here on; alone: say which",
    run: ({ conversation }, id) => {
      if (id !== "") conversation.model = id
      return told(`model: ${conversation.model ?? "as configured"}`)
    },
  },
  "/system": {
    takes: "[text]",
    does: "tell the model something before the conversation; alone: say what",
    run: ({ conversation }, text) => {
      if (text !== "") conversation.system = text
      return told(`system: ${conversation.system ?? "nothing"}`)
    },
  },
  "/usage": {
    takes: "",
    does: "tokens and cost so far",
    run: ({ conversation, isOffline }) => told(conversation.usage(isOffline)),
  },
  "/save": {
    takes: "<file>",
    does: "write the conversation as JSON",
    run: ({ conversation }, path) =>
      path === ""
        ? needs("/save <file>")
        : conversation.save(path).pipe(
            Effect.andThen(told(`saved ${conversation.length} messages to ${path}`)),
            Effect.catch(({ message }) => Effect.sync(() => say(message))),
          ),
  },
  "/load": {
    takes: "<file>",
    does: "go on with a conversation that was saved",
    run: ({ conversation }, path) =>
      path === ""
        ? needs("/load <file>")
        : conversation.load(path).pipe(
            Effect.andThen(Effect.suspend(() => told(`loaded ${conversation.length} messages from ${path}`))),
            Effect.catch(({ message }) => Effect.sync(() => say(message))),
          ),
  },
  "/clear": {
    takes: "",
    does: "forget what was said",
    run: ({ conversation }) =>
      Effect.andThen(
        Effect.sync(() => conversation.clear()),
        told("a new conversation"),
      ),
  },
  "/help": {
    takes: "",
    does: "this list",
    run: () =>
      told(
        [
          ...Object.entries(commands).map(([name, { does, takes }]) => `${`${name} ${takes}`.padEnd(16)}${does}`),
          "/exit           end the chat, as Ctrl-D does",
          "A line that ends with a backslash goes on in the next one. Ctrl-C stops an answer.",
        ].join("\n"),
      ),
  },
}

export const commandNames: ReadonlyArray<string> = [...Object.keys(commands), "/exit"]

/** True where the line ends the chat. */
export const isExit = (line: string): boolean => line === "/exit" || line === "/quit"

/** Runs the command of a line; false where the line is none. */
export const runCommand = Effect.fn(function* (line: string, talk: Talk) {
  const [, name = "", rest = ""] = /^(\/\S*)\s*([\s\S]*)$/.exec(line) ?? []
  if (name === "") return false
  const command = commands[name]
  if (command === undefined) say(`there is no ${name}; /help lists what there is`)
  else yield* command.run(talk, rest.trim())
  return true
})
