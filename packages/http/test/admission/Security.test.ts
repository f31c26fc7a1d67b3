import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

const root = join(import.meta.dirname, "..", "..", "..", "..")
const text = readFileSync(join(root, "SECURITY.md"), "utf8")
/** `file` "name of the test" */
const proofs = [...text.matchAll(/`([^`]+\.test\.ts)` "([^"]+)"/g)].map(([, file = "", name = ""]) => ({ file, name }))

it("each test that SECURITY.md names is there, and each of the ten risks has some", () => {
  const missing = proofs.filter(({ file, name }) => {
    const path = join(root, file)
    return !existsSync(path) || !readFileSync(path, "utf8").includes(`"${name}"`)
  })
  assert.deepStrictEqual(missing, [])
  for (let risk = 1; risk <= 10; risk++) {
    const row = text.split("\n").find((line) => line.startsWith(`| API${risk} `))
    assert.match(row ?? "", /\.test\.ts` "/, `API${risk}`)
  }
})
