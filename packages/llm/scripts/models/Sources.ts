/** The two packages that prices and abilities are generated from: their installed versions, and when those were published. */
import { readFileSync } from "node:fs"

/** When each version was published, from the registry; a version without a date here stops the script. */
const published: Readonly<Record<string, string>> = {
  "@pydantic/genai-prices@0.1.8": "2026-09-23",
  "@earendil-works/pi-ai@1.5.2": "2026-11-10",
}

/** The folder of an installed package. Its own `exports` hide what is read here. */
export const folderOf = (name: string): URL => new URL(`../../../../node_modules/${name}/`, import.meta.url)

const source = (name: string) => {
  const manifest: unknown = JSON.parse(readFileSync(new URL("package.json", folderOf(name)), "utf8"))
  if (typeof manifest !== "object" || manifest === null || !("version" in manifest))
    throw new Error(`No version: ${name}`)
  const version = String(manifest.version)
  const date = published[`${name}@${version}`]
  if (date === undefined) throw new Error(`Write in Sources.ts when ${name} ${version} was published`)
  return { name, version, date }
}

/** What neither package knows, copied by hand from the maker's own page on the day named. */
export const byHand = {
  name: "platform.claude.com, Pricing",
  version: "",
  date: "2026-11-26",
  anthropic: ["10/50/0.25/12.5/20 =claude-mythos-5-1", "10/50/1/12.5/20 =claude-mythos-5"],
}

export const sources = { first: source("@pydantic/genai-prices"), second: source("@earendil-works/pi-ai") }
