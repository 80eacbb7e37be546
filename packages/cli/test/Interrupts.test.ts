/** What an interrupt ends: the innermost work that asked for it, or else the command. */
import { assert, it } from "@effect/vitest"
import { interrupt, onInterrupt } from "../src/Interrupts.ts"

it("an interrupt stops the innermost work, and the command only where there is none", () => {
  const stopped: Array<string> = []
  const end = () => stopped.push("command")
  const outer = onInterrupt(() => stopped.push("outer"))
  const inner = onInterrupt(() => stopped.push("inner"))
  interrupt(end)
  inner()
  interrupt(end)
  outer()
  interrupt(end)
  assert.deepStrictEqual(stopped, ["inner", "outer", "command"])
})
