/** The built package on every Node line that it promises to run on: out of the checkout, and out of its tarball. */
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { answers, listen } from "../guide/LoopbackUpstream.ts"
import { build, checkout, run } from "./Built.ts"
import { nodeLines, notInstalled } from "./NodeLines.ts"
import { installPacked, type PackedPackage } from "./PackedPackage.ts"

const program = fileURLToPath(new URL("programs/answer.ts", import.meta.url))

/** Runs the program with plain Node: no condition, and nothing in its environment. */
const ask = async (executable: string, file: string, entries: ReadonlyArray<string>) => {
  await using upstream = await listen(answers("hello from the upstream"))
  const { stdout } = await run(executable, [file, upstream.url, ...entries], { env: {}, timeout: 30_000 })
  return { ...JSON.parse(stdout), asked: upstream.requests.map(({ headers }) => headers.authorization) }
}

let packed: PackedPackage

beforeAll(async () => {
  await build()
  packed = await installPacked()
  for (const line of nodeLines) if (line.executable === undefined) console.warn(`not tried: ${notInstalled(line)}`)
  await copyFile(program, join(packed.folder, "answer.ts"))
}, 120_000)

afterAll(() => packed[Symbol.asyncDispose]())

describe.for(nodeLines)("the built package on Node $major", { timeout: 60_000 }, (line) => {
  const { executable, major } = line
  const places = [
    { place: "out of the checkout", file: () => program, entries: () => ["@wiseflow/llm"] },
    { place: "out of its tarball", file: () => join(packed.folder, "answer.ts"), entries: () => packed.entries },
  ]

  it.for(places)("answers whole and in pieces, $place", async ({ entries, file }, { skip }) => {
    if (executable === undefined) return skip(notInstalled(line))
    const modules = entries().filter((entry) => !entry.endsWith(".json"))
    const { asked, library, pieces, version, whole } = await ask(executable, file(), modules)
    assert.match(version, new RegExp(`^v${major}\\.`))
    assert.match(library, /dist\/index\.js$/)
    assert.notProperty(whole, "error")
    assert.strictEqual(whole.text, "hello from the upstream")
    assert.strictEqual(whole.metadata.usage.totalTokens, 18)
    assert.deepEqual(pieces, ["hello", " from", " the", " upstream"])
    assert.deepEqual(asked, ["Bearer sk-1", "Bearer sk-1"])
  })
})

describe("the tarball", () => {
  it("holds what is built and its source, and no test, script or note of the compiler's", () => {
    const folders = new Set(packed.files.map((file) => file.split("/")[0]))
    assert.sameMembers([...folders], ["LICENSE", "README.md", "dist", "package.json", "src"])
    assert.isEmpty(packed.files.filter((file) => /tsbuildinfo|\.test\./.test(file)))
  })

  it("offers every entry of its manifest", () => {
    assert.includeMembers([...packed.entries], ["@wiseflow/llm", "@wiseflow/llm/testing", "@wiseflow/llm/effect-ai"])
  })
})

describe("the checkout's own node", () => {
  it("is the pinned line, whatever else is installed", async () => {
    const { stdout } = await run(join(checkout, "node_modules/.bin/node"), ["--version"])
    assert.match(stdout, /^v24\./)
  })
})
