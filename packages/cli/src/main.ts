#!/usr/bin/env node
/** The `wiseflow-llm` command. It starts V8's compile cache before anything is loaded, and does nothing else itself. */
import { enableCompileCache } from "node:module"

enableCompileCache()
const { start } = await import("./Start.ts")
start(process.argv.slice(2))
