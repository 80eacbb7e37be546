/** Cuts Markdown that is still being written into blocks that are complete and the one that is not. It renders nothing. */

/** Complete blocks, and what may still change. */
export interface MarkdownBlocks {
  readonly complete: string
  readonly open: string
}

const fence = /^ {0,3}(`{3,}|~{3,})/

/** Cuts at the last blank line that is in no fenced code. */
export const cutBlocks = (markdown: string): MarkdownBlocks => {
  let fencedBy: string | undefined
  let cut = 0
  let at = 0
  for (const line of markdown.split("\n").slice(0, -1)) {
    const mark = fence.exec(line)?.[1]
    at += line.length + 1
    if (fencedBy === undefined) {
      if (mark !== undefined) fencedBy = mark
      else if (line.trim() === "") cut = at
    } else if (mark !== undefined && mark.startsWith(fencedBy) && line.trim() === mark) {
      fencedBy = undefined
      cut = at
    }
  }
  return { complete: markdown.slice(0, cut), open: markdown.slice(cut) }
}
