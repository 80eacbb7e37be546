#!/usr/bin/env node
/** The `wiseflow-llm` command. It starts V8's compile cache before anything is loaded, and does nothing else itself. */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { command } = await import("./Command.ts")
process.exitCode = await command(process.argv.slice(2))
