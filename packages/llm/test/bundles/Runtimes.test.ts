/** The built package on every runtime that it promises to run on: out of the checkout, out of its tarball, and alone. */
import { copyFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, beforeAll, describe, it } from "vitest"
import { answers, listen } from "../guide/LoopbackUpstream.ts"
import { build, checkout, run } from "./Built.ts"
import { installPacked, type PackedPackage } from "./PackedPackage.ts"
import { nodeLines, notInstalled, otherRuntimes, type Runtime } from "./Runtimes.ts"

const program = fileURLToPath(new URL("programs/answer.ts", import.meta.url))
const promiseProgram = fileURLToPath(new URL("programs/promise.ts", import.meta.url))

/** Runs a program as its user would: no condition, and nothing in its environment. */
const ask = async ({ args, executable = "" }: Runtime, file: string, entries: ReadonlyArray<string>) => {
  await using upstream = await listen(answers("hello from the upstream"))
  const { stdout } = await run(executable, [...args, file, upstream.url, ...entries], {
    cwd: join(file, ".."),
    env: {},
    timeout: 30_000,
  })
  return { ...JSON.parse(stdout), asked: upstream.requests.map(({ headers }) => headers.authorization) }
}

type Reply = Awaited<ReturnType<typeof ask>>

const assertAnswered = ({ asked, pieces, whole }: Reply): void => {
  assert.notProperty(whole, "error")
  assert.strictEqual(whole.text, "hello from the upstream")
  assert.strictEqual(whole.metadata.usage.totalTokens, 18)
  assert.deepEqual(pieces, ["hello", " from", " the", " upstream"])
  assert.deepEqual(asked, ["Bearer sk-1", "Bearer sk-1"])
}

const assertAlone = ({ city, reason, run, sizes }: Reply): void => {
  assert.deepEqual({ city, reason, run, sizes }, { city: "Paris", reason: "RateLimitError", run: "4", sizes: [4] })
}

let packed: PackedPackage
let alone: PackedPackage

beforeAll(async () => {
  await build()
  packed = await installPacked()
  alone = await installPacked({ alone: true })
  for (const runtime of [...nodeLines, ...otherRuntimes])
    if (runtime.executable === undefined) console.warn(`not tried: ${notInstalled(runtime)}`)
  await copyFile(program, join(packed.folder, "answer.ts"))
  await copyFile(promiseProgram, join(alone.folder, "promise.ts"))
})

afterAll(async () => {
  await packed[Symbol.asyncDispose]()
  await alone[Symbol.asyncDispose]()
})

describe.for(nodeLines)("the built package on $name", (line) => {
  const places = [
    { place: "out of the checkout", file: () => program, entries: () => ["@wiseflow/llm"] },
    { place: "out of its tarball", file: () => join(packed.folder, "answer.ts"), entries: () => packed.entries },
  ]

  it.for(places)("answers whole and in pieces, $place", async ({ entries, file }, { skip }) => {
    if (line.executable === undefined) return skip(notInstalled(line))
    const modules = entries().filter((entry) => !entry.endsWith(".json"))
    const reply = await ask(line, file(), modules)
    assert.match(reply.version, new RegExp(`^v${line.major}\\.`))
    assert.match(reply.library, /dist\/index\.js$/)
    assertAnswered(reply)
  })
})

describe.for(nodeLines)("the promise entry, with nothing beside it, on $name", (line) => {
  it("answers, streams, runs tools, gives values and fails as data", async ({ skip }) => {
    if (line.executable === undefined) return skip(notInstalled(line))
    const reply = await ask(line, join(alone.folder, "promise.ts"), [])
    assert.match(reply.library, /dist\/promise\/node\/promise\.js$/)
    assertAnswered(reply)
    assertAlone(reply)
  })
})

describe.for(otherRuntimes)("the built package on $name", (runtime) => {
  it("answers whole and in pieces, out of its tarball", async ({ skip }) => {
    if (runtime.executable === undefined) return skip(notInstalled(runtime))
    const reply = await ask(runtime, join(packed.folder, "answer.ts"), ["@wiseflow/llm/testing"])
    assert.match(reply.library, /dist\/index\.js$/)
    assertAnswered(reply)
  })

  it("answers from its promise entry, with nothing beside it", async ({ skip }) => {
    if (runtime.executable === undefined) return skip(notInstalled(runtime))
    const reply = await ask(runtime, join(alone.folder, "promise.ts"), [])
    assert.match(reply.library, /dist\/promise\/bun\/promise\.js$/)
    assertAnswered(reply)
    assertAlone(reply)
  })
})

describe("the types of the promise entry", () => {
  it("are whole without effect, and strict", async () => {
    const options = ["--noEmit", "--strict", "--exactOptionalPropertyTypes", "--skipLibCheck", "false"]
    const language = [
      "--module",
      "nodenext",
      "--target",
      "es2023",
      "--lib",
      "es2023,esnext.disposable,dom,dom.iterable",
    ]
    const types = ["--types", "node", "--typeRoots", join(checkout, "node_modules/@types")]
    const tsc = join(checkout, "node_modules/typescript/bin/tsc")
    const result = await run(process.execPath, [tsc, ...options, ...language, ...types, "promise.ts"], {
      cwd: alone.folder,
    }).catch((failed: { readonly stdout: string }) => failed)
    assert.strictEqual(result.stdout, "")
  })
})

describe("the checkout's own node", () => {
  it("is the pinned line, whatever else is installed", async () => {
    const { stdout } = await run(join(checkout, "node_modules/.bin/node"), ["--version"])
    assert.match(stdout, /^v24\./)
  })
})
