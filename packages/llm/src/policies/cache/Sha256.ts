/**
 * SHA-256 (FIPS 180-4) of a text, at once and on every platform: Web Crypto only gives it later, and in browsers only to
 * pages over HTTPS. It names entries; nothing secret depends on the time that it takes.
 */

const primes: ReadonlyArray<number> = (() => {
  const found: Array<number> = []
  for (let number = 2; found.length < 64; number++) {
    if (found.every((prime) => number % prime !== 0)) found.push(number)
  }
  return found
})()

/** The first 32 bits of the fractional part. */
const fraction = (root: number): number => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0

const roundConstants = Int32Array.from(primes, (prime) => fraction(Math.cbrt(prime)))
const initial = Int32Array.from(primes.slice(0, 8), (prime) => fraction(Math.sqrt(prime)))

/** The bytes with a 1 bit, zeros, and their length in bits, in blocks of 64. */
const padded = (bytes: Uint8Array): DataView => {
  const blocks = Math.ceil((bytes.length + 9) / 64)
  const whole = new Uint8Array(blocks * 64)
  whole.set(bytes)
  whole[bytes.length] = 0x80
  const view = new DataView(whole.buffer)
  view.setUint32(whole.length - 8, Math.floor(bytes.length / 2 ** 29))
  view.setUint32(whole.length - 4, (bytes.length << 3) >>> 0)
  return view
}

const schedule = new Int32Array(64)

/** Works one block of 64 bytes into the state. */
const work = (state: Int32Array, message: DataView, block: number): void => {
  const words = schedule
  const constants = roundConstants
  for (let at = 0; at < 16; at++) words[at] = message.getInt32(block + at * 4)
  for (let at = 16; at < 64; at++) {
    const early = words[at - 15] ?? 0
    const late = words[at - 2] ?? 0
    const s0 = ((early >>> 7) | (early << 25)) ^ ((early >>> 18) | (early << 14)) ^ (early >>> 3)
    const s1 = ((late >>> 17) | (late << 15)) ^ ((late >>> 19) | (late << 13)) ^ (late >>> 10)
    words[at] = ((((words[at - 16] ?? 0) + s0) | 0) + (((words[at - 7] ?? 0) + s1) | 0)) | 0
  }
  let a = state[0] ?? 0
  let b = state[1] ?? 0
  let c = state[2] ?? 0
  let d = state[3] ?? 0
  let e = state[4] ?? 0
  let f = state[5] ?? 0
  let g = state[6] ?? 0
  let h = state[7] ?? 0
  for (let at = 0; at < 64; at++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const first = (((h + s1) | 0) + ((((e & f) ^ (~e & g)) + (((constants[at] ?? 0) + (words[at] ?? 0)) | 0)) | 0)) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const second = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + first) | 0
    d = c
    c = b
    b = a
    a = (first + second) | 0
  }
  state[0] = ((state[0] ?? 0) + a) | 0
  state[1] = ((state[1] ?? 0) + b) | 0
  state[2] = ((state[2] ?? 0) + c) | 0
  state[3] = ((state[3] ?? 0) + d) | 0
  state[4] = ((state[4] ?? 0) + e) | 0
  state[5] = ((state[5] ?? 0) + f) | 0
  state[6] = ((state[6] ?? 0) + g) | 0
  state[7] = ((state[7] ?? 0) + h) | 0
}

/** The digest of a text in UTF-8, as 64 hexadecimal digits. */
export const sha256 = (text: string): string => {
  const message = padded(new TextEncoder().encode(text))
  const state = Int32Array.from(initial)
  for (let block = 0; block < message.byteLength; block += 64) work(state, message, block)
  return Array.from(state, (word) => (word >>> 0).toString(16).padStart(8, "0")).join("")
}
