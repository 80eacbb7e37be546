/** What a model is called under the names that services give it: by this name the tables are asked. */

/**
 * The name that makers give a model, from the names that services give it: without `provider/` prefixes, a fine-tune's
 * frame (`ft:gpt-4o:org::id`), a region and version (`us.anthropic.claude-…-v1:0`), and with `.` for `-` in Claude's
 * versions (OpenRouter's `claude-sonnet-4.5`).
 */
export const bareModelName = (model: string): string => {
  const name = model
    .slice(model.lastIndexOf("/") + 1)
    .toLowerCase()
    .replace(/^ft:/, "")
    .replace(/^([a-z]+\.)?anthropic\./, "")
  if (!name.startsWith("claude-")) return name
  const dashed = name.replaceAll(".", "-")
  // OpenRouter writes both `claude-opus-4.7` and `claude-4.7-opus`; `claude-3-5-sonnet` is the maker's own older order.
  return dashed.replace(/^claude-((?:[4-9]|\d\d)(?:-\d{1,2})?)-(opus|sonnet|haiku)/, "claude-$2-$1")
}
