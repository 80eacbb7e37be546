/**
 * The bytes that a caller puts into `data` of an image or a file, as the base64 text that a request holds. A `Blob` can
 * only be read later, so it stays in the copy until then; it cannot change meanwhile.
 */
import * as Result from "effect/Result"
import { isBytes, ownCopy, saidBy, Uncopied } from "./OwnCopy.ts"

/** How many bytes become characters at once, where there is no `Buffer`: more would not fit a call's arguments. */
const sliceLength = 0x8000

const base64 = (bytes: Uint8Array): string => {
  if (typeof Buffer === "function") {
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64")
  }
  let binary = ""
  for (let from = 0; from < bytes.length; from += sliceLength) {
    binary += String.fromCharCode(...bytes.subarray(from, from + sliceLength))
  }
  return btoa(binary)
}

const viewOf = (bytes: ArrayBuffer | SharedArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new Uint8Array(bytes)

const none: ReadonlySet<string> = new Set()

/** The bytes of one call. */
export class PartBytes {
  private texts: Map<Blob, string> | undefined = undefined
  private isRead = false

  /** True where the copy holds a `Blob` that `read` must replace. */
  get hasBlobs(): boolean {
    return this.texts !== undefined
  }

  /** What stands for `data` in the copy of a part. */
  readonly copy = (value: object, owner: object, key: string): Readonly<Record<string, unknown>> | undefined => {
    if (key !== "data" || !isBytes(value) || !("type" in owner)) return undefined
    if (owner.type !== "image" && owner.type !== "file") return undefined
    if (!(value instanceof Blob)) return { data: base64(viewOf(value)) }
    if (!this.isRead) {
      this.texts ??= new Map()
      this.texts.set(value, "")
      return { data: value }
    }
    const data = this.texts?.get(value)
    const isTyped = "mediaType" in owner && owner.mediaType !== undefined
    return isTyped || value.type === "" ? { data } : { data, mediaType: value.type }
  }

  /** The copy again, with the text of each `Blob`. It never rejects. */
  async read(copy: object): Promise<Result.Result<object, Uncopied>> {
    const { texts = new Map<Blob, string>() } = this
    try {
      for (const blob of texts.keys()) texts.set(blob, base64(new Uint8Array(await blob.arrayBuffer())))
    } catch (thrown) {
      return Result.fail(new Uncopied("messages", `hold a Blob that cannot be read: ${saidBy(thrown)}`))
    }
    this.isRead = true
    return ownCopy(copy, none, this.copy)
  }
}
