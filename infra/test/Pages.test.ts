import { assert, describe, it } from "@effect/vitest"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { root } from "../src/Layout.ts"

const files = globSync("{docs,infra,packages}/**/*", {
  cwd: root,
  exclude: (path) => /(^|\/)(node_modules|dist)$/.test(path)
})
const pages = [...globSync("*.md", { cwd: root }), ...files.filter((path) => path.endsWith(".md"))].map((path) => ({
  path,
  text: readFileSync(join(root, path), "utf8")
}))

/** In backticks: `packages/http/src/Http.ts`, or the end of it. */
const named = /`(\w[\w./-]*\.(?:ts|tsx|mjs|md|json|yaml|yml))`/g
const folder = /`((?:packages|infra|docs)(?:\/[\w.-]+)*)`/g
const linked = /\]\(([^)#:]+)\)/g

/** From the root, or the end of one path of the tree. */
const exists = (name: string): boolean =>
  existsSync(join(root, name)) || files.some((path) => path === name || path.endsWith(`/${name}`))

describe("Pages", () => {
  it("every file and folder that a page names is there", () => {
    const missing = pages.flatMap(({ path, text }) => [
      ...[...text.matchAll(named)].flatMap(([, name = ""]) => (exists(name) ? [] : [`${path}: ${name}`])),
      ...[...text.matchAll(folder)].flatMap(([, name = ""]) =>
        existsSync(join(root, name)) ? [] : [`${path}: ${name}`]
      ),
      ...[...text.matchAll(linked)].flatMap(([, to = ""]) =>
        existsSync(join(root, normalize(join(dirname(path), to)))) ? [] : [`${path}: ${to}`]
      )
    ])
    assert.deepStrictEqual(missing, [])
  })

  it("README leads to every page, and the glossary has at most 25 terms", () => {
    const readme = pages.find(({ path }) => path === "README.md")!.text
    const architecture = pages.find(({ path }) => path === "ARCHITECTURE.md")!.text
    const unlinked = pages
      .map(({ path }) => path)
      .filter((path) => path.startsWith("docs/") && !`${readme}${architecture}`.includes(`](${path})`))
    assert.deepStrictEqual(unlinked, [])
    const glossary = architecture
      .split("## ")[1]!
      .split("\n")
      .filter((line) => line.startsWith("| "))
    assert.isAtMost(glossary.length - 2, 25)
  })
})
