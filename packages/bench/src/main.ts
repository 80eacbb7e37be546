/** The bench's command. `--help` says what it can do. */
import { mkdir, writeFile } from "node:fs/promises"
import { clientNames, floorOf } from "./clients/Clients.ts"
import { fullEffort, quickEffort } from "./Effort.ts"
import { readOptions, usage, type Options } from "./Options.ts"
import { profile } from "./Profile.ts"
import { document, rawNumbers, sections } from "./report/Report.ts"
import { caseNames, runBench } from "./Run.ts"

const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}

const folder = new URL("../../../docs/", import.meta.url)

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
    await writeFile(new URL("performance.md", folder), await document(result))
    await writeFile(new URL("performance.json", folder), `${JSON.stringify(rawNumbers(result))}\n`)
    print(`${tables["goals"]}\n\nwritten to docs/performance.md in ${seconds()}`)
  }
  if (failures !== "") print(`\n${failures}`)
}

const options = readOptions(process.argv.slice(2))
if (options.help) print(usage)
else if (options.profile !== undefined) {
  const [name = "wiseflow"] = options.clients ?? []
  await profile(options.profile, name, options.profile === "call" ? options.inFlight : 4, print)
} else await run(options)
