/**
 * The package as users get it: what `npm pack` puts into the tarball, in a folder of its own outside the checkout. It
 * finds what its manifest declares and nothing else; those come from the checkout, so that no registry is asked.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { checkout, packageFolder, run } from "./Built.ts"

export interface PackedPackage extends AsyncDisposable {
  /** A folder in which `@wiseflow/llm` is installed. */
  readonly folder: string
  /** What the tarball holds. */
  readonly files: ReadonlyArray<string>
  /** Everything that can be imported by name. */
  readonly entries: ReadonlyArray<string>
}

/** Packs the package and installs it; `alone` without anything that its manifest declares. */
export const installPacked = async ({ alone = false } = {}): Promise<PackedPackage> => {
  const folder = await mkdtemp(join(tmpdir(), "packed-"))
  const installed = join(folder, "node_modules/@wiseflow/llm")
  await mkdir(installed, { recursive: true })
  // A copy of the checkout, because npm brings the documentation into the folder that it packs.
  const copied = join(folder, "checkout")
  const outside = (path: string) => !/[\\/](test|node_modules)$/.test(path)
  await cp(packageFolder, join(copied, "packages/llm"), { recursive: true, filter: outside })
  for (const name of ["docs", "CHANGELOG.md"]) await cp(join(checkout, name), join(copied, name), { recursive: true })
  await run("npm", ["pack", "--silent", "--pack-destination", folder], { cwd: join(copied, "packages/llm") })
  await rm(copied, { recursive: true })
  const tarball = (await readdir(folder)).find((name) => name.endsWith(".tgz")) ?? "no tarball"
  await run("tar", ["-xzf", join(folder, tarball), "-C", installed, "--strip-components=1"])

  const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"))
  for (const name of alone ? [] : Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const target = join(folder, "node_modules", name)
    await mkdir(dirname(target), { recursive: true })
    await symlink(join(checkout, "node_modules", name), target)
  }
  await writeFile(join(folder, "package.json"), `{ "type": "module" }`)
  return {
    folder,
    files: await readdir(installed, { recursive: true }),
    entries: Object.keys(manifest.exports).map((path) => path.replace(".", manifest.name)),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}
