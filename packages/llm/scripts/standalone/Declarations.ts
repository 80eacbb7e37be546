/**
 * The declarations of entries as one file that imports nothing: follows what each entry exports through the `.d.ts` files of
 * `dist`, and puts plain types in the place of those of effect. It fails on any mention of effect that is left, by its place.
 */
import { existsSync } from "node:fs"
import { join, relative, resolve } from "node:path"
import { isNode, type Module, type Name, nameOf, type Node, node, nodes, read } from "./DeclarationFile.ts"

export interface Settings {
  /** The folder of the `.d.ts` files. */
  readonly dist: string
  /** What stands in the place of what, as `file#name`. */
  readonly plain: Readonly<Record<string, string>>
  /** Types of effect that are left out of unions, as `module#name`. */
  readonly dropped: ReadonlyArray<string>
  /** Members that mean nothing without effect, as `Class.member`. */
  readonly omitted: ReadonlyArray<string>
}

/** A piece of text to replace, from the declaration's own start. */
interface Edit {
  readonly start: number
  readonly end: number
  readonly text: string
}

export class Declarations {
  private readonly settings: Settings
  private readonly modules = new Map<string, Module>()
  /** The name in the one file, by `file#name`. */
  private readonly names = new Map<string, string>()
  private readonly taken = new Set<string>()
  private readonly written: Array<string> = []
  private readonly dropped: ReadonlySet<string>
  private readonly unused: Set<string>
  /** The members whose types are being written, each within the one before. */
  private readonly through: Array<string> = []

  constructor(settings: Settings) {
    this.settings = settings
    this.dropped = new Set(settings.dropped)
    this.unused = new Set([...Object.keys(settings.plain), ...settings.omitted, ...settings.dropped])
  }

  /** The exports of an entry, as a file beside the one with all declarations (`from`). */
  entry(file: string, from: string): ReadonlyMap<string, string> {
    const types: Array<string> = []
    const values: Array<string> = []
    const lines: Array<string> = []
    const spaces = new Map<string, string>()
    for (const [name, { isType, ...exported }] of this.exportsOf(resolve(this.settings.dist, file))) {
      const found = this.find(exported)
      if (found.name === "*") {
        lines.push(`export * as ${name} from "./${name}.js"`)
        for (const [inner, text] of this.entry(relative(this.settings.dist, found.module), from)) {
          spaces.set(inner === "" ? name : inner, text)
        }
        continue
      }
      const local = this.write(found, name, isType)
      const exports = isType || this.isTypeOnly(found) ? types : values
      exports.push(local === name ? name : `${local} as ${name}`)
    }
    if (values.length > 0) lines.push(`export { ${values.join(", ")} } from "${from}"`)
    if (types.length > 0) lines.push(`export type { ${types.join(", ")} } from "${from}"`)
    return spaces.set("", `${lines.join("\n")}\n`)
  }

  /** All declarations that the entries need. Fails where a setting was of no use: it says something that is no longer true. */
  text(): string {
    if (this.unused.size > 0) throw new Error(`nothing is there for ${[...this.unused].join(", ")}`)
    return `${this.written.join("\n\n")}\n`
  }

  private module(file: string): Module {
    const known = this.modules.get(file)
    if (known !== undefined) return known
    if (!existsSync(file)) throw new Error(`there is no ${file}`)
    const module = read(file)
    this.modules.set(file, module)
    return module
  }

  private exportsOf(file: string): ReadonlyMap<string, Name & { readonly isType: boolean }> {
    const { all, exported } = this.module(file)
    const inherited = all.flatMap(({ from, isType }) =>
      [...this.exportsOf(from)].map(([name, one]) => [name, { ...one, isType: isType || one.isType }] as const),
    )
    return new Map([...inherited, ...exported])
  }

  private key({ module, name }: Name): string {
    return `${module.startsWith("/") ? relative(this.settings.dist, module) : module}#${name}`
  }

  /** Where a name is declared, plain types in place of others. */
  private find(name: Name): Name {
    const key = this.key(name)
    const plain = this.settings.plain[key]
    if (plain !== undefined) {
      this.unused.delete(key)
      const [file = "", other = ""] = plain.split("#")
      return { module: join(this.settings.dist, file), name: other }
    }
    if (name.name === "*" || !name.module.startsWith("/")) return name
    const module = this.module(name.module)
    if (module.declared.has(name.name)) return name
    const imported = module.imports.get(name.name)
    if (imported !== undefined) return this.find(imported)
    const exported = this.exportsOf(name.module).get(name.name)
    if (exported === undefined) throw new Error(`${key} is declared nowhere`)
    return this.find(exported)
  }

