/** A folder of recordings, on Node: plain JSON files, read all at once and each written whole or not at all. */
import { randomUUID } from "node:crypto"
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import { saidBy } from "../model/JsonCopy.ts"

/** One file of the folder. */
export interface CassetteFile {
  readonly name: string
  readonly text: string
}

const pathOf = (folder: string | URL): string => (typeof folder === "string" ? folder : fileURLToPath(folder))

const filesIn = async (folder: string | URL): Promise<ReadonlyArray<CassetteFile>> => {
  const path = pathOf(folder)
  try {
    const names = (await readdir(path)).filter((name) => name.endsWith(".json")).toSorted()
    return await Promise.all(names.map(async (name) => ({ name, text: await readFile(join(path, name), "utf8") })))
  } catch (error) {
    if (Predicate.hasProperty(error, "code") && error.code === "ENOENT") return []
    return Promise.reject(error)
  }
}

const writeWhole = async (folder: string | URL, { name, text }: CassetteFile, replaced: string | undefined) => {
  const path = pathOf(folder)
  await mkdir(path, { recursive: true })
  const draft = join(path, `${name}.${randomUUID()}.tmp`)
  await writeFile(draft, text)
  await rename(draft, join(path, name))
  if (replaced !== undefined && replaced !== name) await rm(join(path, replaced), { force: true })
}

/** The JSON files of a folder; none where there is no folder. Fails with the reason in words. */
export const readFolder = (folder: string | URL): Effect.Effect<ReadonlyArray<CassetteFile>, string> =>
  Effect.tryPromise({ try: () => filesIn(folder), catch: saidBy })

/** Writes a file, and takes away the one that it stands for. Fails with the reason in words. */
export const writeFileIn = (
  folder: string | URL,
  file: CassetteFile,
  replaced: string | undefined,
): Effect.Effect<void, string> => Effect.tryPromise({ try: () => writeWhole(folder, file, replaced), catch: saidBy })

/** Variables whose values are secret, by their names. */
const secretName = /(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i

/** A value of letters alone may be a word that prompts use: a short one is no secret. */
const isSecret = (value: string): boolean => value.length >= (/^[A-Za-z]*$/.test(value) ? 20 : 8)

/** The values of all variables of the environment that are named as secrets are. */
export const environmentSecrets = (): ReadonlyArray<string> =>
  Object.entries(globalThis.process.env).flatMap(([name, value]) =>
    secretName.test(name) && value !== undefined && isSecret(value) ? [value] : [],
  )
