/** Server-sent events by hand: only `data:` lines that end in a line feed, which is all that the upstream sends. */

/** Gives the content of each `data:` line of `texts` to `onData`. */
export const readDataLines = async (texts: AsyncIterable<string>, onData: (data: string) => void): Promise<void> => {
  let rest = ""
  for await (const text of texts) {
    const known = rest + text
    let start = 0
    for (;;) {
      const end = known.indexOf("\n", start)
      if (end < 0) break
      if (known.startsWith("data: ", start)) onData(known.slice(start + 6, end))
      start = end + 1
    }
    rest = known.slice(start)
  }
}
