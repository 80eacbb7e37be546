/** A settings file that cannot be read to its end, as on a network that is gone: waiting for it ends. */
import { describe, expect, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { vi } from "vitest"
import { withFiles } from "../../src/settings/SettingsFile.ts"

vi.mock("#text-file", () => ({ readTextFile: () => Effect.never, parseSettings: () => undefined }))

const base = ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: "settings.json" })

describe("a file that is never read", () => {
  it.effect.each([
    { limit: undefined, seconds: 10, dotEnv: false, setting: "LLM_CONFIG_FILE" },
    { limit: undefined, seconds: 10, dotEnv: true, setting: ".env" },
    { limit: Duration.seconds(2), seconds: 2, dotEnv: false, setting: "LLM_CONFIG_FILE" },
    { limit: Duration.millis(1), seconds: 1, dotEnv: true, setting: ".env" },
    { limit: Duration.minutes(5), seconds: 10, dotEnv: false, setting: "LLM_CONFIG_FILE" },
  ])(
    "is a ConfigurationError after $seconds s, given $limit ($setting)",
    Effect.fnUntraced(function* ({ dotEnv, limit, seconds, setting }) {
      const fiber = yield* Effect.forkChild(Effect.flip(withFiles(base, { dotEnv, limit, names: [] })))
      yield* TestClock.adjust(Duration.seconds(seconds))
      const error = yield* Fiber.join(fiber)
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting })
      expect(error.message).toContain(`it took longer than ${seconds}s`)
    }),
  )

  it.effect(
    "is left at once by an interruption",
    Effect.fnUntraced(function* () {
      const fiber = yield* Effect.forkChild(withFiles(base, { dotEnv: true, names: [] }))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    }),
  )
})
