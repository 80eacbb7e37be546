/** Which requests are so large that each step of sending them has a turn of the event loop of its own. It measures none. */

/** The lists of messages of large requests: few requests are. */
const large = new WeakSet<object>()

/** Notes that a request is large, by its messages. */
export const noteLarge = ({ messages }: { readonly messages?: unknown }): void => {
  if (typeof messages === "object" && messages !== null) large.add(messages)
}

/** True where a step of sending this request should be followed by a turn of the event loop. */
export const isLarge = (request: { readonly messages: object }): boolean => {
  try {
    return large.has(request.messages)
  } catch {
    // A getter of the program's own, which the check has read once.
    return false
  }
}
