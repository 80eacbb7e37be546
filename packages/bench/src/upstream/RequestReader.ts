/**
 * Cuts HTTP/1.1 requests out of the bytes of one connection: just enough for what client libraries send, so that the
 * upstream costs little beside the client that is measured.
 */

export interface IncomingRequest {
  readonly path: string
  readonly body: Buffer
}

const headEnd = "\r\n\r\n"

/** The bytes of a chunked body from `start`, and where they end; `undefined` until the last chunk is here. */
const readChunked = (bytes: Buffer, start: number): { readonly body: Buffer; readonly end: number } | undefined => {
  const chunks: Array<Buffer> = []
  let at = start
  for (;;) {
    const lineEnd = bytes.indexOf("\r\n", at)
    if (lineEnd < 0) return undefined
    const size = Number.parseInt(bytes.toString("latin1", at, lineEnd), 16)
    const next = lineEnd + 2 + size + 2
    if (next > bytes.length) return undefined
    if (size === 0) return { body: Buffer.concat(chunks), end: next }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = next
  }
}

/** A function to feed one connection's bytes to; it calls `onRequest` for each complete request. */
export const requestReader = (onRequest: (request: IncomingRequest) => void): ((bytes: Buffer) => void) => {
  let waiting: Array<Buffer> = []
  let waitingBytes = 0
  let neededBytes = 0
  return (bytes) => {
    waiting.push(bytes)
    waitingBytes += bytes.length
    if (waitingBytes < neededBytes) return
    let rest = waiting.length === 1 ? bytes : Buffer.concat(waiting)
    neededBytes = 0
    while (rest.length > 0) {
      const headLength = rest.indexOf(headEnd)
      if (headLength < 0) break
      const head = rest.toString("latin1", 0, headLength)
      const bodyStart = headLength + headEnd.length
      const path = head.slice(head.indexOf(" ") + 1, head.indexOf(" HTTP/1.1"))
      if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
        const chunked = readChunked(rest, bodyStart)
        if (chunked === undefined) break
        rest = rest.subarray(chunked.end)
        onRequest({ path, body: chunked.body })
        continue
      }
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      if (rest.length < bodyStart + length) {
        neededBytes = bodyStart + length
        break
      }
      const body = rest.subarray(bodyStart, bodyStart + length)
      rest = rest.subarray(bodyStart + length)
      onRequest({ path, body })
    }
    waiting = rest.length === 0 ? [] : [rest]
    waitingBytes = rest.length
  }
}
