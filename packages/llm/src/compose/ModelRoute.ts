/**
 * Which provider a model id means: `provider/model` says it, and a bare name is known by how it begins. It reads names
 * only; whether that provider is configured is not its business.
 */
import { services } from "../providers/ChatService.ts"

/** The four providers with files of their own; compatible services follow by the names of their rows. */
export const providerNames: ReadonlyArray<string> = [
  "openai",
  "anthropic",
  "azure",
  "litellm",
  ...Object.keys(services),
]

/** Where a model id leads, and what the model is called there. */
export interface ModelRoute {
  readonly provider: string
  readonly model: string
}

/** How bare names begin, as their makers write them. */
const families: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(gpt-|chatgpt-|o\d|codex-|davinci|babbage)/i, "openai"],
  [/^claude/i, "anthropic"],
  [/^deepseek/i, "deepseek"],
  [/^grok/i, "xai"],
  [/^(mistral|ministral|magistral|codestral|pixtral)/i, "mistral"],
]

/** The route of a model id, or undefined where the name does not tell. */
export const routeOf = (id: string): ModelRoute | undefined => {
  const slash = id.indexOf("/")
  const prefix = slash < 0 ? "" : id.slice(0, slash).toLowerCase()
  if (providerNames.includes(prefix) && slash < id.length - 1) return { provider: prefix, model: id.slice(slash + 1) }
  if (slash >= 0) return undefined
  const family = families.find(([begins]) => begins.test(id))
  return family === undefined ? undefined : { provider: family[1], model: id }
}
