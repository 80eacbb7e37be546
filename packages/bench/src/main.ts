/** The bench's command. `--help` says what it can do. */
import { execFile } from "node:child_process"
import { mkdir, writeFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { clientNames, clients, floorOf } from "./clients/Clients.ts"
import { fullEffort, quickEffort } from "./Effort.ts"
import { profileImport } from "./ImportProfile.ts"
import { readOptions, usage, type Options } from "./Options.ts"
import { profile } from "./Profile.ts"
import { document, rawNumbers, sections } from "./report/Report.ts"
import { caseNames, runBench } from "./Run.ts"

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const folder = new URL("../../../docs/", import.meta.url)
const report = new URL("performance.md", folder)
const numbers = new URL("performance.json", folder)
/** What is generated is formatted like what is written, so that the format check has nothing to say. */
const formatter = new URL("../../../node_modules/.bin/oxfmt", import.meta.url)

const run = async (options: Options): Promise<void> => {
  const startedAt = performance.now()
  const seconds = () => `${((performance.now() - startedAt) / 1_000).toFixed(0)} s`
  const effort = options.quick ? quickEffort : fullEffort
  const wanted = options.clients?.flatMap((name) => [floorOf(name), name])
  const result = await runBench(
    new Set(options.cases ?? caseNames),
    clientNames.filter((name) => wanted?.includes(name) ?? true),
    { ...effort, rounds: options.rounds ?? effort.rounds },
    (text) => print(`${seconds()}: ${text}`),
  )
  const { failures = "", ...tables } = sections(result)
  if (options.quick) {
    print(failures === "" ? `every client ran every case, ${seconds()}` : failures)
    if (failures !== "") process.exitCode = 1
    return
  }
  const whole = options.cases === undefined && options.clients === undefined
  if (!whole) {
    for (const text of Object.values(tables)) if (text !== "") print(`\n${text}`)
  } else {
    await mkdir(folder, { recursive: true })
    await writeFile(report, await document(result))
    await writeFile(numbers, `${JSON.stringify(rawNumbers(result))}\n`)
    await promisify(execFile)(fileURLToPath(formatter), [fileURLToPath(report), fileURLToPath(numbers)])
    print(`${tables["goals"]}\n\nwritten to docs/performance.md in ${seconds()}`)
  }
  if (failures !== "") print(`\n${failures}`)
}

const options = readOptions(process.argv.slice(2))
if (options.help) print(usage)
else if (options.profile !== undefined) {
  const [name = "wiseflow"] = options.clients ?? []
  if (options.profile === "import") await profileImport(clients[name].packageName, print)
  else await profile(options.profile, name, options.profile === "call" ? options.inFlight : 4, print)
} else await run(options)
