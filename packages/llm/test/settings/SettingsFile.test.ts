/** Files of settings: what is read from them, what is refused, and that no error shows what stands in one. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Yaml from "effect/encoding/Yaml"
import * as Toml from "effect/encoding/Toml"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { patient } from "../contract/Ask.ts"
import { settingNames } from "../../src/compose/SettingNames.ts"
import type { LlmError } from "../../src/index.ts"
import { withFiles } from "../../src/settings/SettingsFile.ts"
import { parseSettings } from "../../src/settings/TextFile.node.ts"

const canary = "sk-canary-7f3a9c1e5b2d8046"
const folder = mkdtempSync(join(tmpdir(), "settings-"))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const written = (extension: string, content: string | Uint8Array): string => {
  const path = join(folder, `${files++}.${extension}`)
  writeFileSync(path, content)
  return path
}

const open = (path: string) =>
  withFiles(ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: path }), { dotEnv: false, names: settingNames })

const value = (name: string) =>
  Effect.fnUntraced(function* (path: string) {
    const provider = yield* open(path)
    return Option.getOrUndefined(yield* Config.option(Config.String(name)).parse(provider))
  })

const refused = (path: string): Effect.Effect<LlmError, ConfigProvider.ConfigProvider> => Effect.flip(open(path))

/** The settings in a text, as one object. */
const parsed = (extension: string, content: string): Readonly<Record<string, string>> => {
  const result = parseSettings(`settings.${extension}`, content)
  if (result === undefined || Result.isFailure(result)) return { failed: JSON.stringify(result) }
  return Object.fromEntries(result.success)
}

const problem = (extension: string, content: string) => {
  const result = parseSettings(`settings.${extension}`, content)
  return result !== undefined && Result.isFailure(result) ? result.failure : undefined
}

describe("values are the text that was written", () => {
  const written = [
    "12e4567",
    "0x1F",
    "2026-11-26",
    "2026-11-26T01:02:03Z",
    "123456789012345678901234567890",
    "1.50",
    "0o17",
  ]

  it.each(written)("%s in YAML, as value and as key", (text) => {
    expect(parsed("yaml", `OPENAI_API_KEY: ${text}\n${text}: a\n`)).toEqual({ OPENAI_API_KEY: text, [text]: "a" })
  })

  it.each(written)("%s in TOML", (text) => {
    expect(parsed("toml", `OPENAI_API_KEY = ${text}`)).toEqual({ OPENAI_API_KEY: text })
  })

  it.each(["12e4567", "123456789012345678901234567890", "1.50", "-0"])("%s in JSON", (text) => {
    expect(parsed("json", `{"OPENAI_API_KEY": ${text}, "LLM_FALLBACK_PROVIDERS": [${text}, "b"]}`)).toEqual({
      OPENAI_API_KEY: text,
      LLM_FALLBACK_PROVIDERS: `${text},b`,
    })
  })

  it("true, false and lists as the environment would hold them, and null as not set", () => {
    const expected = { A: "true", B: "a,b", C: "", D: "x" }
    expect(parsed("json", '\uFEFF{"A": true, "B": ["a", "b"], "C": null, "D": "x"}')).toEqual(expected)
    expect(parsed("yml", "\uFEFFA: true\r\nB: [a, 'b']\r\nC: ~\r\nD: x # here\r\n")).toEqual(expected)
    expect(parsed("toml", '\uFEFFA = true\nB = [\n  "a", # one\n  "b",\n]\nC = ""\nD = \'x\'\n')).toEqual(expected)
  })
})