  private isTypeOnly({ module, name }: Name): boolean {
    return (this.module(module).declared.get(name) ?? []).every((one) => isTypeStatement(one) && !isClass(one))
  }

  /** Writes a declaration, and what it needs; gives its name. */
  private write(found: Name, wanted: string, isType: boolean): string {
    const module = this.module(found.module)
    const all = module.declared.get(found.name) ?? []
    const types = all.filter((one) => isTypeStatement(one))
    const chosen = isType && types.length > 0 ? types : all
    const key = `${this.key(found)}${chosen.length === all.length ? "" : " type"}`
    const known = this.names.get(key)
    if (known !== undefined) return known
    let name = wanted
    for (let count = 2; this.taken.has(name); count++) name = `${wanted}${count}`
    this.taken.add(name)
    this.names.set(key, name)
    for (const statement of chosen) this.written.push(this.declaration(module, statement, found.name, name))
    return name
  }

  private declaration(module: Module, statement: Node, own: string, name: string): string {
    const declaration = isNode(statement["declaration"]) ? statement["declaration"] : statement
    const edits: Array<Edit> = []
    this.walk(module, declaration, own, new Set(), edits)
    const id = node(declaration["id"] ?? nodes(declaration["declarations"])[0]?.["id"])
    if (name !== own) edits.push({ start: id.start, end: id.start + own.length, text: name })
    return `${this.docs(module, statement)}export ${edited(module.text, declaration, edits)}`
  }

  /** The docstring right before a statement. */
  private docs({ comments, text }: Module, { start }: Node): string {
    const comment = comments.findLast(({ end }) => end <= start)
    if (comment === undefined || text.slice(comment.end, start).trim() !== "") return ""
    return `${text.slice(comment.start, comment.end)}\n`
  }

  /** The name that a reference has in the one file; undefined for names of the language and for type parameters. */
  private reference(module: Module, local: string, isType: boolean): string | undefined {
    const imported = module.imports.get(local)
    if (imported === undefined && !module.declared.has(local)) return undefined
    const found = this.find({ module: module.file, name: local })
    if (found.name === "*") return undefined
    return this.write(this.own(found, module), found.name, isType)
  }

