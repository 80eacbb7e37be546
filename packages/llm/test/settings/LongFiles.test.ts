/** Settings files as long as they may be: they are read in proportion to their length, and so is what is wrong with them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it, vi } from "vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { settingNames } from "../../src/compose/SettingNames.ts"
import { withFiles } from "../../src/settings/SettingsFile.ts"
import { parseSettings } from "../../src/settings/TextFile.node.ts"

const folder = mkdtempSync(join(tmpdir(), "settings-"))
afterAll(() => rmSync(folder, { recursive: true }))

describe("a settings file", () => {
  it("of many tables is read without copying those before each of them", () => {
    const before = process.cpuUsage()
    const read = parseSettings("a.toml", "[[DEPLOYMENTS]]\n".repeat(60_000))
    const { system, user } = process.cpuUsage(before)
    expect(read !== undefined && Result.isSuccess(read)).toBe(true)
    expect(user + system).toBeLessThan(5e6)
  })

  it.each(["json", "yaml", "toml"])(
    "of many names that are no settings (%s) guesses what a thousand of them mean",
    async (format) => {
      const names = Array.from({ length: 5000 }, (_, at) => `OTHER_${at}`)
      const line = {
        json: (name: string) => `"${name}": 1`,
        yaml: (name: string) => `${name}: 1`,
        toml: (name: string) => `${name} = 1`,
      }
      const written = names.map(line[format as keyof typeof line])
      const path = join(folder, `long.${format}`)
      writeFileSync(path, format === "json" ? `{${written.join(",")}}` : written.join("\n"))
      const read = () =>
        Effect.runPromiseExit(
          withFiles(ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: path }), { dotEnv: false, names: settingNames }),
        )
      expect(await read()).toMatchObject({ _tag: "Success" })
      using lowering = vi.spyOn(String.prototype, "toLowerCase")
      await read()
      const lowered = lowering.mock.calls.length
      // A name is compared with every setting there is.
      expect(lowered).toBeLessThan(1100 * [...settingNames].length)
    },
  )

  it("still says what a misspelt name means", async () => {
    const path = join(folder, "misspelt.json")
    writeFileSync(path, '{"PRIMARY_MODLE":"gpt-5-mini"}')
    const exit = await Effect.runPromiseExit(
      withFiles(ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: path }), { dotEnv: false, names: settingNames }),
    )
    expect(JSON.stringify(exit)).toContain("PRIMARY_MODEL")
  })
})