describe("YAML", patient, () => {
  it("has texts in every form", () => {
    const content = [
      "%YAML 1.2",
      "---",
      "# comment",
      'double: "a \\"b\\" \\u00e9\\n" # comment',
      "single: 'it''s'",
      "plain: a b#c",
      "colon: http://localhost:4000/v1",
      "longer: one",
      "  two",
      "  three # comment",
      "below:",
      "  text",
      "list:",
      "- a",
      '- "b, c"',
      "indented:",
      "  - 1",
      "  # comment",
      "empty:",
      "kept: |",
      "  line 1",
      "    line 2",
      "",
      "  line 3",
      "folded: >-",
      "  line 1",
      "  line 2",
      "",
      "  line 3",
      "'quoted key': 1",
      "last: x",
      "...",
      "ignored",
    ].join("\n")
    expect(parsed("yaml", content)).toEqual({
      double: 'a "b" é\n',
      single: "it's",
      plain: "a b#c",
      colon: "http://localhost:4000/v1",
      longer: "one two three",
      below: "text",
      list: "a,b, c",
      indented: "1",
      empty: "",
      kept: "line 1\n  line 2\n\nline 3\n",
      folded: "line 1 line 2\nline 3",
      "quoted key": "1",
      last: "x",
    })
  })

  it("means what Effect's reader makes of it, wherever that one finds texts", () => {
    const name = fc.stringMatching(/^[A-Z][A-Z_]{2,12}$/)
    const word = fc
      .stringMatching(/^[a-zA-Z][a-zA-Z0-9 ./_-]{0,20}[a-zA-Z]$/)
      .filter((text) => !/^(true|false|null|yes|no|on|off|nan|inf)$/i.test(text))
    const text = fc.oneof(
      word,
      word.map((plain) => `'${plain}'`),
      fc.string({ maxLength: 20 }).map((any) => JSON.stringify(any)),
      fc.array(word, { minLength: 1, maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
      fc.array(word, { minLength: 1, maxLength: 3 }).map((items) => items.map((item) => `\n  - ${item}`).join("")),
      fc
        .array(word, { minLength: 1, maxLength: 3 })
        .map((lines) => `|-\n${lines.map((line) => `  ${line}`).join("\n")}`),
    )
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key, minLength: 1 }), (entries) => {
        const content = entries.map(([key, raw]) => `${key}: ${raw}`).join("\n")
        const expected = Object.entries(Yaml.parse(content) as Record<string, unknown>).map(([key, found]) => [
          key,
          String(found),
        ])
        expect(parsed("yaml", content)).toEqual(Object.fromEntries(expected))
      }),
    )
  })

  it.each([
    ["an alias", "A: &a [x]\nB: *a", 1, "A"],
    ["a bomb", `a: &a x\n${Array.from({ length: 30 }, (_, row) => `b${row}: &b${row} [*a, *a]`).join("\n")}`, 1, "a"],
    ["a tag", "A: x\nB: !!binary aGk=", 2, "B"],
    ["a merge", "<<: x", 1, "<<"],
    ["a second document", "A: x\n---\nB: y", 2, undefined],
    ["a mapping", "A: x\nOPENAI:\n  API_KEY: secret", 3, "OPENAI"],
    ["a flow mapping", "OPENAI: {API_KEY: secret}", 1, "OPENAI"],
    ["a list of lists", "A:\n  - - x", 2, "A"],
    ["a name without a value", "A: x\nsecret\n", 2, undefined],
    ["a text without its quote", 'A: "secret', 1, "A"],
    ["something behind a text", 'A: "x" secret', 1, "A"],
    ["a colon in a text", "A: secret: b", 1, "A"],
    ["a setting that goes on as another", "A: x\n B: secret", 1, "A"],
    ["another indentation", 'A: "x"\n B: y', 2, undefined],
    ["a tab", 'A: "x"\n\tB: y', 2, undefined],
    ["a setting twice", "A: x\nA: y", 2, "A"],
  ])("refuses %s with its place", (_, content, line, key) => {
    const found = problem("yaml", content)
    expect(found === undefined ? parsed("yaml", content) : { line: found.line, key: found.key }).toEqual({ line, key })
    expect(JSON.stringify(found)).not.toContain("secret")
  })
})

