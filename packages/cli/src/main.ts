#!/usr/bin/env node
/** The `wiseflow-llm` command. It starts V8's compile cache before anything is loaded, and does nothing else itself. */
import * as modules from "node:module"

if (!("enableCompileCache" in modules)) {
  process.stderr.write(`wiseflow-llm needs Node 22.19 or newer; this is ${process.version}\n`)
  process.exit(1)
}
modules.enableCompileCache()
const { start } = await import("./Start.ts")
start(process.argv.slice(2))
