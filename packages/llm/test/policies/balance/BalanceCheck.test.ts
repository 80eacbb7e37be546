/** What a person reads of a mistake in the settings of a balance: where it is, and what to write there. */
import { describe, expect, it } from "vitest"
import {
  type BalanceNumbers,
  type DeploymentNumbers,
  mistakeIn,
  mistakeInOptions,
  mistakeOf,
} from "../../../src/policies/balance/BalanceCheck.ts"

const untyped = (value: unknown): any => value

describe("settings of a deployment", () => {
  it.each<DeploymentNumbers>([
    { name: "europe" },
    { name: "europe", weight: 0.001, concurrency: 1, rpm: 1, tpm: 1 },
    { name: "europe", weight: 1e300, concurrency: 500, rpm: 1.5, tpm: 1e9 },
  ])("%j are right", (deployment) => {
    expect(mistakeOf(deployment)).toBeUndefined()
  })

  it.each<readonly [Partial<DeploymentNumbers>, string, string]>([
    [{ name: untyped(7) }, "name", 'must be a text; write for example "europe"'],
    [{ name: "" }, "name", "must be a text"],
    [{ name: " \n" }, "name", "must be a text"],
    [{ name: `sk-${"a1B2".repeat(12)}` }, "name", 'looks like a key, and names are shown; write for example "europe"'],
    [{ weight: 0 }, "weight", "must be a number above 0, not 0; leave it out for 1"],
    [{ weight: Number.POSITIVE_INFINITY }, "weight", "must be a number above 0, not Infinity"],
    [{ weight: untyped("1") }, "weight", "must be a number above 0"],
    [{ concurrency: 0 }, "concurrency", "must be a whole number above 0, not 0; leave it out for no limit"],
    [{ concurrency: 1.5 }, "concurrency", "must be a whole number above 0, not 1.5"],
    [{ rpm: 0.9 }, "rpm", "must be a number, 1 or more, not 0.9; leave it out for no limit"],
    [{ rpm: Number.POSITIVE_INFINITY }, "rpm", "must be a number, 1 or more, not Infinity"],
    [{ rpm: 5, tpm: Number.NaN }, "tpm", "must be a number, 1 or more, not NaN"],
    [{ tpm: untyped("5") }, "tpm", "must be a number, 1 or more"],
  ])("%j: %s %s", (wrong, field, problem) => {
    const [found, told] = mistakeOf({ name: "europe", ...wrong }) ?? []
    expect([found, told]).toEqual([field, expect.stringContaining(problem)])
  })
})

describe("options of a balance", () => {
  it.each<BalanceNumbers>([
    {},
    { strategy: "weighted", maxTries: 1, failures: 1, openFor: 0, quotaPause: "1 minute", stickyBy: () => "key" },
    { strategy: "least-in-flight" },
    { strategy: "latency" },
  ])("%j are right", (options) => {
    expect(mistakeInOptions(options)).toBeUndefined()
  })

  it.each<readonly [BalanceNumbers, string, string]>([
    [{ strategy: "fair" }, "strategy", "is not one of weighted, least-in-flight, latency"],
    [{ stickyBy: "user" }, "stickyBy", "is not a function"],
    [{ maxTries: 0 }, "maxTries", "must be a whole number above 0, not 0"],
    [{ maxTries: 3, failures: 1.5 }, "failures", "must be a whole number above 0, not 1.5"],
    [{ openFor: untyped("long") }, "openFor", 'must be a duration, 0 or more and finite, not "long": write for'],
    [{ openFor: 5, quotaPause: untyped("long") }, "quotaPause", "must be a duration"],
  ])("%j: %s %s", (options, field, problem) => {
    expect(mistakeInOptions(options)).toEqual([field, expect.stringContaining(problem)])
  })
})

describe("a balance", () => {
  const one = { name: "a" }

  it("with right settings has no mistake", () => {
    expect(mistakeIn([one, { name: "b" }], {})).toBeUndefined()
  })

  it.each<readonly [ReadonlyArray<DeploymentNumbers>, BalanceNumbers, string]>([
    [[], {}, "withBalance: needs at least one deployment"],
    [[one, { name: "b", weight: 0 }], {}, "withBalance: deployments[1].weight must be a number above 0"],
    [[one, { name: "b" }, one], {}, 'withBalance: deployments[2].name is "a", as of another one; each needs its own'],
    [[one], { maxTries: 0 }, "withBalance: maxTries must be a whole number above 0"],
  ])("of %j with %j fails: %s", (deployments, options, problem) => {
    const error = mistakeIn(deployments, options)
    expect(error?.message).toContain(problem)
    expect(error).toMatchObject({
      reason: { _tag: "ConfigurationError", setting: "withBalance" },
      provider: "configuration",
      attempts: [],
    })
  })
})
