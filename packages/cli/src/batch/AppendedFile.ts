/**
 * A file that only grows, line by line. What was appended is handed to the system at once and to the disk in groups; what a
 * killed writer left half-written is cut off when it is opened again.
 */
import { createReadStream } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { type Line, linesOf } from "./Lines.ts"

/** How long lines wait for others before they are put on the disk together. */
const groupMs = 100

/** Above so many waiting bytes, who appends waits. */
const mostWaiting = 8 * 1024 * 1024

export class AppendedFile {
  private readonly path: string
  private readonly handle: FileHandle
  private position: number
  private waiting: Array<string> = []
  private waitingLength = 0
  private writing: Promise<void> | undefined
  private timer: NodeJS.Timeout | undefined
  private syncing: Promise<void> | undefined
  private failure: unknown

  private constructor(path: string, handle: FileHandle, position: number) {
    this.path = path
    this.handle = handle
    this.position = position
  }

  /**
   * Opens a file, a new one where there is none. `see` is told each line of it and where it begins, also half a line at its
   * end, which is cut off then; where it throws, the file stays as it is.
   */
  static async open(path: string, see: (line: Line, start: number) => void): Promise<AppendedFile> {
    const handle = await open(path, "a+")
    try {
      let end = 0
      for await (const line of linesOf(createReadStream(path))) {
        see(line, end)
        if (line.isEnded) end = line.end
      }
      await handle.truncate(end)
      return new AppendedFile(path, handle, end)
    } catch (problem) {
      await handle.close()
      throw problem
    }
  }

  /** Appends a line. Resolves with where it begins, once the system has it. Rejects where the disk does. */
  async append(line: string): Promise<number> {
    if (this.failure !== undefined) throw this.failure
    const text = `${line}\n`
    const place = this.position
    this.position += Buffer.byteLength(text)
    this.waiting.push(text)
    this.waitingLength += text.length
    await (this.writing ??= this.write())
    while (this.waitingLength > mostWaiting) await this.writing
    return place
  }

  /** Resolves once everything that was appended is on the disk. */
  async flush(): Promise<void> {
    await this.writing
    if (this.failure !== undefined) throw this.failure
    await this.handle.datasync()
  }

  /** The line that begins at `place`. */
  async read(place: number): Promise<string> {
    for await (const { text } of linesOf(createReadStream(this.path, { start: place }))) {
      return text ?? ""
    }
    return ""
  }

  /** Puts everything on the disk, and closes the file. */
  async close(): Promise<void> {
    await this.writing?.catch(() => {})
    clearTimeout(this.timer)
    await this.syncing
    if (this.failure === undefined) await this.handle.datasync()
    await this.handle.close()
    if (this.failure !== undefined) throw this.failure
  }

  private async write(): Promise<void> {
    // Lines that come in the same turn are written together.
    await Promise.resolve()
    try {
      while (this.waiting.length > 0) {
        const text = this.waiting.join("")
        this.waiting = []
        this.waitingLength = 0
        await this.handle.appendFile(text)
      }
      this.timer ??= setTimeout(() => this.sync(), groupMs)
    } catch (failure) {
      this.failure = failure
      throw failure
    } finally {
      this.writing = undefined
    }
  }

  private sync(): void {
    this.timer = undefined
    this.syncing = this.handle.datasync().catch((failure: unknown) => {
      this.failure = failure
    })
  }
}
