/** Chromium, where the machine has one: opens a page with a fresh profile, reaching nothing but the loopback address. */
import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]

/** Its executable, or undefined. */
export const chromium: string | undefined = [
  ...(process.env["PATH"] ?? "").split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
].find((file) => existsSync(file))

export const notFound = "no Chromium on this machine's PATH: apt-get install --no-install-recommends chromium"

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]

/** The page's document once it has loaded, as HTML. */
export const documentOf = async (executable: string, url: string): Promise<string> => {
  const profile = await mkdtemp(join(tmpdir(), "chromium-"))
  try {
    const { stdout } = await promisify(execFile)(
      executable,
      [...flags, `--user-data-dir=${profile}`, "--dump-dom", url],
      { env: { PATH: process.env["PATH"], HOME: profile }, timeout: 60_000, killSignal: "SIGKILL" },
    )
    return stdout
  } finally {
    await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  }
}
