/** That no service and no kind of request is known anywhere but in the tables of them. */
import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { type Asked, kinds, kindOf, traitsOf } from "../../../src/policies/mechanisms/Around.ts"
import { overServices } from "../../../src/policies/mechanisms/ServiceTable.ts"

const src = new URL("../../../src/", import.meta.url)
const packages = new URL("../../../../", import.meta.url)

const sourcesIn = (folder: URL) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => ({ file, text: readFileSync(new URL(file, folder), "utf8") }))

const rows = overServices<ReadonlyArray<string>>([], (into, { tag }) => [...into, tag.key])

describe("the table of services", () => {
  const declared = sourcesIn(new URL("model/", src)).flatMap(({ text }) =>
    [...text.matchAll(/class (\w+) extends Context\.Service<(.*?)>\(\)\("([^"]+)"\)/gs)].map(
      ([, tag = "", shape = "", key = ""]) => ({ tag, shape, key }),
    ),
  )

  const served = declared.filter(({ key }) => rows.includes(key)).map(({ tag }) => tag)

  it("has a row for each service of the model that has a name and targets, and for nothing else", () => {
    const services = declared.filter(({ shape }) => /\bname: /.test(shape) && /\btargets\?: /.test(shape))
    expect(services.length).toBeGreaterThan(2)
    expect(rows.toSorted()).toEqual(services.map(({ key }) => key).toSorted())
  })

  it("is the one place of the policies that names the tags, beside those that are for one service alone", () => {
    const tags = new RegExp(`\\b(${served.join("|")})\\b`)
    const ownTo = new Set(["Batches.ts", "Defaults.ts", "Policy.ts", "mechanisms/ServiceTable.ts"])
    const values = sourcesIn(new URL("policies/", src)).flatMap(({ file, text }) => {
      const imported = [...text.matchAll(/^import \{([^}]*)\} from/gm)].map(([, names = ""]) => names)
      const used = imported
        .join(",")
        .split(",")
        .filter((name) => !/^\s*type /.test(name))
      return used.some((name) => tags.test(name)) ? [file.replaceAll("\\", "/")] : []
    })
    expect(values.filter((file) => !ownTo.has(file))).toEqual([])
    expect(values).toContain("mechanisms/ServiceTable.ts")
  })

  it("is what docs/extending.md says that policies serve", () => {
    const page = readFileSync(new URL("../docs/extending.md", packages), "utf8")
    const said = /^The services that policies serve are ([^;]*);/m.exec(page)?.[1] ?? ""
    expect([...said.matchAll(/`(\w+)`/g)].map(([, tag]) => tag).toSorted()).toEqual(served.toSorted())
  })
})

describe("the table of kinds", () => {
  it("is the one place that tells kinds of requests apart: no file reads `about` or looks for `inputs`", () => {
    const telling =
      /\.about\b|["']inputs["'] in |\b(about|inputs) [!=]==? (undefined|null)|\bhasProperty\([^)]*"inputs"/
    const folders = readdirSync(packages).map((name) => new URL(`${name}/src/`, packages))
    const offending = folders
      .flatMap(sourcesIn)
      .flatMap(({ file, text }) => (telling.test(text) ? [file.replaceAll("\\", "/")] : []))
    expect(offending).toEqual(["policies/mechanisms/Around.ts"])
  })

  it("has a request that asks for models by what it says, else for vectors where it has texts, else for an answer", () => {
    const requests = [
      {},
      { inputs: [] },
      { about: "models" },
      { about: "tokens" },
      { about: "tokens", inputs: [] },
    ] as const
    expect(requests.map(kindOf)).toEqual(["answer", "embeddings", "models", "tokens", "tokens"])
  })

  it("has a row for any request, whatever a program without types put into it", () => {
    const odd = fc.oneof(fc.anything(), fc.constantFrom("constructor", "__proto__", "toString", "models"))
    fc.assert(
      fc.property(odd, odd, (about, inputs) => {
        expect(Object.values(kinds)).toContain(traitsOf({ about, inputs } as Asked))
      }),
    )
  })
})