describe("TOML", patient, () => {
  it("means what Effect's reader makes of it, wherever that one finds texts", () => {
    const name = fc.stringMatching(/^[A-Z][A-Z_-]{0,12}$/)
    const simple = fc.stringMatching(/^[ -&(-~]{0,20}$/)
    const text = fc.oneof(
      fc
        .string({ maxLength: 20, unit: fc.constantFrom("a", "B", "\n", "\t", "é", '"', "\\", "'", "#", "=", "🌍") })
        .map((any) => JSON.stringify(any)),
      simple.map((any) => `'${any}'`),
      fc.array(simple, { maxLength: 3 }).map((items) => `[${items.map((item) => `'${item}'`).join(" , ")}]`),
      fc.stringMatching(/^[a-z #]{0,10}\n?[a-z]{0,10}$/).map((any) => `"""\n${any}"""`),
      fc.stringMatching(/^[a-z #"\\]{0,10}\n?[a-z]{0,10}$/).map((any) => `'''${any}'''`),
    )
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(name, text), { selector: ([key]) => key }), (entries) => {
        const content = entries.map(([key, raw]) => `${key} = ${raw} # comment`).join("\n")
        const expected = Object.entries(Result.getOrThrow(Toml.parse(content))).map(([key, found]) => [
          key,
          String(found),
        ])
        expect(parsed("toml", content)).toEqual(Object.fromEntries(expected))
      }),
    )
  })

  it("groups of digits are one number", () => {
    expect(parsed("toml", "LLM_MAX_TOKENS = 64_000")).toEqual({ LLM_MAX_TOKENS: "64000" })
  })

  it.each([
    ["a table", "A = 'x'\n[OPENAI]\nAPI_KEY = 'secret'", 2, "OPENAI"],
    ["a dotted name", "OPENAI.API_KEY = 'secret'", 1, "OPENAI"],
    ["an inline table", "OPENAI = { API_KEY = 'secret' }", 1, "OPENAI"],
    ["a text without quotes", "A = secret", 1, "A"],
    ["a text without its end", 'A = """\nsecret', 1, "A"],
    ["an escape that is none", 'A = "secret\\q"', 1, "A"],
    ["no name", "= 3", 1, undefined],
    ["no value", "A =", 1, "A"],
    ["a setting twice", "A = 1\nA = 2", 2, "A"],
    ["two on one line", "A = 1 B = 2", 1, "A"],
  ])("refuses %s with its place", (_, content, line, key) => {
    const found = problem("toml", content)
    expect(found === undefined ? parsed("toml", content) : { line: found.line, key: found.key }).toEqual({ line, key })
    expect(JSON.stringify(found)).not.toContain("secret")
  })
})

describe("JSON", patient, () => {
  it("means what JSON.parse makes of it", () => {
    const flat = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.boolean(), fc.array(fc.string(), { maxLength: 3 })),
    )
    fc.assert(
      fc.property(flat, fc.constantFrom(undefined, 2), (settings, indent) => {
        const expected = Object.entries(settings).map(([key, found]) => [key, String(found)])
        expect(parsed("json", JSON.stringify(settings, null, indent))).toEqual(Object.fromEntries(expected))
      }),
    )
  })

  it.each([
    ["a text without quotes", '{\n  "A": secret }', 2, "A"],
    ["an object", '{"OPENAI": {"API_KEY": "secret"}}', 1, "OPENAI"],
    ["a list of lists", '{"A": [["secret"]]}', 1, "A"],
    ["no comma", '{"A": 1\n"secret": 2}', 2, undefined],
    ["a comma too many", '{"A": 1,}', 1, undefined],
    ["no end", '{"A": 1', 1, undefined],
    ["something behind it", '{"A": 1} secret', 1, undefined],
    ["a text over two lines", '{"A": "secret\n"}', 1, "A"],
    ["a number that is none", '{"A": 0x1F}', 1, "A"],
  ])("refuses %s with its place", (_, content, line, key) => {
    const found = problem("json", content)
    expect(found === undefined ? parsed("json", content) : { line: found.line, key: found.key }).toEqual({ line, key })
    expect(JSON.stringify(found)).not.toContain("secret")
  })
})

describe("any text at all", patient, () => {
  it.each(["json", "yaml", "toml"])("is settings or a problem with a place in %s", (extension) => {
    const piece = fc.constantFrom(
      "A",
      ":",
      " ",
      "=",
      "\n",
      "- ",
      "[",
      "]",
      "{",
      "}",
      '"',
      "'",
      "#",
      "|",
      ">",
      "\\",
      ",",
      "&",
      "*",
      '"""',
      "'''",
      "\t",
      "\r\n",
      "---",
      "1",
      "é",
    )
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 5, arbitrary: piece }, fc.string({ unit: "binary" })), { maxLength: 40 }),
        (pieces) => {
          const found = parseSettings(`settings.${extension}`, pieces.join(""))
          expect(found).toBeDefined()
          if (found !== undefined && Result.isFailure(found)) expect(found.failure.line).toBeGreaterThan(0)
        },
      ),
    )
  })

  it("is read in bounded work", () => {
    const mebibyte = 1024 * 1024
    for (const unit of [
      "[",
      '"',
      "a: ",
      "- ",
      "\n",
      '"""',
      "'",
      "#",
      "{",
      " ",
      "a\n",
      "a:\n- ",
      "a: |\n",
      "x=",
      "\\",
    ]) {
      for (const extension of ["json", "yaml", "toml"]) {
        expect(parseSettings(`a.${extension}`, unit.repeat(mebibyte / unit.length))).toBeDefined()
      }
    }
  })
})

