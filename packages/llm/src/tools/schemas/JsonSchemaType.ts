/** The type of the values that a literal JSON Schema describes, as far as its type shows it; else `unknown`. */

type OfObject<S> = S extends { readonly properties: infer Properties }
  ? {
      readonly [Key in keyof Properties as Key extends RequiredOf<S> ? Key : never]: OfJsonSchema<Properties[Key]>
    } & {
      readonly [Key in keyof Properties as Key extends RequiredOf<S> ? never : Key]?: OfJsonSchema<Properties[Key]>
    }
  : S extends { readonly additionalProperties: infer Value extends object }
    ? { readonly [key: string]: OfJsonSchema<Value> }
    : { readonly [key: string]: unknown }

type RequiredOf<S> = S extends { readonly required: ReadonlyArray<infer Name> } ? Name : never

type OfType<Type, S> = Type extends "string"
  ? string
  : Type extends "number" | "integer"
    ? number
    : Type extends "boolean"
      ? boolean
      : Type extends "null"
        ? null
        : Type extends "array"
          ? ReadonlyArray<S extends { readonly items: infer Item } ? OfJsonSchema<Item> : unknown>
          : Type extends "object"
            ? OfObject<S>
            : unknown

/** `{ type: "object", properties: { n: { type: "integer" } }, required: ["n"] }` is `{ readonly n: number }`. */
export type OfJsonSchema<S> = S extends { readonly const: infer Value }
  ? Value
  : S extends { readonly enum: ReadonlyArray<infer Value> }
    ? Value
    : S extends { readonly anyOf: ReadonlyArray<infer Branch> } | { readonly oneOf: ReadonlyArray<infer Branch> }
      ? OfJsonSchema<Branch>
      : S extends { readonly type: ReadonlyArray<infer Type> }
        ? OfType<Type, S>
        : S extends { readonly type: infer Type }
          ? OfType<Type, S>
          : unknown
