import { assert, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import * as Layout from "../src/Layout.ts"

/** What a command prints where nothing was ever started; fails unless its exit code is 0. */
const printed = async (...args: ReadonlyArray<string>): Promise<string> => {
  const { HALLES_PORT_BASE: _, ...env } = process.env
  const main = join(Layout.root, "infra", "src", "main.ts")
  return (await promisify(execFile)(process.execPath, [main, ...args], { env })).stdout
}

const readme = readFileSync(join(Layout.root, "README.md"), "utf8")

describe("Help", { timeout: 60_000 }, () => {
  it("README names all scripts, and no other", () => {
    const { scripts } = JSON.parse(readFileSync(join(Layout.root, "package.json"), "utf8")) as { scripts: object }
    const named = [...readme.matchAll(/\bnpm (?:run (?:-s )?([a-z:]+)|(start|stop|test)\b)/g)].map(
      ([, script, short]) => script ?? short!
    )
    assert.includeMembers(Object.keys(scripts), named)
    const ownTools = ["format", "lint", "types"]
    assert.includeMembers([...named, ...ownTools], Object.keys(scripts))
  })

  it("without a command the inspector names its commands, and all that README names are among them", async () => {
    const help = await printed("inspect")
    const named = [...readme.replaceAll("\\|", "|").matchAll(/`npx halles ([a-z|\- ]+)/g)].flatMap(([, words]) =>
      words!.split("|").map((word) => word.trim().split(" ")[0]!)
    )
    assert.isAbove(named.length, 15)
    for (const name of new Set(named)) {
      if (name !== "inspect") assert.match(help, new RegExp(`^ +${name}\\b`, "m"))
    }
  })

  it("a shell completes the inspector's commands", async () => {
    assert.match(await printed("--completions", "bash"), /\bdoctor\b/)
  })

  for (const args of [
    ["identity"],
    ["identity", "grant", "--help"],
    ["check", "--help"],
    ["audit"],
    ["replay", "-h"]
  ]) {
    it(`${args.join(" ")}: explained without a cluster`, async () => {
      assert.match(await printed(...args), /^(DESCRIPTION|npm run)/)
    })
  }
})