  private own(found: Name, { file }: Module): Name {
    if (found.module.startsWith("/")) return found
    const members = this.through.map((member) => JSON.stringify(member)).join(" or ")
    throw new Error(
      `${relative(this.settings.dist, file)} mentions ${this.key(found)}, which the entries without effect cannot: in ` +
        `scripts/build-standalone.ts ${members === "" ? "" : `name ${members} in \`omitted\`, or `}name in \`plain\` ` +
        "what src/standalone/Plain.ts has in its place",
    )
  }

  /** What a type names, as `module#name`; undefined for anything else. */
  private named(module: Module, type: Node): Name | undefined {
    const typeName = type["typeName"] ?? type["expression"]
    if (!isNode(typeName)) return undefined
    if (typeName.type === "TSQualifiedName") {
      const space = module.imports.get(nameOf(typeName["left"]))
      return space === undefined ? undefined : { module: space.module, name: nameOf(typeName["right"]) }
    }
    return module.imports.get(nameOf(typeName))
  }

  private isDropped(module: Module, type: Node): boolean {
    const named = this.named(module, type)
    const key = named === undefined ? "" : this.key(named)
    if (this.dropped.has(key)) this.unused.delete(key)
    return this.dropped.has(key)
  }

  private walk(module: Module, at: Node, own: string, bound: ReadonlySet<string>, edits: Array<Edit>): void {
    const member = isMember(at) ? `${own}.${nameOf(at["key"])}` : undefined
    if (member !== undefined) this.through.push(member)
    this.walkInto(module, at, own, bound, edits)
    if (member !== undefined) this.through.pop()
  }

  private walkInto(module: Module, at: Node, own: string, bound: ReadonlySet<string>, edits: Array<Edit>): void {
    const parameters = nodes(isNode(at["typeParameters"]) ? at["typeParameters"]["params"] : undefined)
    const within = new Set([...bound, ...parameters.map((one) => nameOf(one["name"]))])
    if (at.type === "TSInferType") return
    if (at.type === "TSImportType") throw new Error(`${module.file} imports within a type`)
    if (at.type === "TSUnionType") {
      const types = nodes(at["types"])
      const kept = types.filter((type) => !this.isDropped(module, type))
      if (kept.length < types.length) {
        const inner: Array<Edit> = []
        for (const type of kept) this.walk(module, type, own, within, inner)
        const text = kept.map((type) => edited(module.text, type, inner)).join(" | ")
        return void edits.push({ start: at.start, end: at.end, text })
      }
    }
    const keys = keysOf(module, at)
    if (keys !== undefined) return void edits.push({ start: at.start, end: at.end, text: keys })
    const isShortened = this.settings.omitted.some((member) => member.startsWith(`${own}.`))
    if (at.type === "ClassBody" || (at.type === "TSInterfaceBody" && isShortened))
      return this.members(module, at, own, within, edits)
    const typeName = at["typeName"] ?? (/Heritage|TSClassImplements/.test(at.type) ? at["expression"] : undefined)
    const value =
      at.type === "TSTypeQuery" ? at["exprName"] : at.type === "ClassDeclaration" ? at["superClass"] : undefined
    this.refer(module, typeName, true, within, edits)
    this.refer(module, value, false, within, edits)
    for (const child of Object.values(at)) {
      if (child === typeName || child === value) continue
      for (const inner of nodes(child)) this.walk(module, inner, own, within, edits)
    }
  }

  private refer(module: Module, name: unknown, isType: boolean, bound: ReadonlySet<string>, edits: Array<Edit>): void {
    if (!isNode(name)) return
    const { end, start } = name
    // `Space.Name`, as a type and as what an interface extends.
    const left = name["left"] ?? name["object"]
    if (isNode(left) && left.type === "Identifier") {
      const space = module.imports.get(nameOf(left))
      if (space === undefined) return
      const found = this.find({ module: space.module, name: nameOf(name["right"] ?? name["property"]) })
      edits.push({ start, end, text: this.write(this.own(found, module), found.name, isType) })
    } else if (name.type === "Identifier" && !bound.has(nameOf(name))) {
      const text = this.reference(module, nameOf(name), isType)
      if (text !== undefined && text !== nameOf(name)) edits.push({ start, end, text })
    }
  }

  /** A class or an interface without its private members, and without those that mean nothing here. */
  private members(module: Module, body: Node, own: string, bound: ReadonlySet<string>, edits: Array<Edit>): void {
    const kept: Array<string> = []
    let hidden = false
    for (const member of nodes(body["body"])) {
      const key = isNode(member["key"]) ? member["key"] : undefined
      const name = `${own}.${module.text.slice(key?.start, key?.end)}`
      const inner: Array<Edit> = []
      const text = () => {
        this.walk(module, member, own, bound, inner)
        return edited(module.text, member, inner)
      }
      const signature = module.text.slice(member.start, member.end)
      const omitted = this.settings.omitted.find(
        (one) => one === name || (one.includes("(") && `${own}.${signature}`.startsWith(one)),
      )
      if (omitted !== undefined) {
        this.unused.delete(omitted)
        if (omitted === `${own}.constructor`) hidden = true
      } else if (member["accessibility"] !== "private" || signature.startsWith("private constructor")) {
        kept.push(`${this.docs(module, member)}${text()}`)
      }
    }
    if (hidden) kept.unshift("private constructor();")
    edits.push({ start: body.start, end: body.end, text: `{\n    ${kept.join("\n    ")}\n}` })
  }
}

const typeOf = (statement: Node): string =>
  (isNode(statement["declaration"]) ? statement["declaration"] : statement).type

const isClass = (statement: Node): boolean => typeOf(statement).startsWith("Class")

const isTypeStatement = (statement: Node): boolean => /^(TSInterface|TSTypeAlias|Class)/.test(typeOf(statement))

/** True for what `omitted` can name: a member of an interface or of a class. */
const isMember = ({ key, type }: Node): boolean => /^(TS)?(Property|Method)/.test(type) && isNode(key)

/** `keyof typeof table` as the names themselves. */
const keysOf = (module: Module, at: Node): string | undefined => {
  const query = at.type === "TSTypeOperator" && at["operator"] === "keyof" ? node(at["typeAnnotation"]) : at
  if (query === at || query.type !== "TSTypeQuery") return undefined
  const [statement] = module.declared.get(nameOf(query["exprName"])) ?? []
  const [declarator] = nodes(statement?.["declarations"])
  const annotation = declarator === undefined ? undefined : node(declarator["id"])["typeAnnotation"]
  const literal = isNode(annotation) ? node(annotation["typeAnnotation"]) : undefined
  if (literal?.type !== "TSTypeLiteral") return undefined
  return nodes(literal["members"])
    .map((member) => JSON.stringify(nameOf(member["key"])))
    .join(" | ")
}

const edited = (text: string, at: Node, edits: ReadonlyArray<Edit>): string => {
  let body = text.slice(at.start, at.end)
  for (const edit of edits.toSorted((one, other) => other.start - one.start)) {
    body = body.slice(0, edit.start - at.start) + edit.text + body.slice(edit.end - at.start)
  }
  return body
}
