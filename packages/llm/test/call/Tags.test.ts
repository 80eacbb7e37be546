/** The tags of calls: what they may be, whom they reach, and what is said of wrong ones. */
import { describe, expect, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import {
  CallOptions,
  CallTags,
  maxTags,
  type Tags,
  tagCalls,
  tagsProblem,
  tagStream,
} from "../../src/call/CallOptions.ts"

const many = (count: number, prefix = "t"): Tags =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, "v"]))

describe("tags", () => {
  it.each([
    ["none", {}],
    ["sixteen", many(maxTags)],
    ["a name of 64 characters", { ["n".repeat(64)]: "v" }],
    ["a value of 256 characters", { team: "v".repeat(256) }],
    ["an empty value", { team: "" }],
  ])("may be %s", (_, tags) => {
    expect(tagsProblem(tags)).toBeUndefined()
  })

  it.each([
    ["a text", "team", "tags", "write for example"],
    ["nothing", undefined, "tags", "is not a plain object of texts"],
    ["a list", ["search"], "tags", "is not a plain object of texts"],
    ["seventeen", many(maxTags + 1), "tags", "has 17 tags, more than 16"],
    ["an empty name", { "": "v" }, 'tags[""]', "not 1 to 64 characters"],
    ["a name of 65 characters", { ["n".repeat(65)]: "v" }, `tags["${"n".repeat(64)}"]`, "not 1 to 64 characters"],
    ["a value that is none", { team: "a", user: 1 }, 'tags["user"]', "is not a text"],
    ["a value of 257 characters", { team: "v".repeat(257) }, 'tags["team"]', "longer than 256 characters"],
  ])("may not be %s", (_, tags, path, problem) => {
    expect(tagsProblem(tags)).toMatchObject({ path, problem: expect.stringContaining(problem) })
  })
})

/** Both ways to tag, as one. */
const ways: ReadonlyArray<
  readonly [string, (tags: Tags, inner?: Effect.Effect<Tags>) => Effect.Effect<Tags, unknown>]
> = [
  ["an effect", (tags, inner = CallTags) => tagCalls(tags)(inner)],
  [
    "a stream",
    (tags, inner = CallTags) =>
      Stream.fromEffect(inner).pipe(
        tagStream(tags),
        Stream.runCollect,
        Effect.map(([all = {}]) => all),
      ),
  ],
]

describe.each(ways)("the calls within %s with tags", (_, tagged) => {
  it.effect("have them, in child fibers too; those around it have not", () =>
    Effect.gen(function* () {
      const child = Effect.flatMap(Effect.forkChild(CallTags), Fiber.join)
      expect(yield* tagged({ team: "search" }, child)).toEqual({ team: "search" })
      expect(yield* CallTags).toEqual({})
    }),
  )

  it.effect("have the tags around it too, and its own where both have the name", () =>
    Effect.gen(function* () {
      const around = tagCalls({ team: "search", user: "u_1" })
      expect(yield* around(tagged({ user: "u_2", task: "t" }))).toEqual({ team: "search", user: "u_2", task: "t" })
    }),
  )

  it.effect("keep what the tags were when they were given", () =>
    Effect.gen(function* () {
      const tags = { team: "search" }
      const call = tagged(tags)
      tags.team = "other"
      expect(yield* call).toEqual({ team: "search" })
    }),
  )

  it.effect("do not run where a tag is wrong: the error names it", () =>
    Effect.gen(function* () {
      let ran = 0
      const inner = Effect.sync(() => ({ ran: `${(ran += 1)}` }))
      expect(yield* Effect.flip(tagged({ team: "v".repeat(257) }, inner))).toMatchObject({
        _tag: "LlmError",
        provider: "tags",
        attempts: [],
        reason: {
          _tag: "InvalidRequestError",
          parameter: 'tags["team"]',
          message: 'invalid request: tags["team"] is longer than 256 characters',
        },
      })
      const list: unknown = ["search"]
      expect(yield* Effect.flip(tagged(list as Tags, inner))).toMatchObject({ reason: { parameter: "tags" } })
      expect(ran).toBe(0)
    }),
  )

  it.effect("do not run where there are too many together with those around it", () =>
    Effect.gen(function* () {
      const around = tagCalls(many(9))
      expect(yield* Effect.flip(around(tagged(many(8, "u"))))).toMatchObject({ reason: { parameter: "tags" } })
      expect(Object.keys(yield* around(tagged(many(7, "u"))))).toHaveLength(16)
    }),
  )
})

it.effect("a call without options of its own sets none", () =>
  Effect.gen(function* () {
    expect(yield* CallOptions).toEqual({})
  }),
)
