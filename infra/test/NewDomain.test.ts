import { assert, it, layer } from "@effect/vitest"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../src/Layout.ts"
import { nameOf, newDomain } from "../src/programs/NewDomain.ts"

/** Of this checkout always the same, so that the compiler finds again what it checked the last time. */
const folder = join(tmpdir(), `halles-new-domain-${createHash("sha256").update(root).digest("hex").slice(0, 12)}`)
const removed = Effect.sync(() => rmSync(folder, { recursive: true, force: true }))

/** A checkout with the domains and the edge of this one, and nothing else. */
const copied = Effect.acquireRelease(
  Effect.sync(() => {
    for (const name of ["entities", "http"]) {
      const from = join(root, "packages", name)
      const to = join(folder, "packages", name)
      mkdirSync(to, { recursive: true })
      cpSync(join(from, "src"), join(to, "src"), { recursive: true, filter: (path) => !path.endsWith(".test.ts") })
      cpSync(join(from, "package.json"), join(to, "package.json"))
      // Its dependencies, but the copies of these two.
      mkdirSync(join(to, "node_modules", "@halles"), { recursive: true })
      for (const one of readdirSync(join(from, "node_modules"))) {
        if (one !== "@halles") symlinkSync(join(from, "node_modules", one), join(to, "node_modules", one))
      }
      for (const one of readdirSync(join(from, "node_modules", "@halles"))) {
        const here = ["entities", "http"].includes(one)
        const target = here ? join(folder, "packages", one) : join(from, "node_modules", "@halles", one)
        symlinkSync(target, join(to, "node_modules", "@halles", one))
      }
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as {
      compilerOptions: object
    }
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        compilerOptions: { ...compilerOptions, tsBuildInfoFile: join(root, ".halles/types/new-domain.tsbuildinfo") },
        include: ["packages/entities/src", "packages/http/src/main.ts"],
        exclude: ["**/*.test.ts"]
      })
    )
  }),
  () => removed
)

/** What is seen of the domain by whoever reads the list: its place in it, what a command comes to, and its routes. */
const played = `
import { domains, models } from "./packages/entities/src/Domains.ts"
import { text } from "./packages/http/src/openapi/Committed.ts"
import { page } from "./packages/http/src/access/PolicyPage.ts"
import { routeOf } from "./packages/http/src/openapi/RouteTable.ts"
const before = models.get("WishList")("eu_a")
const after = before.after(before.would({ _tag: "PutWishList", commandId: "c", title: "Tea" }, 7).events)
console.log(JSON.stringify({
  types: domains.map(({ type }) => type), before: before.view, after: after.view,
  refused: before.decide({ _tag: "RemoveWishList", commandId: "c" }, 7),
  paths: Object.keys(JSON.parse(text).paths).filter((path) => path.includes("wish")),
  policy: page.split("\\n").filter((line) => line.includes("WishList")),
  route: routeOf("PUT", "/v1/wish-lists/eu_a").name,
  table: domains[0].table.table, row: domains[0].table.fold(null, { at: 7, events: [{ _tag: "WishListPut", title: "Tea", at: 7 }] })
}))`

it("a name of a domain is words in small letters", () => {
  assert.deepStrictEqual(nameOf("wish-list"), {
    type: "WishList",
    variable: "wishList",
    folder: "wishlist",
    path: "wish-list",
    words: "wish list"
  })
  for (const given of ["", "WishList", "wish_list", "wish--list", "../cart", "a"]) assert.isNull(nameOf(given), given)
})

layer(NodeServices.layer, { excludeTestServices: true, timeout: "60 seconds" })("npm run new", (it) => {
  it.effect(
    "writes a domain that compiles, is in the list, answers, and has routes, each with its rule",
    () =>
      Effect.gen(function* () {
        yield* removed
        yield* copied
        const files = yield* newDomain(folder, "wish-list")
        assert.isAtMost(files.length, 7)
        const tsc = spawnSync(process.execPath, [join(root, "node_modules", "typescript", "bin", "tsc"), "--noEmit"], {
          cwd: folder,
          encoding: "utf8"
        })
        assert.strictEqual(tsc.stdout, "")
        const run = spawnSync(process.execPath, ["--input-type=module", "--eval", played], {
          cwd: folder,
          encoding: "utf8"
        })
        assert.strictEqual(run.stderr.replaceAll(/^\(.*\n/gm, ""), "")
        const { after, before, paths, policy, refused, route, row, table, types } = JSON.parse(run.stdout)
        assert.include(types, "WishList")
        assert.isAbove(types.length, 7)
        assert.deepStrictEqual([before, after], [null, { id: "eu_a", title: "Tea", removed: false, seq: 1 }])
        assert.strictEqual(refused, "NotFound")
        assert.deepStrictEqual(paths, ["/v1/wish-lists", "/v1/wish-lists/{id}"])
        assert.strictEqual(policy.length, 5)
        for (const row of policy) assert.include(row, "| admin |")
        assert.strictEqual(route, "putWishList")
        assert.deepStrictEqual([table, row], ["wish_list_view", { title: "Tea", removed: false }])
        // It is there now.
        const again = yield* Effect.flip(newDomain(folder, "wish-list"))
        assert.include(again.message, "already")
      }),
    120_000
  )
})
