/** The pages of docs/reference, from the public names. It reads no file. */
import type { PublicName } from "./PublicNames.ts"

/** One page: its names come from these rooms of the source. */
interface Topic {
  readonly file: string
  readonly title: string
  readonly about: string
  readonly rooms: RegExp
}

/** In the order of the index; the first whose rooms fit takes a name. */
export const topics: ReadonlyArray<Topic> = [
  {
    file: "promises.md",
    title: "Promises",
    about: "`generate`, `stream`, `LLMInterface`, and what they take and give.",
    rooms: /^promises\//,
  },
  {
    file: "model.md",
    title: "Requests, answers, events, errors",
    about: "Plain data, the same for every provider, and the services that take and give it.",
    rooms: /^model\//,
  },
  {
    file: "providers.md",
    title: "Providers and stacks",
    about: "The Layers of each provider, and the whole stack from settings.",
    rooms: /^(?:providers|compose|settings)\//,
  },
  {
    file: "policies.md",
    title: "Policies",
    about: "What turns a Layer of a service into another one.",
    rooms: /^policies\//,
  },
  {
    file: "tools.md",
    title: "Tools and values",
    about: "Functions that a model may call, and answers as values of a schema.",
    rooms: /^tools\//,
  },
  { file: "testing.md", title: "Tests", about: "Fakes: `@wiseflow/llm/testing`.", rooms: /^testing\// },
  {
    file: "effect-ai.md",
    title: "effect/ai",
    about: "The bridge for programs of `effect/ai`: `@wiseflow/llm/effect-ai`.",
    rooms: /^bridges\//,
  },
  {
    file: "own-providers.md",
    title: "Providers and policies of your own",
    about: "What the library's own are made of.",
    rooms: /./,
  },
]

/** The longest declaration that is shown whole, in lines; schemas in their own types are longer. */
const longest = 60

/** A declaration as a reader wants it: without what TypeScript needs to emit it. */
const shown = (code: string): string => {
  const text = code
    .replace(/^export (?:declare )?/, "")
    .replaceAll(/\n {4}/g, "\n  ")
    .replaceAll(/\n {2}( {4})+/g, "\n    ")
  const lines = text.split("\n")
  return lines.length <= longest ? text : [...lines.slice(0, longest), "  // …"].join("\n")
}

/** A name may be a type and the schema of it: the type says it in fewer words. */
const declarations = (
  code: ReadonlyArray<string>,
): { readonly shown: ReadonlyArray<string>; readonly hasSchema: boolean } => {
  const isSchema = (text: string) => /^export declare const \w+: Schema\./.test(text)
  const types = code.filter((text) => !isSchema(text))
  const hasSchema = types.length < code.length
  return types.length > 0
    ? { shown: types, hasSchema }
    : { shown: code.map((text) => `${text.split(": ")[0]}: Schema`), hasSchema }
}

const section = ({ code, comment, isNamespace, name }: PublicName): string => {
  const heading = `## ${name}\n`
  if (isNamespace) return `${heading}\n${comment}\n`
  const { hasSchema, shown: texts } = declarations(code)
  const block = texts.map(shown).join("\n\n")
  const note = hasSchema ? `\n\`${name}\` is also the Schema of it.\n` : ""
  return `${heading}\n${comment === "" ? "" : `${comment}\n\n`}\`\`\`ts\n${block}\n\`\`\`\n${note}`
}

/** Names that stand in several entries, or twice in one, are told once. */
const unique = (names: ReadonlyArray<PublicName>): ReadonlyArray<PublicName> =>
  [...new Map(names.map((each) => [each.name, each])).values()].toSorted((one, two) => (one.name < two.name ? -1 : 1))

const anchor = (name: string): string => name.toLowerCase().replaceAll(/[^\w-]/g, "")

const made = "Made from the doc comments of the source by `npm run reference -w @wiseflow/llm`."

/** Every page of docs/reference, by its file's name. */
export const referencePages = (names: ReadonlyArray<PublicName>): ReadonlyMap<string, string> => {
  const pages = new Map<string, string>()
  let index = `# Public names\n\n${made} [Documentation](../README.md) says how to use them.\n`
  for (const { about, file, rooms, title } of topics) {
    const own = unique(names).filter((each) => topics.find((topic) => topic.rooms.test(each.file))?.rooms === rooms)
    pages.set(file, `# ${title}\n\n${about} ${made}\n\n${own.map(section).join("\n")}`)
    index += `\n## [${title}](${file})\n\n${about}\n\n${own.map(({ name }) => `[\`${name}\`](${file}#${anchor(name)})`).join(", ")}\n`
  }
  return pages.set("README.md", index)
}
