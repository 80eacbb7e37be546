/** Rows in columns. On a terminal that is too narrow the widest column is cut, and says so with `…`. */
import { CliOutput } from "effect/cli"
import { escaped } from "./SafeText.ts"

/** A column: its title, and whether it holds numbers, which stand on the right. */
export interface Column {
  readonly title: string
  readonly isNumber?: boolean
}

const { displayWidth } = CliOutput

const cut = (text: string, width: number): string => {
  if (displayWidth(text) <= width) return text
  let kept = ""
  for (const character of text) {
    if (displayWidth(kept + character) > width - 1) break
    kept += character
  }
  return `${kept}…`
}

/** The lines of a table, the titles first; `columns` is the room, undefined for as much as is needed. */
export const tableLines = (
  columns: ReadonlyArray<Column>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  room: number | undefined,
): ReadonlyArray<string> => {
  const cells = [columns.map(({ title }) => title), ...rows.map((row) => row.map(escaped))]
  const widths = columns.map((_, at) => cells.reduce((widest, row) => Math.max(widest, displayWidth(row[at] ?? "")), 0))
  const gaps = 2 * (columns.length - 1)
  const excess = widths.reduce((sum, width) => sum + width, 0) + gaps - (room ?? Infinity)
  const widest = widths.indexOf(Math.max(...widths))
  if (excess > 0) widths[widest] = Math.max(8, (widths[widest] ?? 0) - excess)
  return cells.map((row) =>
    row
      .map((cell, at) => {
        const text = cut(cell, widths[at] ?? 0)
        const space = " ".repeat(Math.max(0, (widths[at] ?? 0) - displayWidth(text)))
        return columns[at]?.isNumber === true ? space + text : text + space
      })
      .join("  ")
      .trimEnd(),
  )
}
