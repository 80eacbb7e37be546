/** Markdown tables. */

/** A table whose first column is text and whose other columns are numbers. */
export const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [
    `| ${head.join(" | ")} |`,
    `| ${head.map((_, index) => (index === 0 ? "---" : "--:")).join(" | ")} |`,
    ...rows.map((row) => `| ${row.join(" | ")} |`),
  ].join("\n")

/** A number in as many digits as it deserves. */
export const digits = (value: number): string => {
  if (!Number.isFinite(value)) return "–"
  const size = Math.abs(value)
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
}

export const times = (ratio: number): string => (Number.isFinite(ratio) ? `${digits(ratio)} ×` : "–")
