/** A proxy that did not carry a request. It names the proxy by its origin, never by its credentials. */
export class ProxyError extends Error {
  override readonly name = "ProxyError"
  /** The system's code, where the proxy could not be reached. */
  readonly code: string | undefined

  constructor(proxy: string, problem: string, code?: string) {
    super(`the proxy ${proxy} ${problem}`)
    this.code = code
  }
}

/** What a proxy says by a status other than success. */
export const refusal = (status: number): string =>
  status === 407
    ? "refused the connection with 407: it wants credentials, as in http://user:password@proxy"
    : `refused the connection with ${status}`
