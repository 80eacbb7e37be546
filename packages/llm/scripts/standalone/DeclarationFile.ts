/** One `.d.ts` file as it was parsed: what it imports, declares and exports. It resolves nothing. */
import { readFileSync } from "node:fs"
import { dirname, resolve } from "node:path"
import { type Comment, parseSync } from "oxc-parser"

/** Any node of the tree: only what is looked at here is known of it. */
export interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}

/** A name of a module: `*` is the module itself. */
export interface Name {
  readonly module: string
  readonly name: string
}

export interface Module {
  readonly file: string
  readonly text: string
  readonly comments: ReadonlyArray<Comment>
  readonly imports: Map<string, Name>
  readonly declared: Map<string, Array<Node>>
  readonly exported: Map<string, Name & { readonly isType: boolean }>
  readonly all: Array<{ readonly from: string; readonly isType: boolean }>
}

export const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string"

export const nodes = (value: unknown): ReadonlyArray<Node> =>
  Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : []

export const node = (value: unknown): Node => {
  if (isNode(value)) return value
  throw new Error("a node was expected")
}

export const nameOf = (value: unknown): string => {
  const { name, value: text } = node(value)
  return String(name ?? text)
}

export const read = (file: string): Module => {
  const text = readFileSync(file, "utf8")
  const { comments, errors, program } = parseSync(file, text, { lang: "dts" })
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]?.message}`)
  const module: Module = {
    file,
    text,
    comments,
    imports: new Map(),
    declared: new Map(),
    exported: new Map(),
    all: [],
  }
  const target = (source: unknown): string => {
    const path = String(node(source)["value"])
    return path.startsWith(".") ? resolve(dirname(file), path.replace(/\.ts$/, ".d.ts")) : path
  }
  const declare = (declaration: Node, statement: Node): ReadonlyArray<string> => {
    const names =
      declaration.type === "VariableDeclaration"
        ? nodes(declaration["declarations"]).map((one) => nameOf(one["id"]))
        : [nameOf(declaration["id"])]
    for (const name of names) module.declared.set(name, [...(module.declared.get(name) ?? []), statement])
    return names
  }
  const statement = (one: Node): void => {
    const isType = one["exportKind"] === "type"
    if (one.type === "ImportDeclaration") {
      for (const specifier of nodes(one["specifiers"])) {
        const name = specifier.type === "ImportNamespaceSpecifier" ? "*" : nameOf(specifier["imported"])
        module.imports.set(nameOf(specifier["local"]), { module: target(one["source"]), name })
      }
    } else if (one.type === "ExportAllDeclaration") {
      const from = target(one["source"])
      if (one["exported"] === null) module.all.push({ from, isType })
      else module.exported.set(nameOf(one["exported"]), { module: from, name: "*", isType })
    } else if (one.type === "ExportNamedDeclaration" && isNode(one["declaration"])) {
      for (const name of declare(one["declaration"], one))
        module.exported.set(name, { module: file, name, isType: false })
    } else if (one.type === "ExportNamedDeclaration") {
      const from = isNode(one["source"]) ? target(one["source"]) : file
      for (const specifier of nodes(one["specifiers"])) {
        const own = isType || specifier["exportKind"] === "type"
        const name = { module: from, name: nameOf(specifier["local"]), isType: own }
        module.exported.set(nameOf(specifier["exported"]), name)
      }
    } else if (one["declare"] === true || /^TS(Interface|TypeAlias)/.test(one.type)) declare(one, one)
  }
  nodes(program.body).forEach(statement)
  return module
}
