/** How a line of the price table says which models it is for: one operator, and the text that it compares. */

/** True where a lower-cased name fits the rule; the table's header explains its first character. */
export const fits = (rule: string, model: string): boolean => {
  const operand = rule.slice(1)
  switch (rule[0]) {
    case "=":
      return model === operand
    case "^":
      return model.startsWith(operand)
    case "$":
      return model.endsWith(operand)
    case "*":
      return model.includes(operand)
    case "~":
      return new RegExp(operand).test(model)
    default:
      return false
  }
}
