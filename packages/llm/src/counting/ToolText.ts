/**
 * Tools as OpenAI's models read them: declarations of TypeScript in a namespace. How they are written out is not documented;
 * the form was found by the tokens that recorded requests were charged for, which it meets to within three for most.
 */
import * as Predicate from "effect/Predicate"
import type { ToolDefinition } from "../model/LlmRequest.ts"

/** Schemas within schemas; a schema may refer to itself. */
const maxDepth = 8

/** The longest text of one schema, in characters: alternatives of alternatives grow without end. */
const maxLength = 1_000_000

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  Predicate.isObject(value) && !Array.isArray(value)

/** Writes the schemas of one tool. */
class Declaration {
  private readonly root: unknown
  private length = 0

  constructor(root: unknown) {
    this.root = root
  }

  /** The fields of an object, one a line, with what is said of them. */
  fields(schema: unknown, depth: number): string {
    if (!isObject(schema) || !isObject(schema["properties"])) return ""
    const required = Array.isArray(schema["required"]) ? schema["required"] : []
    let text = ""
    for (const [name, field] of Object.entries(schema["properties"])) {
      if (this.length > maxLength) return text
      const { default: value, description } = isObject(field) ? field : {}
      const about = typeof description === "string" && description !== "" ? `// ${description}\n` : ""
      const mark = required.includes(name) ? "" : "?"
      const preset = value === undefined ? "" : ` // default: ${JSON.stringify(value)}`
      const line = `${about}${name}${mark}: ${this.type(field, depth + 1)},${preset}\n`
      this.length += line.length
      text += line
    }
    return text
  }

  private type(schema: unknown, depth: number): string {
    if (!isObject(schema) || depth > maxDepth || this.length > maxLength) return "any"
    const { $ref, anyOf, enum: values, items, oneOf, properties, type } = schema
    if (typeof $ref === "string") return this.type(this.referred($ref), depth + 1)
    if (Array.isArray(values)) return values.map((value) => JSON.stringify(value)).join(" | ")
    const alternatives = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : undefined
    if (alternatives !== undefined) return alternatives.map((one) => this.type(one, depth + 1)).join(" | ")
    if (Array.isArray(type)) return type.filter(Predicate.isString).join(" | ")
    if (type === "array") return `${this.type(items, depth + 1)}[]`
    if (isObject(properties)) return `{\n${this.fields(schema, depth)}}`
    return type === "integer" ? "number" : typeof type === "string" ? type : "any"
  }

  private referred(reference: string): unknown {
    let found = this.root
    for (const step of reference.split("/").slice(1)) found = isObject(found) ? found[step] : undefined
    return found
  }
}

const declaration = ({ description, name, parameters }: ToolDefinition): string => {
  const about =
    (description ?? "") === ""
      ? ""
      : (description ?? "")
          .split("\n")
          .map((line) => `// ${line}\n`)
          .join("")
  const fields = new Declaration(parameters).fields(parameters, 0)
  return `${about}type ${name} = ${fields === "" ? "() => any" : `(_: {\n${fields}}) => any`};\n\n`
}

/** The text of the tools of a request. */
export const toolText = (tools: ReadonlyArray<ToolDefinition>): string =>
  `# Tools\n\n## functions\n\nnamespace functions {\n\n${tools.map(declaration).join("")}} // namespace functions`