describe("the file", patient, () => {
  it.effect("gives its settings, the environment before it", () =>
    Effect.gen(function* () {
      const path = written("yaml", "PRIMARY_MODEL: from-file\nLLM_TIMEOUT: 30 seconds")
      expect(yield* value("PRIMARY_MODEL")(path)).toBe("from-file")
      const base = ConfigProvider.fromEnvRecord({ LLM_CONFIG_FILE: path, PRIMARY_MODEL: "mine" })
      const provider = yield* withFiles(base, { dotEnv: false, names: settingNames })
      expect(yield* Config.String("PRIMARY_MODEL").parse(provider)).toBe("mine")
    }),
  )

  const odd: ReadonlyArray<{ readonly what: string; readonly make: () => string; readonly reason: string }> = [
    {
      what: "a pipe that nobody writes to",
      make: () => {
        const path = join(folder, "pipe.yaml")
        execFileSync("mkfifo", [path])
        return path
      },
      reason: "not a regular file",
    },
    { what: "a device without an end", make: () => "/dev/zero", reason: "not a regular file" },
    { what: "a folder", make: () => folder, reason: "not a regular file" },
    {
      what: "more than a mebibyte",
      make: () => written("json", " ".repeat(1024 * 1024 + 1)),
      reason: "larger than 1048576 bytes",
    },
    { what: "no text", make: () => written("json", new Uint8Array([0xff, 0xfe, 0x7b])), reason: "not UTF-8" },
    { what: "absent", make: () => join(folder, "absent.json"), reason: "no such file" },
  ]
  it.live.each(odd)(
    "that is $what is a ConfigurationError",
    Effect.fnUntraced(function* ({ make, reason }) {
      const error = yield* refused(make())
      expect(error.reason).toMatchObject({ _tag: "ConfigurationError", setting: "LLM_CONFIG_FILE" })
      expect(error.message).toContain(reason)
    }),
  )

  const broken = [
    { extension: "json", content: `{"OPENAI_API_KEY": ${canary}}` },
    { extension: "json", content: `{"${canary}": {}}` },
    { extension: "yaml", content: `OPENAI_API_KEY: "${canary}` },
    { extension: "yaml", content: `OPENAI_API_KEY ${canary}` },
    { extension: "yaml", content: `${canary}: [[x]]` },
    { extension: "toml", content: `OPENAI_API_KEY = ${canary}` },
    { extension: "toml", content: `OPENAI_API_KEY = "${canary}` },
    { extension: "toml", content: `${canary} = {}` },
  ]
  it.live.each(broken)(
    "shows no key in an error ($extension, $content)",
    Effect.fnUntraced(function* ({ content, extension }) {
      const { reason } = yield* refused(written(extension, content))
      expect(reason._tag).toBe("ConfigurationError")
      expect(reason.message).toContain("line 1, column")
      expect(JSON.stringify(reason)).not.toContain("canary")
    }),
  )

  it.live("shows no key that was written where its name belongs", () =>
    Effect.gen(function* () {
      expect((yield* refused(canary)).message).not.toContain("canary")
    }),
  )
})

describe("a misspelt setting", () => {
  const misspelt = [
    { wrong: "LLM_TIMEOT", right: "LLM_TIMEOUT" },
    { wrong: "LLM_TIEMOUT", right: "LLM_TIMEOUT" },
    { wrong: "OPENAI_APIKEY", right: "OPENAI_API_KEY" },
    { wrong: "llm_timeout", right: "LLM_TIMEOUT" },
    { wrong: "primaryModel", right: "PRIMARY_MODEL" },
    { wrong: "llm-provider", right: "LLM_PROVIDER" },
  ]
  it.live.each(misspelt)(
    "$wrong is a ConfigurationError that says $right",
    Effect.fnUntraced(function* ({ right, wrong }) {
      const { reason } = yield* refused(written("json", JSON.stringify({ [wrong]: "x" })))
      expect(reason).toMatchObject({ _tag: "ConfigurationError", setting: wrong })
      expect(reason.message).toContain(`write ${right}`)
    }),
  )

  it.live("is not a name that belongs to another setting", () =>
    Effect.gen(function* () {
      const others = {
        OPENAI_ORG_ID: "x",
        DATABASE_URL: "x",
        OPENAI_API_KEY_OLD: "x",
        PORT: 1,
        LLM_VERBOSE: true,
        AZURE_API_TYPE: "azure",
      }
      yield* open(written("json", JSON.stringify(others)))
    }),
  )
})
