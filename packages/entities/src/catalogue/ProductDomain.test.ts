import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { layerRegion } from "../Migrations.ts"
import { ListProduct, Product, Unlist } from "./Product.ts"
import { product as productDomain } from "./ProductDomain.ts"
import { PublishRelease, PutRelease, Release, type ReleaseView } from "../release/Release.ts"
import { release as releaseDomain } from "../release/ReleaseDomain.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const Test = Layer.mergeAll(productDomain.live, releaseDomain.live).pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("product_live"))
)

const list = (commandId: string, amount: number, code = "TEA") =>
  new ListProduct({
    commandId: CommandId.make(commandId),
    sku: SkuCode.make(code),
    title: "Tea",
    description: "",
    price: { amount, currency: "GBP", taxRate: 2_000 }
  })

/** Every activation of the runner is refused at its next write, dies, and is rebuilt from the journal. */
const crash = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`SELECT count(*) FROM shard_epoch_raise((SELECT array_agg(shard) FROM shard_epoch), 'crash')`
)

/** Sent again until it is answered, as the edge does. */
const sent = <A, E>(call: Effect.Effect<A, E>) =>
  call.pipe(
    Effect.timeout("2 seconds"),
    Effect.sandbox,
    Effect.retry(Schedule.spaced("50 millis")),
    Effect.timeout("30 seconds")
  )

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Product", (it) => {
  it.effect("lists, lists again for nothing, and takes off sale", () =>
    Effect.gen(function* () {
      const product = (yield* EntityClient.make(Product))("eu_TEA")
      const missing = yield* Effect.flip(product.View())
      assert.deepInclude(missing, { _tag: "NotFound", entity: "Product", id: "eu_TEA" })
      const unlist = new Unlist({ commandId: CommandId.make("u") })
      assert.deepInclude(yield* Effect.flip(product.Unlist(unlist)), { _tag: "NotFound", id: "eu_TEA" })
      const listed = yield* product.ListProduct(list("1", 250))
      assert.deepInclude(listed, { region: "eu", listed: true, seq: 1 })
      assert.strictEqual((yield* product.ListProduct(list("2", 250))).seq, 1)
      assert.deepInclude((yield* product.ListProduct(list("3", 300))).price, { amount: 300 })
      assert.deepInclude(yield* product.Unlist(unlist), { listed: false, seq: 3 })
      assert.deepInclude(yield* product.View(), { listed: false, seq: 3 })
    })
  )

  it.effect("are changed by a release once each, though the runner dies on the way, or told why not", () =>
    Effect.gen(function* () {
      const product = yield* EntityClient.make(Product)
      const release = yield* EntityClient.make(Release)
      const sql = yield* SqlClient.SqlClient
      const codes = Array.from({ length: 120 }, (_, index) => SkuCode.make(`R${index}`))
      yield* Effect.forEach(codes, (code) => product(`eu_${code}`).ListProduct(list("r", 100, code)), {
        concurrency: 50
      })
      yield* product("eu_R7").ListProduct(list("r2", 150, "R7"))
      const price = { amount: 90, currency: "GBP", taxRate: 0 } as const
      const members = [...codes, SkuCode.make("NOWHERE")].map((sku) => ({
        sku,
        ...(sku === "NOWHERE" ? {} : { version: 1 }),
        ...(sku === "R3" ? { listed: false } : { price })
      }))
      const published = (id: string): Effect.Effect<ReleaseView, unknown> =>
        sent(release(id).View()).pipe(
          Effect.repeat({ until: ({ status }) => status === "published", schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("30 seconds")
        )
      const plan = (commandId: string, more: object) =>
        new PutRelease({ commandId: CommandId.make(commandId), title: "Autumn", members, ...more })

      yield* release("eu_autumn").PutRelease(plan("plan", {}))
      const publish = new PublishRelease({ commandId: CommandId.make("publish") })
      yield* release("eu_autumn").PublishRelease(publish)
      yield* Effect.delay(crash, "10 millis")
      yield* sent(release("eu_autumn").PublishRelease(publish))
      const autumn = yield* published("eu_autumn")
      assert.deepStrictEqual(
        autumn.members.filter(({ outcome }) => outcome !== "done").map(({ outcome, sku }) => `${sku}: ${outcome}`),
        ["R7: changed", "NOWHERE: not_found"]
      )
      assert.deepInclude(yield* sent(product("eu_R1").View()), { price, listed: true, seq: 2 })
      assert.deepInclude(yield* sent(product("eu_R3").View()), { listed: false, seq: 2 })
      assert.deepInclude((yield* sent(product("eu_R7").View())).price, { amount: 150 })

      // By its time.
      const dueAt = Date.now() + 500
      const tea = [{ sku: SkuCode.make("R7"), listed: false }]
      yield* sent(release("eu_winter").PutRelease(plan("winter", { dueAt, members: tea })))
      // As the timers do.
      yield* Effect.sleep(dueAt + 1 - Date.now())
      yield* sent(release("eu_winter").TimerFired(new TimerFired({ commandId: CommandId.make("timer"), dueAt })))
      const winter = yield* published("eu_winter")
      assert.isAtLeast(winter.startedAt ?? 0, dueAt)
      assert.deepInclude(yield* sent(product("eu_R7").View()), { listed: false })

      const applied = yield* sql<{ readonly id: string; readonly times: number }>`
        SELECT entity_id AS id, count(*)::int AS times FROM journal, jsonb_array_elements(events) e
        WHERE entity_type = 'Product' AND e->>'_tag' = 'ReleaseApplied' GROUP BY entity_id`
      assert.deepStrictEqual(
        applied.map(({ id, times }) => `${id} ${times}`).toSorted(),
        codes.map((code) => `eu_${code} 1`).toSorted()
      )
    })
  )
})
