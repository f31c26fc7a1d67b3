import { steadyKey } from "@halles/shared/testing/SteadyKey"
import { Effect, Schema } from "effect"
import { open, type Send, WrongAnswer } from "./EdgeCalls.ts"
import { closedLoop, type Figures, fixedWork } from "../Measure.ts"
import type { Measurement, Plan } from "../Measurement.ts"
import { delivery } from "./Shop.ts"
import { Stage } from "../Stage.ts"

const connections = 64
const skus = 500
/** Carts that lines are put into, so that a cart has its turn again after a while. */
const cartsOpen = 1_000
/** Parcels leave after the row. */
const laterMs = "3600000"
const waitSeconds = 30

const skuAt = (n: number): string => `BREAD-${n % skus}`

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

const stockShop = Effect.fnUntraced(function* (send: Send, token: string) {
  const rows = Array.from({ length: skus }, (_, n) =>
    JSON.stringify({
      region: "eu",
      sku: skuAt(n),
      title: "Sourdough loaf",
      description: "Baked this morning",
      price: { amount: "1995", currency: "GBP" },
      taxRate: 2_000,
      stock: 1_000_000
    })
  )
  yield* send({
    method: "POST",
    path: "/v1/catalog/import",
    headers: { authorization: `Bearer ${token}`, "import-id": "bench", "content-type": "application/x-ndjson" },
    body: `${rows.join("\n")}\n`,
    status: 200
  })
})

const Id = Schema.fromJsonString(Schema.Struct({ id: Schema.String }))
const decodeId = Schema.decodeUnknownEffect(Id)

/** Carts under keys of their own, so that a repeated row opens others. */
const shopper = (send: Send, run: string) => {
  const putLine = (cart: string, key: string, sku: string, quantity: number) =>
    send({
      method: "PUT",
      path: `/v1/carts/${cart}/lines/${sku}`,
      headers: { "idempotency-key": key },
      body: `{"quantity":${quantity}}`,
      status: 200
    })
  const openCart = (n: number) =>
    send({
      method: "POST",
      path: "/v1/carts",
      headers: { "idempotency-key": steadyKey(`${run}-open-${n}`) },
      body: '{"region":"eu","currency":"GBP"}',
      status: 201
    }).pipe(
      Effect.flatMap(decodeId),
      Effect.map(({ id }) => id)
    )
  const filled = Effect.fnUntraced(function* (n: number) {
    const cart = yield* openCart(n)
    yield* putLine(cart, `${run}-${n}-0`, skuAt(n * 2), 1)
    yield* putLine(cart, `${run}-${n}-1`, skuAt(n * 2 + 1), 1)
    return cart
  })
  const checkOut = (cart: string) => {
    const path = `/v1/carts/${cart}/checkout`
    return send({
      method: "POST",
      path,
      headers: { "idempotency-key": `${cart}-checkout`, prefer: `wait=${waitSeconds}` },
      body: JSON.stringify(delivery),
      status: 201
    }).pipe(
      Effect.tap((body) =>
        body.includes('"status":"confirmed"')
          ? Effect.void
          : Effect.fail(new WrongAnswer({ request: path, status: 201, body: body.slice(0, 300) }))
      )
    )
  }
  return { putLine, openCart, filled, checkOut }
}

const many = <A, E, R>(count: number, make: (n: number) => Effect.Effect<A, E, R>) =>
  Effect.forEach(
    Array.from({ length: count }, (_, n) => n),
    make,
    { concurrency: connections }
  )

const product = (send: Send, n: number, headers: Record<string, string>) =>
  send({ method: "GET", path: `/v1/products/${skuAt(n)}?region=eu`, headers, status: 200 })

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
      const url = yield* stage.edge
      const send = yield* open(url, connections)
      yield* stockShop(send, stage.parts.secrets.importToken)
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
      yield* loop("productCached", `GET of ${skus} products`, (n) => product(send, n, {}))
      yield* loop("productFresh", "the same past every cache (no-cache)", (n) =>
        product(send, n, { "cache-control": "no-cache" })
      )
      if (plan.wants("addToCart")) {
        const run = Date.now().toString(36)
        const { openCart, putLine } = shopper(send, run)
        const carts = yield* many(cartsOpen, openCart)
        // Another quantity in each round: a line that is there already would be answered without being written.
        yield* loop("addToCart", `PUT of a line that changes it, ${cartsOpen} carts`, (n) =>
          putLine(carts[n % cartsOpen]!, `${run}-put-${n}`, skuAt(n), 1 + (Math.floor(n / cartsOpen) % 50))
        )
      }
      if (plan.wants("edgeCheckout")) {
        const { checkOut, filled } = shopper(send, `${Date.now().toString(36)}-buy`)
        const warmUp = plan.quick ? 1_000 : 3_000
        const operations = plan.quick ? 800 : 6_000
        const carts = yield* many(warmUp + operations, filled)
        const figures = yield* fixedWork({
          row: "edgeCheckout",
          setting: setting(`POST checkout until confirmed, 2 lines, carts filled before`),
          inFlight: connections,
          warmUp,
          operations,
          cpu,
          operation: (n) => checkOut(carts[n]!)
        })
        yield* plan.report("edgeCheckout", withShares(figures))
      }
    }).pipe(Effect.scoped)
}
