import { assert, it, layer } from "@effect/vitest"
import { NodeServices } from "@effect/platform-node"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../src/Layout.ts"
import { nameOf, newDomain } from "../src/programs/NewDomain.ts"

/** A checkout with the domains of this one, and nothing else. */
const copy = Effect.acquireRelease(
  Effect.sync(() => {
    const folder = mkdtempSync(join(tmpdir(), "halles-new-"))
    const entities = join("packages", "entities")
    mkdirSync(join(folder, entities), { recursive: true })
    cpSync(join(root, entities, "src"), join(folder, entities, "src"), {
      recursive: true,
      filter: (path) => !path.endsWith(".test.ts")
    })
    cpSync(join(root, entities, "package.json"), join(folder, entities, "package.json"))
    symlinkSync(join(root, entities, "node_modules"), join(folder, entities, "node_modules"))
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"))
    const { compilerOptions } = JSON.parse(readFileSync(join(root, "tsconfig.json"), "utf8")) as {
      compilerOptions: object
    }
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["packages/entities/src"], exclude: ["**/*.test.ts"] })
    )
    return folder
  }),
  (folder) => Effect.sync(() => spawnSync("rm", ["-r", folder]))
)

/** What is seen of the domain by whoever reads the list: its place in it, and what a command comes to. */
const played = `
import { domains, models } from "./packages/entities/src/Domains.ts"
const before = models.get("WishList")("eu_a")
const after = before.after(before.would({ _tag: "PutWishList", commandId: "c", title: "Tea" }, 7).events)
console.log(JSON.stringify({
  types: domains.map(({ type }) => type), before: before.view, after: after.view,
  refused: before.decide({ _tag: "RemoveWishList", commandId: "c" }, 7)
}))`

it("a name of a domain is words in small letters", () => {
  assert.deepStrictEqual(nameOf("wish-list"), {
    type: "WishList",
    variable: "wishList",
    folder: "wishlist",
    words: "wish list"
  })
  for (const given of ["", "WishList", "wish_list", "wish--list", "../cart", "a"]) assert.isNull(nameOf(given), given)
})

layer(NodeServices.layer, { excludeTestServices: true, timeout: "60 seconds" })("npm run new", (it) => {
  it.effect("writes a domain that compiles, is in the list, and answers", () =>
    Effect.gen(function* () {
      const folder = yield* copy
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
      const { after, before, refused, types } = JSON.parse(run.stdout)
      assert.include(types, "WishList")
      assert.isAbove(types.length, 7)
      assert.deepStrictEqual([before, after], [null, { id: "eu_a", title: "Tea", seq: 1 }])
      assert.strictEqual(refused, "NotFound")
      // It is there now.
      const again = yield* Effect.flip(newDomain(folder, "wish-list"))
      assert.include(again.message, "already")
    })
  )
})
