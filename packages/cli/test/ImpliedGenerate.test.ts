/** Which command lines are a prompt. */
import { assert, it } from "@effect/vitest"
import { asGenerate } from "../src/ImpliedGenerate.ts"

const read = (line: string) => asGenerate(line.split(" "), ["generate", "batch"]).join(" ")

it("arguments without a subcommand are those of generate", () => {
  for (const line of [
    "hello",
    "-m gpt-5 hello",
    "--offline --set A=b hello",
    "-- batch",
    "--json",
    "--set=A=b hello",
  ]) {
    assert.strictEqual(read(line), `generate ${line}`)
  }
})

it("a subcommand is found behind shared flags, and so is what the command answers itself", () => {
  for (const line of ["batch in.jsonl", "--offline batch", "-m gpt-5 --set A=b batch", "--help", "--version", "-h"]) {
    assert.strictEqual(read(line), line)
  }
})

it("the value of a flag is no subcommand", () => {
  assert.strictEqual(read("--model batch hello"), "generate --model batch hello")
})

it("help is --help, of a subcommand too", () => {
  assert.strictEqual(read("help"), "--help")
  assert.strictEqual(read("help batch"), "batch --help")
})
