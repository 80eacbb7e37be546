/**
 * A copy of a value, as JSON would write it. What JSON cannot hold, or loses without a word, is refused by its path. It
 * knows nothing of requests.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import { maxDepth, readJson } from "./json/JsonBounds.ts"
import { withoutKeys } from "./KeyShape.ts"

export { maxContainers, maxDepth, maxPlainValues } from "./json/JsonBounds.ts"
export { isLarge, noteLarge } from "./json/LargeRequests.ts"
export { excessOfValue } from "./json/ValueBounds.ts"

/** What a text is as JSON, within the limits of all that is read, or why it is not read, in words that follow "is". */
export const boundedJson = (text: string, most?: number): Result.Result<unknown, string> => {
  const read = readJson(text, most)
  return "problem" in read ? Result.fail(read.problem) : Result.succeed(read.value)
}

/** Why a value cannot be copied, and where it stands: `providerOptions.openai.seed`. */
export class Uncopied {
  readonly path: string
  readonly problem: string
  constructor(path: string, problem: string) {
    this.path = path
    this.problem = problem
  }
}

/** The fields that stand for `owner[key]` in the copy, where `value` is something that JSON does not know (bytes). */
export type CopyOther = (value: object, owner: object, key: string) => Readonly<Record<string, unknown>> | undefined

/** Levels down to which each object is compared with all that it stands in; a longer circle is found where the depth ends. */
const compared = 16

/** The most values that are copied: above it the caller passed something else than a request. */
const maxValues = 5_000_000

/** `messages[0].content`, `headers["x-id"]`. */
const join = (path: string, key: string | number): string => {
  if (!/^[A-Za-z_$][\w$]*$/.test(`${key}`)) return `${path}[${JSON.stringify(key)}]`
  return path === "" ? `${key}` : `${path}.${key}`
}

/** What an exception says, whatever was thrown. */
export const saidBy = (thrown: unknown): string => {
  try {
    const text = withoutKeys(thrown instanceof Error ? thrown.message : String(thrown))
    return text.length > 200 ? `${text.slice(0, 200)}…` : text
  } catch {
    return "something that cannot be shown"
  }
}

const lossy: ReadonlyArray<readonly [new (...parameters: never) => object, string]> = [
  [Promise, "is a Promise: await it first"],
  [Map, "is a Map, which JSON writes as {}: pass a plain object (Object.fromEntries)"],
  [Set, "is a Set, which JSON writes as {}: pass an array (Array.from)"],
  [WeakMap, "is a WeakMap, which JSON cannot hold"],
  [WeakSet, "is a WeakSet, which JSON cannot hold"],
]

/** Bytes in any of the forms that JavaScript has for them. */
export const isBytes = (value: object): value is ArrayBuffer | SharedArrayBuffer | ArrayBufferView | Blob =>
  ArrayBuffer.isView(value) ||
  value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === "function" && value instanceof SharedArrayBuffer) ||
  value instanceof Blob

const boxes: ReadonlySet<string> = new Set(["[object String]", "[object Number]", "[object Boolean]"])

/** `new String("…")` and its like, which JSON writes as what they hold. */
const isBoxed = (value: object): boolean =>
  boxes.has(Object.prototype.toString.call(value)) && typeof value.valueOf() !== "object"

class Copying {
  /** The first thing that cannot be copied. The copying goes on; nothing of the copy is used then. */
  uncopied: Uncopied | undefined = undefined
  private readonly copyOther: CopyOther
  private readonly omitted: ReadonlySet<string>
  private readonly ancestors: Array<object> = []
  /** Where the whole stands, and the keys that lead from there to the value under way. Only a failure makes a path of them. */
  private readonly root: string
  private readonly keys: Array<string | number> = []
  /** How many were copied. */
  values = 0

  constructor(root: string, omitted: ReadonlySet<string>, copyOther: CopyOther) {
    this.root = root
    this.omitted = omitted
    this.copyOther = copyOther
  }

