/** The public names of an entry with their declarations and doc comments, as the built `.d.ts` files have them. It writes nothing. */
import { existsSync, readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { type Module, type Name, type Node, read } from "../standalone/DeclarationFile.ts"

/** One name that users can import. */
export interface PublicName {
  /** As users write it: `OpenAi.layer`. */
  readonly name: string
  /** The file that declares it, from `dist`: `providers/OpenAi.d.ts`. */
  readonly file: string
  /** Its doc comment, as text; of a namespace, what its file opens with. */
  readonly comment: string
  /** Its declarations, without comments before them. */
  readonly code: ReadonlyArray<string>
  /** True for a namespace: `name.…` are names of their own. */
  readonly isNamespace: boolean
}

const modules = new Map<string, Module>()

const load = (file: string): Module => {
  const known = modules.get(file)
  if (known !== undefined) return known
  const module = read(file)
  modules.set(file, module)
  return module
}

/** Every export of a file, those that it passes on included. */
const exportsOf = (file: string): ReadonlyMap<string, Name> => {
  const module = load(file)
  const all = new Map<string, Name>(module.exported)
  for (const { from } of module.all) {
    if (existsSync(from)) for (const [name, found] of exportsOf(from)) if (!all.has(name)) all.set(name, found)
  }
  return all
}

/** Where a name is declared: through imports and further exports. */
const declared = ({ module: file, name }: Name): Name | undefined => {
  if (!existsSync(file)) return undefined
  if (name === "*") return { module: file, name }
  const module = load(file)
  if (module.declared.has(name)) return { module: file, name }
  const further = module.imports.get(name) ?? exportsOf(file).get(name)
  return further === undefined || (further.module === file && further.name === name) ? undefined : declared(further)
}

/** A comment without its stars. */
const textOf = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, ""))
    .join("\n")
    .trim()

/** The doc comment that ends where the statement begins. */
const commentBefore = ({ comments, text }: Module, statement: Node): string => {
  const comment = comments.findLast(({ end }) => end <= statement.start)
  if (comment === undefined || text.slice(comment.end, statement.start).trim() !== "") return ""
  return comment.value.startsWith("*") ? textOf(comment.value.slice(1)) : ""
}

/** The source of a declaration file. */
const sourceOf = (file: string, dist: string): string => join(dist, "../src", file.replace(/\.d\.ts$/, ".ts"))

/** The comment that a source file opens with; declarations keep it only where nothing is imported. */
const opening = (source: string): string => {
  const text = readFileSync(source, "utf8")
  const [, comment = ""] = /^\/\*\*(.*?)\*\//s.exec(text) ?? []
  return textOf(comment)
}

/** The names of an entry, in the order in which it exports them; those of a namespace after it. */
export const publicNames = (entry: string, dist: string, prefix = ""): ReadonlyArray<PublicName> =>
  [...exportsOf(entry)].flatMap(([exported, where]): ReadonlyArray<PublicName> => {
    const found = declared(where)
    if (found === undefined) return []
    const name = `${prefix}${exported}`
    const module = load(found.module)
    const file = relative(dist, found.module)
    if (found.name === "*") {
      const itself: PublicName = { name, file, comment: opening(sourceOf(file, dist)), code: [], isNamespace: true }
      return [itself, ...publicNames(found.module, dist, `${name}.`)]
    }
    const statements = module.declared.get(found.name) ?? []
    return [
      {
        name,
        file,
        comment: statements.map((statement) => commentBefore(module, statement)).findLast((text) => text !== "") ?? "",
        code: statements.map(({ end, start }) => module.text.slice(start, end)),
        isNamespace: false,
      },
    ]
  })
