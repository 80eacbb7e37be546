/** Time as sockets know it. No effect's clock decides how long a connection may stay open, a test's least of all. */

/** Calls back after so many milliseconds; gives what prevents it. */
export const afterMs = (milliseconds: number, callback: () => void): (() => void) => {
  const timer = setTimeout(callback, milliseconds)
  return () => clearTimeout(timer)
}
