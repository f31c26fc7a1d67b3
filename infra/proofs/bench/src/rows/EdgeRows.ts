import type { Row } from "@halles/harness/Catalogue"
import * as EdgeClient from "@halles/harness/EdgeClient"
import * as EdgeShop from "@halles/harness/EdgeShop"
import { Effect } from "effect"
import { closedLoop, type Figures, fixedWork } from "../Measure.ts"
import type { Measurement, Plan } from "../Measurement.ts"
import { article } from "./Shop.ts"
import { Stage } from "../Stage.ts"

const connections = 64
const skus = 500
/** Carts that lines are put into, so that a cart has its turn again after a while. */
const cartsOpen = 1_000
/** Parcels leave after the row. */
const laterMs = "3600000"

const skuAt = (n: number): string => `BREAD-${n % skus}`

const listings = Array.from({ length: skus }, (_, n): Row => ({
  ...article,
  region: "eu",
  sku: skuAt(n),
  stock: 1_000_000
}))

/** Where the processor time went: the edge's own part of it, and how busy the generator was, of one core. */
const withShares = (figures: Figures): Figures => {
  const { client = 0, edge = 0, ...others } = figures.cpuMicrosByProcess
  const all = Object.values(others).reduce((sum, micros) => sum + micros, client + edge)
  return {
    ...figures,
    extra: {
      ...figures.extra,
      edgeShare: all === 0 ? 0 : edge / all,
      generatorBusy: (client * figures.opsPerSecond) / 1e6
    }
  }
}

const many = <A, E, R>(count: number, make: (n: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    make,
    { concurrency: connections }
  )

const rows = ["productCached", "productFresh", "addToCart", "edgeCheckout"] as const
const setting = (what: string) =>
  `${what}; ${connections} connections, one runner, one edge, gateway and carrier with fsync`

/** The public edge over HTTP, from a process of its own: what a client sees, and what it costs in which process. */
export const edgeRows: Measurement = {
  rows,
  run: (plan: Plan) =>
    Effect.gen(function* () {
      const stage = yield* Stage
      yield* stage.partners({ HALLES_CARRIER_DISPATCH_MS: laterMs })
      yield* stage.runner("eu-1")
      const send = yield* EdgeClient.open(yield* stage.edge, connections)
      const shop = EdgeShop.make(send, stage.parts.secrets)
      yield* shop.list(listings, "bench")
      const { cpu } = stage
      const { span } = plan
      const loop = (
        row: (typeof rows)[number],
        what: string,
        operation: (n: number) => Effect.Effect<unknown, Error>
      ) =>
        plan.wants(row)
          ? Effect.flatMap(
              closedLoop({ row, setting: setting(what), inFlight: connections, span, cpu, operation }),
              (figures) => plan.report(row, withShares(figures))
            )
          : Effect.void
      yield* loop("productCached", `GET of ${skus} products`, (n) => shop.viewProduct("eu", skuAt(n)))
      yield* loop("productFresh", "the same past every cache (no-cache)", (n) => {
        const path = `/v1/products/${skuAt(n)}?region=eu`
        return Effect.filterOrFail(
          send({ method: "GET", path, headers: { "cache-control": "no-cache" } }),
          ({ status }) => status === 200,
          ({ status, text }) => new EdgeClient.NoAnswer({ code: `${status} ${text.slice(0, 300)}` })
        )
      })
      const run = Date.now().toString(36)
      if (plan.wants("addToCart")) {
        const carts = yield* many(cartsOpen, (n) => shop.openCart("eu", `${run}-open-${n}`))
        // Another quantity in each round: a line that is there already would be answered without being written.
        yield* loop("addToCart", `PUT of a line that changes it, ${cartsOpen} carts`, (n) =>
          shop.putLine(carts[n % cartsOpen]!, skuAt(n), 1 + (Math.floor(n / cartsOpen) % 50), `${run}-put-${n}`)
        )
      }
      if (plan.wants("edgeCheckout")) {
        const warmUp = plan.quick ? 1_000 : 3_000
        const operations = plan.quick ? 800 : 6_000
        const carts = yield* many(
          warmUp + operations,
          Effect.fnUntraced(function* (n) {
            const cart = yield* shop.openCart("eu", `${run}-buy-${n}`)
            for (const line of [0, 1]) yield* shop.putLine(cart, skuAt(n * 2 + line), 1, `${run}-buy-${n}-${line}`)
            return cart
          })
        )
        const figures = yield* fixedWork({
          row: "edgeCheckout",
          setting: setting(`POST checkout until confirmed, 2 lines, carts filled before`),
          inFlight: connections,
          warmUp,
          operations,
          cpu,
          operation: (n) =>
            Effect.filterOrFail(
              shop.checkOut(carts[n]!, `${carts[n]}-checkout`),
              ({ status }) => status === "confirmed",
              ({ status }) => new EdgeClient.NoAnswer({ code: `still ${status}` })
            )
        })
        yield* plan.report("edgeCheckout", withShares(figures))
      }
    }).pipe(Effect.scoped)
}
