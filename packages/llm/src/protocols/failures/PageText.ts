/** The words of a page of HTML, or of plain text: its title, else what it shows. Read once, from left to right. */

/** How much of a page is looked at: what it says of a failure stands at its beginning. */
const longestPage = 16 * 1024

/** The text between a tag and its end, in lower-case `page` where `text` stands. */
const between = (text: string, page: string, tag: string): string | undefined => {
  const start = page.indexOf(">", page.indexOf(`<${tag}`))
  const end = page.indexOf(`</${tag}`, start)
  return end < 0 ? undefined : text.slice(start + 1, end).trim()
}

/** A text without its tags, and with one blank for many. */
const withoutTags = (text: string): string => {
  let words = ""
  for (let at = 0; ;) {
    const tag = text.indexOf("<", at)
    words += text.slice(at, tag < 0 ? text.length : tag)
    const end = tag < 0 ? -1 : text.indexOf(">", tag)
    if (end < 0) break
    words += " "
    at = end + 1
  }
  return words.split(/\s/).filter(Boolean).join(" ")
}

/** What the body of a failing response says to a person. Empty where it says nothing. */
export const pageText = (body: string): string => {
  const text = body.trimStart().slice(0, longestPage).trimEnd()
  if (!text.startsWith("<")) return text
  const page = text.toLowerCase()
  return (
    between(text, page, "title") ||
    between(text, page, "h1") ||
    withoutTags(between(text, page, "body") ?? text) ||
    text
  )
}
