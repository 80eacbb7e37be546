/** docs/getting-started.md lists every option, every field of a request and everything that an answer tells. */
import { readFileSync } from "node:fs"
import { expect, it } from "vitest"
import { AttemptRecord, FinishReason, LLMInterface, LlmRequest, ResponseMetadata, Usage } from "../../src/index.ts"

const page = readFileSync(new URL("../../../../docs/getting-started.md", import.meta.url), "utf8")

const section = (title: string): string => page.split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? ""
const codes = (text: string): ReadonlyArray<string> => [...text.matchAll(/`(\w+)`/g)].map(([, name = ""]) => name)
const firstCells = (text: string): ReadonlyArray<string> =>
  [...text.matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell = ""]) => codes(cell))
const between = (text: string, start: string, end: string): string => text.split(start)[1]?.split(end)[0] ?? ""

it("lists the options of an interface", async () => {
  const options: object = { qqqqqqqqqqqqqqqqqqqq: 1 }
  const response = await new LLMInterface(options).generate({ messages: [{ role: "user", content: "Hi" }] })
  const names = "error" in response ? response.error.split("there are ")[1]?.split(", ") : undefined
  expect(firstCells(section("Options")).toSorted()).toEqual(names?.toSorted())
})

it("lists the fields of a request", () => {
  const listed = codes(between(section("Options"), "beside the request:", "(fields in a provider's own words"))
  expect(listed.toSorted()).toEqual(Object.keys(LlmRequest.fields).toSorted())
})

it("lists what metadata and attempts hold", () => {
  const answers = section("What an answer tells")
  expect(firstCells(answers).toSorted()).toEqual(Object.keys(ResponseMetadata.fields).toSorted())
  const attempts = codes(between(answers, "A record of `attempts` has", ".\n\n"))
  expect(attempts.toSorted()).toEqual(Object.keys(AttemptRecord.fields).toSorted())
  for (const name of Object.keys(Usage.fields)) expect(answers).toContain(`\`${name}\``)
  for (const reason of FinishReason.literals) expect(answers).toContain(`\`${reason}\``)
})
