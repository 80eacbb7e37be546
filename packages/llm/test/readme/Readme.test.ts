/** Every program in the READMEs is an example file that runs, and every setting, error and link in them is real. */
import { readdirSync, readFileSync } from "node:fs"
import { assert, describe, it } from "@effect/vitest"
import { verdicts } from "../../src/model/LlmError.ts"
import { names, rows, variablesOf } from "../../src/providers/Registry.ts"
import { answers, inTurn, listen, refuses } from "../guide/LoopbackUpstream.ts"
import { packageReadme } from "../../scripts/PackageReadme.ts"
import { runProgram } from "../guide/ProgramRun.ts"

const root = new URL("../../../../", import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), "utf8")

const pages = ["README.md", "packages/llm/README.md", "packages/cli/README.md"]
const examples = new Map(
  readdirSync(new URL("examples/", root))
    .filter((name) => name.endsWith(".ts"))
    .map((name) => [name, read(`examples/${name}`).trim()] as const),
)
const blocks = (page: string, language: string): ReadonlyArray<string> =>
  [...read(page).matchAll(/^```(\w*)\n(.*?)^```$/gms)].flatMap(([, name, block = ""]) =>
    name === language ? [block.trim()] : [],
  )

/** The first column of every table row, as code. */
const firstCells = (page: string): ReadonlyArray<string> =>
  [...read(page).matchAll(/^\| (`[^|]*)\|/gm)].flatMap(([, cell = ""]) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code),
  )

/** Every variable that the library's source reads. */
const variablesRead = (): ReadonlySet<string> => {
  const sources = readdirSync(new URL("packages/llm/src/", root), { recursive: true, encoding: "utf8" })
  const names = new Set<string>()
  for (const source of sources.filter((name) => name.endsWith(".ts"))) {
    const text = read(`packages/llm/src/${source}`)
    for (const [, name = ""] of text.matchAll(
      /"((?:LLM|PRIMARY|SECONDARY|EMBEDDING|WISEFLOW|OPENAI|ANTHROPIC|AZURE|LITELLM_PROXY|HTTPS?|NO)_[A-Z_]+|DEPLOYMENTS)"/g,
    )) {
      names.add(name)
    }
  }
  return names
}

describe("the READMEs", () => {
  it("hold no program that is not an example file", () => {
    const programs = [...examples.values()]
    for (const page of pages) for (const block of blocks(page, "ts")) assert.include(programs, block, page)
  })

  it("show every example", () => {
    const shown = blocks("README.md", "ts")
    for (const [name, example] of examples) assert.include(shown, example, name)
  })

  it("name only commands that exist", () => {
    const { scripts }: { readonly scripts: Record<string, string> } = JSON.parse(read("package.json"))
    const commands = pages.flatMap((page) => blocks(page, "sh")).join("\n")
    assert.match(commands, /^npm ci && npm start -- "Hello, world!"$/m)
    assert.match(commands, /^npm ci && npm test$/m)
    for (const [, run] of commands.matchAll(/npm (start|test)/g)) assert.property(scripts, run ?? "")
  })

  it("list exactly the variables that the library reads, but for the services' own", () => {
    const listed = new Set(firstCells("README.md").filter((name) => /^[A-Z_]+$/.test(name)))
    const services = rows.filter(({ name }) => !["openai", "anthropic", "azure", "litellm"].includes(name))
    const own = new Set(services.flatMap(variablesOf))
    const expected = [...new Set([...variablesRead(), ...rows.flatMap(variablesOf)])].filter((name) => !own.has(name))
    assert.deepStrictEqual([...listed].toSorted(), expected.toSorted())
  })

  it("list every error with the verdict of docs/errors.md, and every service by its prefix", () => {
    const verdictsOn = (page: string, columns: number) =>
      read(page)
        .split("\n")
        .filter((line) => /^\| `\w+Error`/.test(line))
        .map((line) => line.split("|").map((cell) => cell.trim()))
        .map((cells) => [cells[1], ...cells.slice(columns - 1, columns + 1)])
    assert.deepStrictEqual(verdictsOn("README.md", 4), verdictsOn("docs/errors.md", 5))
    assert.strictEqual(verdictsOn("README.md", 4).length, Object.keys(verdicts).length)
    for (const name of names) assert.include(read("README.md"), `\`${name}\``)
  })

  it("are one text: the package's is the repository's without what only a checkout has", () => {
    assert.strictEqual(read("packages/llm/README.md"), packageReadme(read("README.md")))
    const targets = [...read("packages/llm/README.md").matchAll(/\]\(([^)#]*)/g)].map(([, target = ""]) => target)
    // The package brings docs/ along.
    for (const target of targets.filter((target) => target !== "")) assert.match(target, /^docs\//)
  })

  it("give each runtime dependency its reason", () => {
    const dependencies = ["packages/llm/package.json", "packages/cli/package.json"].flatMap((path) => {
      const {
        dependencies = {},
        peerDependencies = {},
      }: Record<string, Record<string, string>> = JSON.parse(read(path))
      return Object.keys({ ...dependencies, ...peerDependencies })
    })
    const explained = firstCells("README.md")
    for (const name of dependencies.filter((name) => !name.startsWith("@wiseflow/"))) assert.include(explained, name)
  })
})

describe.concurrent("the examples run", () => {
  const everywhere = (url: string) => ({
    OPENAI_API_KEY: "sk-openai",
    OPENAI_API_BASE: url,
    ANTHROPIC_API_KEY: "sk-anthropic",
    ANTHROPIC_API_BASE: url,
    MY_SERVICE_BASE: url,
    PRIMARY_MODEL: "gpt-5-mini",
    WISEFLOW_LOG_LEVEL: "ERROR",
  })
  const run = async (name: string, url: string) => {
    const ended = await runProgram(new URL(`examples/${name}`, root).pathname, { environment: everywhere(url) })
    assert.strictEqual(ended.code, 0, ended.stderr)
    return ended
  }

  const said: Readonly<Record<string, RegExp>> = {
    "promise.ts": /^hello world \{ inputTokens: 11, outputTokens: 7, totalTokens: 18 \}\n$/,
    "stream.ts": /^hello world\n 1 attempt\(s\)\n$/,
    "effect.ts": /^hello world\n$/,
    "environment.ts": /hello\n world\n/,
    "scripted.ts": /^$/,
    "service.ts": /^hello world\n$/,
    "tool.ts": /^hello world\n$/,
    "fake.ts": /^$/,
    "object.ts": /^leek soup, ready in 20 minutes\n$/,
  }

  const requests: Readonly<Record<string, number>> = { "fake.ts": 0, "scripted.ts": 0 }

  for (const name of examples.keys()) {
    it(name, async () => {
      const answer = name === "object.ts" ? '{"dish":"leek soup","minutes":20}' : "hello world"
      await using upstream = await listen(answers(answer))
      const { stderr, stdout } = await run(name, upstream.url)
      assert.match(stdout, said[name] ?? /never/)
      assert.strictEqual(stderr, "")
      assert.strictEqual(upstream.requests.length, requests[name] ?? 1)
    })
  }

  it("effect.ts falls back to Anthropic's model, and tells when the money is gone", async () => {
    await using upstream = await listen(inTurn(refuses(402), answers("from the second")))
    assert.strictEqual((await run("effect.ts", upstream.url)).stdout, "from the second\n")
    assert.deepStrictEqual(
      upstream.requests.map(({ body, path }) => [path, body["model"]]),
      [
        ["/chat/completions", "gpt-5-mini"],
        ["/v1/messages", "claude-sonnet-5"],
      ],
    )
    await using poor = await listen(refuses(402))
    assert.strictEqual((await run("effect.ts", poor.url)).stderr, "Out of money: refused with 402\n")
  })
})
