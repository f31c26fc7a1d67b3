import { assert, layer } from "@effect/vitest"
import * as EntityClient from "@halles/engine/activation/EntityClient"
import * as Projection from "@halles/engine/projections/Projection"
import * as TestCluster from "@halles/engine/testing/TestCluster"
import { CommandId, SkuCode, SkuId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { DescribeProduct, ListProduct, Product, Unlist } from "../src/catalogue/Product.ts"
import { product } from "../src/catalogue/ProductDomain.ts"
import { DeclareMedia, Media, MediaId } from "../src/media/Media.ts"
import * as MediaArrivals from "../src/media/MediaArrivals.ts"
import type { Content } from "../src/media/MediaContent.ts"
import { media } from "../src/media/MediaDomain.ts"
import { MediaProcess } from "../src/media/MediaProcess.ts"
import { MediaTable } from "../src/media/MediaTable.ts"
import * as MediaUses from "../src/media/MediaUses.ts"
import * as Migrations from "../src/Migrations.ts"

const Test = Layer.merge(media.live, product.live).pipe(
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

const fields = (name: string) => ({ commandId: CommandId.make(name), origin: { actor: "test" } })
const declared = (content: Content | null) =>
  new DeclareMedia({
    ...fields("declare"),
    owner: null,
    uploadedBy: "test",
    alt: [],
    content
  })

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("uploads in pieces", (it) => {
  it.effect("are settled, also behind more of them that never come than one look takes", () =>
    Effect.gen(function* () {
      const entity = yield* EntityClient.make(Media)
      const table = yield* Projection.make(MediaTable)
      const ids = Array.from({ length: 130 }, (_, index) => MediaId.make(`eu_${100 + index}`))
      yield* Effect.forEach([oldest, broken], (id) => entity(id).DeclareMedia(declared(null)))
      yield* table.apply(
        ids.map((id, index) => {
          const event = { _tag: "MediaDeclared", owner: null, uploadedBy: "test", alt: [], content: null, at: index }
          return { id, seq: 1, at: index, events: [event] }
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

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("media of a product", (it) => {
  it.effect("know that it shows them, and that it does so no more, however old the news is", () =>
    Effect.gen(function* () {
      const [first, second] = [MediaId.make("eu_tin"), MediaId.make("eu_cup")]
      const media = yield* EntityClient.make(Media)
      const tea = (yield* EntityClient.make(Product))(SkuId.make("eu_TEA"))
      const heard = yield* MediaUses.makeHeard
      yield* Effect.forEach([first, second], (id) => media(id).DeclareMedia(declared(content)))
      const price = { amount: 495, currency: "GBP", taxRate: 0 } as const
      const listing = { sku: SkuCode.make("TEA"), title: "Tea", description: "", price }
      const list = (name: string) => tea.ListProduct(new ListProduct({ ...fields(name), ...listing }))
      const show = (name: string, media: ReadonlyArray<MediaId>) =>
        tea.DescribeProduct(new DescribeProduct({ ...fields(name), media }))
      const news = (seq: number, events = "ProductMediaChanged") =>
        heard(`{"type":"Product","id":"eu_TEA","seq":${seq},"events":[{"_tag":"${events}"}],"inJournal":true}`)
      const uses = Effect.forEach([first, second], (id) => Effect.map(media(id).View(), ({ usedBy }) => usedBy.length))

      yield* list("list")
      const { seq: shown } = yield* show("both", [first, second])
      yield* news(shown, "ProductDescribed")
      assert.deepStrictEqual(yield* uses, [0, 0])
      yield* news(shown)
      assert.deepStrictEqual(yield* uses, [1, 1])
      const { seq: replaced } = yield* show("second", [second])
      yield* Effect.forEach([shown, replaced, shown], (seq) => news(seq), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* uses, [0, 1])
      // Whoever puts it on sale again finds its pictures there.
      const { seq: unlisted } = yield* tea.Unlist(new Unlist(fields("unlist")))
      yield* news(unlisted)
      assert.deepStrictEqual(yield* uses, [0, 1])
      const { seq: bare } = yield* show("none", [])
      yield* news(bare)
      assert.deepStrictEqual(yield* uses, [0, 0])
    })
  )
})
