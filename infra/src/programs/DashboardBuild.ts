import { Effect } from "effect"
import { createHash } from "node:crypto"
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Layout from "../Layout.ts"
import { output } from "./RunCommand.ts"

/** All that the page is made of: its own sources, the contract that it imports, and the versions of its libraries. */
const sources = [
  "packages/dashboard/src/**/*",
  "packages/dashboard/public/*",
  "packages/dashboard/*.{html,json,ts}",
  "packages/{http,shared,engine,entities}/src/**/*.ts",
  "pnpm-lock.yaml"
]

const stamp = join(Layout.dashboard, ".stamp")

const digest = (): string => {
  const hash = createHash("sha256")
  for (const path of globSync(sources, { cwd: Layout.root }).toSorted()) {
    const file = join(Layout.root, path)
    if (!/\.\w+$/.test(path)) continue
    hash.update(path).update(readFileSync(file))
  }
  return hash.digest("hex")
}

/** Builds the operators' page where its sources differ from those of the last build; gives whether it did. */
export const buildDashboard = Effect.fn("DashboardBuild.build")(function* (say: (line: string) => void) {
  const wanted = digest()
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return false
  say("building the operators' page")
  const folder = join(Layout.root, "packages", "dashboard")
  const vite = join(folder, "node_modules", "vite", "bin", "vite.js")
  yield* output(process.execPath, [vite, "build", "--logLevel", "warn"], { cwd: folder })
  // Written last, so that a build that was cut off is made again.
  writeFileSync(stamp, wanted)
  return true
})
