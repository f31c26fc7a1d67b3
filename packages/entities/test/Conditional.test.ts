import { assert, layer } from "@effect/vitest"
import { CommandId, SkuCode, SkuId } from "@halles/shared/Ids"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Exit, Layer } from "effect"
import type { Sharding } from "effect/cluster"
import * as fc from "fast-check"
import { layerRegion } from "../src/Migrations.ts"
import { ListProduct, Product } from "../src/catalogue/Product.ts"
import { product as productDomain } from "../src/catalogue/ProductDomain.ts"
import * as TestCluster from "@halles/engine/testing/TestCluster"

const Test = productDomain.live.pipe(
  Layer.provideMerge(TestCluster.layer()),
  Layer.provide(layerRegion),
  Layer.provideMerge(PgTest.layer("conditional"))
)

const list = (commandId: string, amount: number, expectedSeq?: number) =>
  new ListProduct({
    commandId: CommandId.make(commandId),
    sku: SkuCode.make("TEA"),
    title: "Tea",
    description: "",
    price: { amount, currency: "GBP", taxRate: 0 },
    ...(expectedSeq === undefined ? {} : { expectedSeq })
  })
const product = (id: string) => Effect.map(Product.client, (client) => client(SkuId.make(id)))

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Conditional", (it) => {
  it.effect("a command is taken at the version it is meant for and at no other, which the refusal names", () =>
    Effect.gen(function* () {
      const tea = yield* product("eu_one")
      assert.deepInclude(yield* Effect.flip(tea.ListProduct(list("a", 1, 1))), { _tag: "PreconditionFailed", seq: 0 })
      assert.strictEqual((yield* tea.ListProduct(list("b", 2, 0))).seq, 1)
      assert.deepInclude(yield* Effect.flip(tea.ListProduct(list("c", 3, 0))), { _tag: "PreconditionFailed", seq: 1 })
      assert.deepInclude(yield* Effect.flip(tea.ListProduct(list("d", 3, 2))), { _tag: "PreconditionFailed", seq: 1 })
      assert.strictEqual((yield* tea.ListProduct(list("e", 3, 1))).seq, 2)
      assert.deepInclude(yield* tea.View(), { seq: 2, price: { amount: 3, currency: "GBP", taxRate: 0 } })
    })
  )

  it.effect("a repeat is answered though its own effect has moved the version on", () =>
    Effect.gen(function* () {
      const tea = yield* product("eu_two")
      yield* tea.ListProduct(list("a", 1, 0))
      yield* tea.ListProduct(list("b", 2, 1))
      assert.strictEqual((yield* tea.ListProduct(list("a", 1, 0))).seq, 2)
    })
  )

  it.effect("of all who saw the same version one is accepted, however they come, and nobody's change is lost", () =>
    Effect.flatMap(Effect.context<Sharding.Sharding>(), (services) =>
      Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.uuid(), fc.array(fc.nat(2), { minLength: 2, maxLength: 24 }), async (key, offsets) => {
            const outcome = await Effect.runPromise(
              Effect.gen(function* () {
                const tea = yield* product(`eu_${key}`)
                const exits = yield* Effect.forEach(
                  offsets,
                  (seq, n) => Effect.exit(tea.ListProduct(list(`c${n}`, n + 1, seq))),
                  { concurrency: "unbounded" }
                )
                const accepted = exits.flatMap((exit, n) => (Exit.isSuccess(exit) ? [offsets[n]!] : []))
                const now = yield* Effect.option(tea.View())
                return { accepted, seq: now._tag === "Some" ? now.value.seq : 0 }
              }).pipe(Effect.provideContext(services))
            )
            assert.strictEqual(new Set(outcome.accepted).size, outcome.accepted.length, "two for one version")
            assert.strictEqual(outcome.seq, outcome.accepted.length)
            assert.deepStrictEqual(
              outcome.accepted.toSorted((a, b) => a - b),
              outcome.accepted.map((_, n) => n)
            )
          }),
          { numRuns: 25 }
        )
      )
    )
  )
})