  value(value: unknown): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
      case "undefined":
        return value
      case "number":
        return Number.isFinite(value) ? value : this.fail(`is ${value}, which JSON cannot hold`)
      case "object":
        return value === null ? null : this.object(value)
      case "bigint":
        return this.fail(`is a BigInt, which JSON cannot hold: pass a number or a string`)
      default:
        return this.fail(`is a ${typeof value}, which JSON cannot hold`)
    }
  }

  /** Something is wrong with the value under way. */
  private fail(problem: string): undefined {
    this.uncopied ??= new Uncopied(this.keys.reduce(join, this.root), problem)
    return undefined
  }

  /** The value of a key of the value under way. */
  private inner(key: string | number, value: unknown): unknown {
    this.keys.push(key)
    const copy = this.value(value)
    this.keys.pop()
    return copy
  }

  private object(value: object): unknown {
    const { length } = this.ancestors
    if ((length < compared || length >= maxDepth) && this.isInCircle(value)) {
      return this.fail("refers back to an object that contains it")
    }
    if (length >= maxDepth) return this.fail(`is nested more than ${maxDepth} levels deep`)
    this.ancestors.push(value)
    const copy = Array.isArray(value) ? this.array(value) : this.record(value)
    this.ancestors.pop()
    return copy
  }

  /** True where a value stands in itself; the keys then lead to the first one that does. */
  private isInCircle(value: object): boolean {
    if (this.ancestors.length < compared) return this.ancestors.includes(value)
    const around = [...this.ancestors, value]
    const again = around.findIndex((one, place) => around.indexOf(one) < place)
    if (again >= 0) this.keys.length = again
    return again >= 0
  }

  /** Counts values, and says how many of them to copy: none above the limit. */
  private counted(values: number): number {
    this.values += values
    if (this.values <= maxValues) return values
    this.fail(`holds more than ${maxValues} values`)
    return 0
  }

  private array(source: ReadonlyArray<unknown>): Array<unknown> {
    // A list that grows holds room for more than it needs, for as long as its call.
    // `Array.from` costs several times as much, in every call.
    // oxlint-disable-next-line unicorn/no-new-array
    const copy = new Array<unknown>(this.counted(source.length))
    for (let index = 0; index < copy.length && this.uncopied === undefined; index++) {
      const item = this.read(source, index)
      copy[index] = typeof item === "string" ? item : this.inner(index, item)
    }
    return copy
  }

  private record(source: object): unknown {
    if (Object.getPrototypeOf(source) !== Object.prototype) {
      if (isBoxed(source)) return source.valueOf()
      for (const [kind, problem] of lossy) if (source instanceof kind) return this.fail(problem)
      if (isBytes(source)) return this.fail('is bytes, which belong in "data" of an image or a file part')
    }
    // Built-ins (Date, URL) and classes of the caller say themselves how they are written.
    const toJson = this.read(source, "toJSON")
    if (typeof toJson === "function") {
      const written = this.attempt((): unknown => toJson.call(source, ""))
      return this.value(written)
    }
    const keys = this.attempt(() => Object.keys(source)) ?? []
    const copy: Record<string, unknown> = {}
    this.counted(keys.length)
    const isWhole = this.ancestors.length === 1
    for (const key of keys) {
      if (this.uncopied !== undefined) return copy
      if (isWhole && this.omitted.has(key)) continue
      const value = this.read(source, key)
      if (value === undefined) continue
      const other = Predicate.isObject(value) ? this.copyOther(value, source, key) : undefined
      if (other !== undefined) Object.assign(copy, other)
      // Assigned, this one name would change the copy's prototype.
      else if (key === "__proto__") {
        const own = this.inner(key, value)
        Object.defineProperty(copy, key, { value: own, enumerable: true, configurable: true, writable: true })
      } else copy[key] = typeof value === "string" ? value : this.inner(key, value)
    }
    return copy
  }

  private read(source: object, key: string | number): unknown {
    try {
      // As `Reflect.get` would, which is a call into the runtime each time.
      return (source as Readonly<Record<string | number, unknown>>)[key]
    } catch (thrown) {
      this.keys.push(key)
      return this.fail(`cannot be read: ${saidBy(thrown)}`)
    }
  }

  /** The result of an action of the caller's (a getter, a trap), whatever it throws. */
  private attempt<A>(action: () => A): A | undefined {
    try {
      return action()
    } catch (thrown) {
      return this.fail(`cannot be read: ${saidBy(thrown)}`)
    }
  }
}

/**
 * A copy of plain data, but for the `omitted` fields of the whole, or what of it cannot be copied and why. `counted` is told how
 * many values were copied.
 */
export const jsonCopy = (
  value: unknown,
  path: string,
  omitted: ReadonlySet<string>,
  copyOther: CopyOther,
  counted?: (values: number) => void,
): Result.Result<unknown, Uncopied> => {
  const copying = new Copying(path, omitted, copyOther)
  try {
    const copy = copying.value(value)
    counted?.(copying.values)
    return copying.uncopied === undefined ? Result.succeed(copy) : Result.fail(copying.uncopied)
  } catch (thrown) {
    // A trap of the caller's where no other is expected.
    return Result.fail(new Uncopied(path, `cannot be read: ${saidBy(thrown)}`))
  }
}

const none: ReadonlySet<string> = new Set()
const nothing: CopyOther = () => undefined

/** True for plain data without doubt: the quick way through what nearly every caller passes. */
const isPlainJson = (value: unknown, depth: number): boolean => {
  if (typeof value === "number") return Number.isFinite(value)
  if (typeof value !== "object") return typeof value === "string" || typeof value === "boolean" || value === undefined
  if (value === null) return true
  if (depth === maxDepth) return false
  if (Array.isArray(value)) {
    for (const item of value) if (!isPlainJson(item, depth + 1)) return false
    return true
  }
  if (Object.getPrototypeOf(value) !== Object.prototype || "toJSON" in value) return false
  for (const item of Object.values(value)) if (!isPlainJson(item, depth + 1)) return false
  return true
}

/** Why a value cannot be written as JSON, and where; undefined where it can. */
export const jsonProblem = (value: unknown, path: string): Uncopied | undefined => {
  try {
    if (isPlainJson(value, 0)) return undefined
  } catch {
    // The copy says where.
  }
  const copied = jsonCopy(value, path, none, nothing)
  return Result.isFailure(copied) ? copied.failure : undefined
}

const copyOf = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null) return value
  if (Array.isArray(value)) return value.map(copyOf)
  // Bytes, dates, classes: nothing of this library's is one, but a program's own provider may say anything.
  if (Object.getPrototypeOf(value) !== Object.prototype) return structuredClone(value)
  const copy: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) {
    if (key !== "__proto__") copy[key] = copyOf(inner)
    // Assigned, this one name would change the copy's prototype.
    else
      Object.defineProperty(copy, key, { value: copyOf(inner), enumerable: true, configurable: true, writable: true })
  }
  return copy
}

/**
 * A copy of plain data with all its fields, in a fifth of the time that `structuredClone` takes. It throws for data that
 * refers back to itself, and for objects of a class where that would.
 */
export const dataCopy = <A>(data: A): A => copyOf(data) as A
