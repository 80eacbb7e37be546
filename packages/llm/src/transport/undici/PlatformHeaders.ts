/** What requests from Node say of themselves. */

/** The version of this package. `npm run version` writes it, and a test compares it with package.json. */
export const version = "0.1.0"

/** No coding is asked for: what answers save in bytes they cost again in time, on both sides. */
export const platformHeaders: Readonly<Record<string, string>> = {
  "user-agent": `wiseflow-llm/${version}`,
  "accept-encoding": "identity",
}
