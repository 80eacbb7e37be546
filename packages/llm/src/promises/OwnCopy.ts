/**
 * A copy of what a caller passed, as JSON would write it: later changes of the original reach no queued call and no
 * retry. What JSON cannot hold, or loses without a word, is refused by its path. It knows nothing of requests.
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"

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

/** The deepest nesting that is copied. Model inputs are a few levels deep; parsers and encoders recurse. */
const maxDepth = 512

/** The most values that are copied: above it the caller passed something else than a request. */
const maxValues = 5_000_000

/** `messages[0].content`, `headers["x-id"]`. */
const join = (path: string, key: string | number): string => {
  if (typeof key === "number") return `${path}[${key}]`
  if (!/^[A-Za-z_$][\w$]*$/.test(key)) return `${path}[${JSON.stringify(key)}]`
  return path === "" ? key : `${path}.${key}`
}

/** What an exception says, whatever was thrown. */
export const saidBy = (thrown: unknown): string => {
  try {
    const text = thrown instanceof Error ? thrown.message : String(thrown)
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

/** `new String("…")` and its like, which JSON writes as what they hold. */
const isBoxed = (value: object): boolean =>
  /^\[object (?:String|Number|Boolean)\]$/.test(Object.prototype.toString.call(value)) &&
  typeof value.valueOf() !== "object"

class Copying {
  private readonly copyOther: CopyOther
  private readonly omitted: ReadonlySet<string>
  private readonly ancestors: Array<object> = []
  private values = 0

  constructor(omitted: ReadonlySet<string>, copyOther: CopyOther) {
    this.omitted = omitted
    this.copyOther = copyOther
  }

  value(value: unknown, path: string): unknown {
    switch (typeof value) {
      case "string":
      case "boolean":
      case "undefined":
        return value
      case "number":
        if (Number.isFinite(value)) return value
        throw new Uncopied(path, `is ${value}, which JSON cannot hold`)
      case "object":
        return value === null ? null : this.object(value, path)
      case "bigint":
        throw new Uncopied(path, `is a BigInt, which JSON cannot hold: pass a number or a string`)
      default:
        throw new Uncopied(path, `is a ${typeof value}, which JSON cannot hold`)
    }
  }

  private object(value: object, path: string): unknown {
    if (this.ancestors.includes(value)) throw new Uncopied(path, "refers back to an object that contains it")
    if (this.ancestors.length >= maxDepth) throw new Uncopied(path, `is nested more than ${maxDepth} levels deep`)
    this.ancestors.push(value)
    const copy = Array.isArray(value) ? this.array(value, path) : this.record(value, path)
    this.ancestors.pop()
    return copy
  }

  private count(values: number, path: string): void {
    this.values += values
    if (this.values > maxValues) throw new Uncopied(path, `holds more than ${maxValues} values`)
  }

  private array(source: ReadonlyArray<unknown>, path: string): Array<unknown> {
    this.count(source.length, path)
    const copy: Array<unknown> = []
    for (let index = 0; index < source.length; index++) {
      const item = read(source, index, path)
      copy.push(typeof item === "string" ? item : this.value(item, join(path, index)))
    }
    return copy
  }

  private record(source: object, path: string): unknown {
    if (Object.getPrototypeOf(source) !== Object.prototype) {
      if (isBoxed(source)) return source.valueOf()
      for (const [kind, problem] of lossy) if (source instanceof kind) throw new Uncopied(path, problem)
      if (isBytes(source)) throw new Uncopied(path, 'is bytes, which belong in "data" of an image or a file part')
    }
    // Built-ins (Date, URL) and classes of the caller say themselves how they are written.
    const toJson = read(source, "toJSON", path)
    if (typeof toJson === "function")
      return this.value(
        attempt(() => toJson.call(source, ""), path),
        path,
      )
    const keys = attempt(() => Object.keys(source), path)
    this.count(keys.length, path)
    const copy: Record<string, unknown> = {}
    const isWhole = this.ancestors.length === 1
    for (const key of keys) {
      if (isWhole && this.omitted.has(key)) continue
      const value = read(source, key, path)
      if (value === undefined) continue
      const other = Predicate.isObject(value) ? this.copyOther(value, source, key) : undefined
      if (other !== undefined) Object.assign(copy, other)
      // Assigned, this one name would change the copy's prototype.
      else if (key === "__proto__") {
        const own = this.value(value, join(path, key))
        Object.defineProperty(copy, key, { value: own, enumerable: true, configurable: true, writable: true })
      } else copy[key] = typeof value === "string" ? value : this.value(value, join(path, key))
    }
    return copy
  }
}

/** The result of an action of the caller's (a getter, a trap), whatever it throws. */
export const attempt = <A>(action: () => A, path: string): A => {
  try {
    return action()
  } catch (thrown) {
    throw new Uncopied(path, `cannot be read: ${saidBy(thrown)}`)
  }
}

const read = (source: object, key: string | number, path: string): unknown => {
  try {
    return Reflect.get(source, key)
  } catch (thrown) {
    throw new Uncopied(join(path, key), `cannot be read: ${saidBy(thrown)}`)
  }
}

/** A copy of plain data, but for the `omitted` fields of the whole, or what of it cannot be copied and why. */
export const ownCopy = (
  value: object,
  omitted: ReadonlySet<string>,
  copyOther: CopyOther,
): Result.Result<object, Uncopied> =>
  attempted(() => {
    const copy = new Copying(omitted, copyOther).value(value, "")
    if (Predicate.isObject(copy)) return copy
    throw new Uncopied("", "is not an object")
  })

/** What an action gives, or why it could not read what the caller passed. */
export const attempted = <A>(action: () => A): Result.Result<A, Uncopied> => {
  try {
    return Result.succeed(action())
  } catch (thrown) {
    return Result.fail(thrown instanceof Uncopied ? thrown : new Uncopied("", `cannot be read: ${saidBy(thrown)}`))
  }
}
