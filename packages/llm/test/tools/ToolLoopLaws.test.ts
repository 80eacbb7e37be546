/** Law 27 over random runs: what the upstream counts and what the tools count is what the ledger and the conversation say. */
import * as fc from "fast-check"
import { expect, it } from "vitest"
import * as Schema from "effect/Schema"
import type { Message } from "../../src/index.ts"
import { forms, type PlainTool } from "./Forms.ts"
import { listen } from "./ToolUpstream.ts"

/** A call: of a tool that answers, one that fails, one with wrong arguments, one that does not exist. */
type Kind = "good" | "failing" | "wrong" | "unknown"

interface Script {
  readonly turns: ReadonlyArray<ReadonlyArray<Kind>>
  /** The server fails at this request; none where it is beyond the end. */
  readonly faultAt: number
  /** The run is aborted by this execution of a tool. */
  readonly abortAt: number
  readonly maxSteps: number
  readonly concurrency: number
  readonly form: number
}

const scripts: fc.Arbitrary<Script> = fc.record({
  turns: fc.array(
    fc.array(fc.constantFrom<Kind>("good", "good", "failing", "wrong", "unknown"), { minLength: 1, maxLength: 4 }),
    { maxLength: 4 },
  ),
  faultAt: fc.oneof(fc.constant(99), fc.nat(5)),
  abortAt: fc.oneof(fc.constant(99), fc.constant(99), fc.nat(6)),
  maxSteps: fc.integer({ min: 1, max: 6 }),
  concurrency: fc.integer({ min: 1, max: 4 }),
  form: fc.nat(forms.length - 1),
})

const nameOf = (kind: Kind): string => (kind === "unknown" ? "nothing" : kind === "failing" ? "fail" : "work")

/** The calls and the results of a conversation, by id. */
const pairsOf = (messages: ReadonlyArray<Message>) => {
  const calls: Array<string> = []
  const results: Array<string> = []
  for (const { content } of messages) {
    if (typeof content === "string") continue
    for (const part of content) {
      if (part.type === "tool-call") calls.push(part.id)
      if (part.type === "tool-result") results.push(part.toolCallId)
    }
  }
  return { calls, results }
}

it("no call is run twice or without fitting arguments, none after an abort, and every step is accounted for", async () => {
  await fc.assert(
    fc.asyncProperty(scripts, async ({ abortAt, concurrency, faultAt, form, maxSteps, turns }) => {
      const { run, wire } = forms[form] ?? forms[0] ?? expect.unreachable()
      let asked = 0
      await using server = await listen(wire, (index) => {
        if (asked++ === faultAt) return { status: 500 }
        const turn = turns[index]
        return turn === undefined
          ? { text: "done" }
          : {
              calls: turn.map((kind, place) => ({
                id: `id_${index}_${place}`,
                name: nameOf(kind),
                arguments: { id: kind === "wrong" ? 7 : `id_${index}_${place}` },
              })),
            }
      })
      const controller = new AbortController()
      const executed: Array<string> = []
      let executedAfterAbort = 0
      const working = (name: string, fails: boolean): PlainTool => ({
        name,
        parameters: Schema.Struct({ id: Schema.String }),
        execute: async ({ id }, { toolCallId }) => {
          expect(toolCallId).toBe(id)
          if (controller.signal.aborted) executedAfterAbort += 1
          if (executed.push(id) - 1 === abortAt) controller.abort(new Error("enough"))
          await Promise.resolve()
          if (fails) throw new Error("it fails")
          return id
        },
      })
      const ended = await run(server.url, {
        tools: [working("work", false), working("fail", true)],
        maxSteps,
        concurrency,
        maxMistakes: 99,
        signal: controller.signal,
      }).catch(() => undefined)

      const played = turns.slice(0, Math.min(maxSteps, faultAt))
      const fitting = played.flatMap((turn, index) =>
        turn.flatMap((kind, place) => (kind === "good" || kind === "failing" ? [`id_${index}_${place}`] : [])),
      )
      expect(new Set(executed).size).toBe(executed.length)
      expect(executed.filter((id) => !fitting.includes(id))).toEqual([])
      expect(executedAfterAbort).toBe(0)
      expect(server.refusals).toEqual([])
      if (abortAt < fitting.length) {
        expect(ended).toBeUndefined()
        return
      }
      if (ended === undefined) return expect.unreachable("a run that nobody aborted rejected")
      expect(executed.toSorted()).toEqual(fitting.toSorted())
      expect(ended.attempts).toHaveLength(server.requests.length)
      const failed = faultAt < Math.min(maxSteps, turns.length + 1)
      expect(ended.errorType).toBe(failed ? "ServerError" : undefined)
      expect(ended.steps).toHaveLength(server.requests.length - (failed ? 1 : 0))
      const { calls, results } = pairsOf(ended.messages)
      expect(results).toEqual(calls)
      expect(calls).toHaveLength(played.flat().length)
    }),
    { numRuns: 120 },
  )
})
