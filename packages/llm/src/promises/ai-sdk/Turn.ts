/** A turn of the event loop between two pieces of work, so that clocks and aborts can act. It needs no package. */

// Kept from the start: a program's tests may put clocks of their own in their place, which stand still.
const schedule: (act: () => void) => unknown =
  "setImmediate" in globalThis ? globalThis.setImmediate : (act) => setTimeout(act, 0)

/** Resolves in the next turn. */
export const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    schedule(resolve)
  })
