/** Real time, for sockets. A test's clock must not decide how long a connection stays open. */

/** Calls back after so many milliseconds; returns the function that cancels it. */
export const afterMs = (milliseconds: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, milliseconds)
  return () => clearTimeout(timer)
}
