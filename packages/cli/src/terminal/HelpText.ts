/** Help set to the width of the terminal: names on the left, what they mean on the right, or below where it is narrow. */
import { styleText } from "node:util"
import type { HelpDoc } from "effect/cli"
import * as Option from "effect/Option"
import { wrapped } from "./Wrap.ts"

/** One name and what it means. */
interface Row {
  readonly name: string
  readonly text: string
}

const flagRow = (flag: HelpDoc.FlagDoc): Row => ({
  name: [`--${flag.name}`, ...flag.aliases].join(", ") + (flag.type === "boolean" ? "" : ` ${flag.type}`),
  text: Option.getOrElse(flag.description, () => ""),
})

const argumentRow = (argument: HelpDoc.ArgDoc): Row => ({
  name: `${argument.name}${argument.variadic ? " ..." : ""}`,
  text: Option.getOrElse(argument.description, () => ""),
})

/** Help for `columns` columns, with or without colours. */
export const helpText = (doc: HelpDoc.HelpDoc, columns: number, colors: boolean): string => {
  const bold = (text: string) => (colors ? styleText("bold", text, { validateStream: false }) : text)
  const green = (text: string) => (colors ? styleText("green", text, { validateStream: false }) : text)
  const width = Math.max(40, Math.min(columns, 110))
  const sections: Array<string> = []
  const paragraph = (text: string, indent: number) =>
    wrapped(text, width - indent)
      .map((line) => " ".repeat(indent) + line)
      .join("\n")
  const table = (title: string, rows: ReadonlyArray<Row>) => {
    if (rows.length === 0) return
    const widest = Math.min(26, Math.max(...rows.map(({ name }) => name.length)))
    const isNarrow = width < 72
    const lines = rows.map(({ name, text }) => {
      if (isNarrow) return `  ${green(name)}\n${paragraph(text, 6)}`
      const [first = "", ...rest] = wrapped(text, width - widest - 4)
      const below = rest.map((line) => " ".repeat(widest + 4) + line)
      return name.length > widest
        ? [`  ${green(name)}`, ...[first, ...rest].map((line) => " ".repeat(widest + 4) + line)].join("\n")
        : [`  ${green(name)}${" ".repeat(widest - name.length + 2)}${first}`, ...below].join("\n")
    })
    sections.push(`${bold(title)}\n${lines.join("\n")}`)
  }
  sections.push(paragraph(doc.description, 0))
  sections.push(`${bold("Usage")}\n  ${doc.usage}`)
  table(
    "Subcommands",
    (doc.subcommands ?? []).flatMap(({ commands }) =>
      commands.map(({ description, name, shortDescription }) => ({ name, text: shortDescription ?? description })),
    ),
  )
  table("Arguments", (doc.args ?? []).map(argumentRow))
  table("Flags", doc.flags.map(flagRow))
  table("Flags of every subcommand", (doc.globalFlags ?? []).map(flagRow))
  const examples = (doc.examples ?? []).map(
    ({ command, description = "" }) => `  ${command}\n${paragraph(description, 6)}`,
  )
  if (examples.length > 0) sections.push(`${bold("Examples")}\n${examples.join("\n")}`)
  return `${sections.filter(Boolean).join("\n\n")}\n`
}
