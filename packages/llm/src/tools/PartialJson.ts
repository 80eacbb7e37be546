/**
 * Reads JSON while it is still being written. Each piece is read once, and a snapshot copies only what is open, so that a
 * long answer costs no more a piece than a short one. What is not certain yet is left out: half a key, number or literal.
 */

import { maxDepth, maxPlainValues } from "../model/JsonCopy.ts"

type Container = Array<unknown> | Record<string, unknown>

interface Open {
  readonly container: Container
  /** The key that the next value belongs to. */
  key: string
  /** How many members it has. */
  size: number
}

/** A member of an object costs as much to copy as so many of a list. */
const memberCost = 8

/** How many members a snapshot may copy for each character read: what bounds the cost of long lists. */
const copiesPerCharacter = 64

const escapes: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" }

type State =
  | "before"
  | "value"
  | "key"
  | "colon"
  | "after"
  | "string"
  | "escape"
  | "unicode"
  | "bare"
  | "done"
  | "given up"

export class PartialJson {
  private state: State = "before"
  private readonly open: Array<Open> = []
  private root: Container | undefined
  private text = ""
  private digits = ""
  private isKey = false
  private sinceSnapshot = 0
  private count = 0

  /** Reads the next piece. Everything before the first `{` or `[`, and everything after its end, is passed over. */
  push(piece: string): void {
    this.sinceSnapshot += piece.length
    for (let place = 0; place < piece.length && !this.isOver; place++) {
      if (this.state === "string") {
        const end = this.endOfPlain(piece, place)
        this.text += piece.slice(place, end)
        place = end
        if (place === piece.length) return
      }
      this.read(piece.charAt(place))
    }
  }

  /** True where nothing that follows is read: the value is whole, too deep, or too large to be checked. */
  get isOver(): boolean {
    return this.state === "done" || this.state === "given up"
  }

  /** True once the value is whole. */
  get isWhole(): boolean {
    return this.state === "done"
  }

  /** The value so far, a new one each time; undefined before it has begun, and where a copy would cost too much already. */
  snapshot(): unknown {
    if (this.root === undefined || this.state === "given up") return undefined
    const cost = this.open.reduce(
      (sum, { container, size }) => sum + (Array.isArray(container) ? size : size * memberCost),
      0,
    )
    if (!this.isWhole && cost > 256 + this.sinceSnapshot * copiesPerCharacter) return undefined
    this.sinceSnapshot = 0
    return this.copyFrom(0) ?? this.root
  }

  /** Copies the containers that still grow; closed ones never change again and are shared. */
  private copyFrom(depth: number): unknown {
    const open = this.open[depth]
    if (open === undefined) return undefined
    const inner = depth + 1 < this.open.length ? this.copyFrom(depth + 1) : this.growing()
    const { container } = open
    if (Array.isArray(container)) {
      const copy = container.slice(0, depth + 1 < this.open.length ? -1 : undefined)
      if (inner !== undefined) copy.push(inner)
      return copy
    }
    return inner === undefined ? { ...container } : { ...container, [open.key]: inner }
  }

  /** The text that is being written. */
  private growing(): string | undefined {
    const inText = this.state === "string" || this.state === "escape" || this.state === "unicode"
    return inText && !this.isKey ? this.text : undefined
  }

  private endOfPlain(piece: string, from: number): number {
    let place = from
    while (place < piece.length) {
      const character = piece.charAt(place)
      if (character === '"' || character === "\\") break
      place++
    }
    return place
  }

  private read(character: string): void {
    switch (this.state) {
      case "string":
        return this.readText(character)
      case "escape":
        return this.readEscape(character)
      case "unicode":
        return this.readUnicode(character)
      case "bare":
        if (/[\w.+-]/.test(character)) {
          this.text += character
          return
        }
        this.endBare()
        return this.isOver ? undefined : this.read(character)
      default:
        return this.readStructure(character)
    }
  }

  private readStructure(character: string): void {
    if (character === "{" || character === "[") this.begin(character === "{" ? {} : [])
    else if (this.state === "before") return
    else if (character === "}" || character === "]") this.close()
    else if (character === '"') {
      this.isKey = this.state === "key"
      this.text = ""
      this.state = "string"
    } else if (character === ":") this.state = "value"
    else if (character === ",") this.state = Array.isArray(this.open.at(-1)?.container) ? "value" : "key"
    else if (this.state === "value" && character.trim() !== "") {
      this.text = character
      this.state = "bare"
    }
  }

  private begin(container: Container): void {
    if (this.open.length === maxDepth || ++this.count > maxPlainValues) {
      this.state = "given up"
      return
    }
    if (this.root === undefined) this.root = container
    else this.add(container)
    this.open.push({ container, key: "", size: 0 })
    this.state = Array.isArray(container) ? "value" : "key"
  }

  private close(): void {
    this.open.pop()
    this.state = this.open.length === 0 ? "done" : "after"
  }

  private add(value: unknown): void {
    const open = this.open.at(-1)
    if (open === undefined) return
    open.size += 1
    if (Array.isArray(open.container)) open.container.push(value)
    else
      Object.defineProperty(open.container, open.key, { value, enumerable: true, writable: true, configurable: true })
    this.state = "after"
  }

  private readText(character: string): void {
    if (character === "\\") this.state = "escape"
    else if (this.isKey) {
      const open = this.open.at(-1)
      if (open !== undefined) open.key = this.text
      this.state = "colon"
    } else this.addScalar(this.text)
  }

  private readEscape(character: string): void {
    if (character === "u") {
      this.digits = ""
      this.state = "unicode"
    } else {
      this.text += escapes[character] ?? character
      this.state = "string"
    }
  }

  private readUnicode(character: string): void {
    this.digits += character
    if (this.digits.length < 4) return
    this.text += String.fromCharCode(Number.parseInt(this.digits, 16))
    this.state = "string"
  }

  private addScalar(value: unknown): void {
    if (++this.count > maxPlainValues) this.state = "given up"
    else this.add(value)
  }

  private endBare(): void {
    try {
      const value: unknown = JSON.parse(this.text)
      this.addScalar(value)
    } catch {
      this.state = "after"
    }
  }
}
