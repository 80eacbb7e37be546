/**
 * The text on stdin. A pipe that is open and silent belongs to a program that started this one and says nothing: beside a
 * prompt it is not waited for, unless the prompt has a `-`.
 */
import { text } from "node:stream/consumers"
import { say } from "../terminal/Streams.ts"

/** How long a silent pipe is waited for where there is a prompt besides. */
const graceMs = 2000

/** True when something came or the end did; false after the grace. */
const begins = (stream: NodeJS.ReadStream): Promise<boolean> =>
  new Promise((resolve) => {
    const done = (began: boolean) => () => {
      clearTimeout(timer)
      stream.removeListener("readable", onReadable)
      stream.removeListener("end", onReadable)
      resolve(began)
    }
    const timer = setTimeout(() => done(false)(), graceMs)
    const onReadable = done(true)
    stream.once("readable", onReadable)
    stream.once("end", onReadable)
    stream.once("error", onReadable)
  })

/** Everything on stdin; `""` on a terminal. `patient` waits without limit. */
export const standardInput = async (patient: boolean): Promise<string> => {
  const { stdin } = process
  if (stdin.isTTY) return ""
  if (!patient && !(await begins(stdin))) {
    say(`nothing came on stdin for ${graceMs / 1000} s, so it is left out; a - in the prompt waits for it`)
    stdin.destroy()
    return ""
  }
  return text(stdin)
}
