import { Effect } from "effect"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { clusterTests } from "./ClusterTests.ts"
import * as Layout from "../Layout.ts"
import { output } from "./RunCommand.ts"

const tests = ["packages/*/{src,test}/**/*.test.ts", "infra/{test,partners/test,proofs/*/test}/**/*.test.ts"]

/** What a test reaches without importing it: programs that it starts, files that it reads. */
const reaching = /"node:(child_process|fs|worker_threads)"/
const relativeImport = /\bfrom "(\.[^"\n]+)"/g

/** Whether a file, or one of its neighbours that it imports, starts programs or reads files. */
const reaches = (file: string, seen: Set<string>): boolean => {
  const path = join(Layout.root, file)
  if (seen.has(file) || !existsSync(path)) return false
  seen.add(file)
  const text = readFileSync(path, "utf8")
  return (
    reaching.test(text) ||
    [...text.matchAll(relativeImport)].some(([, imported]) => reaches(normalize(join(dirname(file), imported!)), seen))
  )
}

/** A cluster is made of sources, not of tests and prose. */
const isSource = (file: string): boolean => !file.endsWith(".md") && !/\.test\.ts$|\/test\//.test(file)

const lines = (text: string): ReadonlyArray<string> => text.split("\n").filter((line) => line !== "")

const git = (...args: ReadonlyArray<string>) => Effect.map(output("git", args, { cwd: Layout.root }), lines)

/**
 * What vitest is to take for changed since the last commit. It finds the tests that import a changed file, by any way
 * round; those that start programs or read files are changed by anything, those that start a whole cluster by any source.
 */
export const changedTests = Effect.fn("ChangedTests.changedTests")(function* () {
  const edited = yield* git("diff", "--name-only", "HEAD")
  const added = yield* git("ls-files", "--others", "--exclude-standard")
  const changed = [...edited, ...added]
  if (changed.length === 0) return []
  const reachingTests = globSync(tests, { cwd: Layout.root, exclude: ["**/node_modules"] }).filter(
    (file) => (!clusterTests.includes(file) || changed.some(isSource)) && reaches(file, new Set())
  )
  return [...new Set([...changed, ...reachingTests])]
})
