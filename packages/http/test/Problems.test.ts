import { assert, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { globSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Problem from "@halles/shared/wire/Problem"
import { committed } from "../src/openapi/Committed.ts"
import { EdgeTest } from "./EdgeTest.ts"

const src = fileURLToPath(new URL("../src", import.meta.url))
/** Codes that stand in the source of the edge as such; those of refusals stand beside their classes. */
const ofEdge = globSync("**/*.ts", { cwd: src }).filter((file) => !file.startsWith("operator/"))
const written = ofEdge.flatMap((file) =>
  [...readFileSync(`${src}/${file}`, "utf8").matchAll(/Problem\.(?:make|kind)\(\{\s*code: "([a-z_]+)"/g)].map(
    ([, code]) => code!
  )
)

it("a code means one thing", () => {
  const meant = { code: "not_found", status: 404, title: "There is no such thing" }
  assert.doesNotThrow(() => Problem.kind(meant))
  assert.throws(() => Problem.kind({ ...meant, status: 410 }), /not_found/)
  assert.throws(() => Problem.kind({ ...meant, title: "Something else" }), /not_found/)
})

layer(EdgeTest.layer, { excludeTestServices: true, timeout: "60 seconds" })("problems", (it) => {
  it.effect("each has a page that says what it is and what to do", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const documented = Object.keys(JSON.parse(committed()).components.schemas as object).filter(
        (name) => /^[A-Z]\w+Problem$/.test(name) && name !== "ItemProblem"
      )
      assert.isAbove(documented.length, 40)
      for (const name of documented)
        assert.isTrue(Problem.catalogue.has(Problem.codeOf(name.slice(0, -"Problem".length))), name)
      for (const code of written) assert.isTrue(Problem.catalogue.has(code), code)
      for (const { code, title } of Problem.catalogue.values()) {
        const { status, text } = yield* send("GET", `/problems/${code}`)
        assert.strictEqual(status, 200, code)
        assert.include(text, `<h1>${title}</h1>`)
        assert.include(text, `<code>${code}</code>`)
        assert.notInclude(text, "Send the request again later.", `${code}: its status has no advice`)
      }
    })
  )

  it.effect("the type of an answer leads to its page", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json } = yield* send("GET", "/v1/carts/eu_nobody")
      assert.strictEqual((yield* send("GET", json.type)).status, 200)
      const index = yield* send("GET", "/problems")
      assert.include(index.text, `href="${json.type}"`)
      assert.strictEqual((yield* send("GET", "/problems/made_up")).status, 404)
    })
  )
})
