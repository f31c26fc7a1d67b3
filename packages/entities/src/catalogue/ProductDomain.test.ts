import * as EntityClient from "@halles/engine/activation/EntityClient"
import { assert, layer } from "@effect/vitest"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { layerRegion } from "../Migrations.ts"
import { ListProduct, Product, Unlist } from "./Product.ts"
import { product as productDomain } from "./ProductDomain.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const Test = productDomain.live.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("product_live"))
)

const list = (commandId: string, amount: number) =>
  new ListProduct({
    commandId: CommandId.make(commandId),
    sku: SkuCode.make("TEA"),
    title: "Tea",
    description: "",
    price: { amount, currency: "GBP", taxRate: 2_000 }
  })

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
})
