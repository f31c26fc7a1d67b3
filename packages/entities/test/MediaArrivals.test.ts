import { assert, layer } from "@effect/vitest"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as Projection from "@halles/engine/projections/Projection"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { CommandId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { DeclareMedia, Media, MediaId } from "../src/media/Media.ts"
import * as MediaArrivals from "../src/media/MediaArrivals.ts"
import type { Content } from "../src/media/MediaContent.ts"
import { media } from "../src/media/MediaDomain.ts"
import { MediaProcess } from "../src/media/MediaProcess.ts"
import { MediaTable } from "../src/media/MediaTable.ts"
import * as Migrations from "../src/Migrations.ts"

const Test = media.live.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provideMerge(Migrations.layerRegion.pipe(Layer.provideMerge(PgTest.layer("arrivals")), Layer.orDie))
)
const content: Content = {
  hash: "a".repeat(64),
  type: "application/pdf",
  bytes: 1,
  width: null,
  height: null,
  frames: 1
}
const oldest = MediaId.make("eu_100")
const broken = MediaId.make("eu_101")

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("uploads in pieces", (it) => {
  it.effect("are settled, also behind more of them that never come than one look takes", () =>
    Effect.gen(function* () {
      const entity = yield* EntityClient.make(Media)
      const table = yield* Projection.make(MediaTable)
      const ids = Array.from({ length: 130 }, (_, index) => MediaId.make(`eu_${100 + index}`))
      yield* Effect.forEach([oldest, broken], (id) =>
        entity(id).DeclareMedia(
          new DeclareMedia({
            commandId: CommandId.make("declare"),
            origin: { actor: "test" },
            owner: null,
            uploadedBy: "test",
            alt: [],
            content: null
          })
        )
      )
      yield* table.apply(
        ids.map((id, index) => {
          const declared = { _tag: "MediaDeclared", owner: null, uploadedBy: "test", alt: [], content: null, at: index }
          return { id, seq: 1, at: index, events: [declared] }
        })
      )
      const asked: Array<string> = []
      const look = yield* Effect.provideService(MediaArrivals.make, MediaProcess, {
        take: () => Effect.die("unused"),
        open: () => Effect.die("unused"),
        drop: () => Effect.die("unused"),
        outcomeOf: (id) =>
          Effect.sync(() => {
            asked.push(id)
            if (id === oldest) return { kept: content }
            return id === broken ? { refused: "broken" as const } : null
          })
      })
      yield* look
      assert.strictEqual((yield* entity(oldest).View()).status, "declared")
      yield* look
      yield* look
      assert.deepStrictEqual(asked.toSorted(), ids)
      assert.deepInclude(yield* entity(oldest).View(), { status: "ready", content })
      assert.deepInclude(yield* entity(broken).View(), { status: "refused", refusedFor: "broken" })
      // After the last of them it begins anew at the newest.
      yield* look
      assert.include(asked.slice(ids.length), ids.at(-1))
    })
  )
})
