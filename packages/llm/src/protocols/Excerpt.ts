/**
 * Short pieces of received text, for messages and errors. The work is bounded like the text: a value that is deep or huge
 * costs no more than what is shown of it.
 */

/** The first `length` characters, the last of them `…` where there were more; never half a surrogate pair. */
export const bounded = (text: string, length: number): string => {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 2)
  return `${text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 2 : length - 1)}…`
}

const excerptLength = 500
const excerptDepth = 16

/** JSON as far as it fits. */
class JsonPiece {
  text = ""

  isFull(): boolean {
    return this.text.length > excerptLength
  }

  write(value: unknown, depth: number): void {
    if (typeof value === "string") this.text += JSON.stringify(value.slice(0, excerptLength))
    else if (typeof value !== "object" || value === null) this.text += String(value)
    else if (depth === excerptDepth) this.text += Array.isArray(value) ? "[…]" : "{…}"
    else if (Array.isArray(value)) this.writeArray(value, depth)
    else this.writeObject(value, depth)
  }

  private writeArray(values: ReadonlyArray<unknown>, depth: number): void {
    this.text += "["
    for (let index = 0; index < values.length && !this.isFull(); index++) {
      if (index > 0) this.text += ","
      this.write(values[index], depth + 1)
    }
    this.text += "]"
  }

  private writeObject(object: object, depth: number): void {
    this.text += "{"
    let isFirst = true
    // Not the entries: a list of a hundred thousand of them costs more than the parsing did.
    for (const key in object) {
      if (this.isFull()) break
      this.text += `${isFirst ? "" : ","}${JSON.stringify(key.slice(0, excerptLength))}:`
      this.write(Reflect.get(object, key), depth + 1)
      isFirst = false
    }
    this.text += "}"
  }
}

/** A piece of a value that was parsed from JSON, at most 500 characters: text as it is, everything else as JSON. */
export const excerptOf = (value: unknown): string => {
  if (typeof value === "string") return bounded(value, excerptLength)
  const piece = new JsonPiece()
  piece.write(value, 0)
  return bounded(piece.text, excerptLength)
}
