import { Pool } from "@effect/platform-node/Undici"
import { Intents } from "@halles/shared/Intent"
import type { Region } from "@halles/shared/Region"
import { steadyKey } from "@halles/shared/testing/SteadyKey"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Effect, Layer, Redacted } from "effect"
import {
  currency,
  customer,
  deadlineMs,
  decidedWithinMs,
  type Listing,
  NoAnswer,
  type Placed,
  Shop,
  taxRate
} from "./Shop.ts"

export interface Options {
  readonly url: string
  /** What the edge names commands with: the load asks the journal for them. */
  readonly intentKey: string
  readonly importToken: string
  /** What the carrier signs with: the load speaks for it. */
  readonly carrierSecret: string
  /** As many as operations in flight, so that none waits here for another. */
  readonly connections: number
}

interface Request {
  readonly method: "GET" | "POST" | "PUT"
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly withinMs?: number
}

const json = { "content-type": "application/json" }
const keyed = (key: string) => ({ ...json, "idempotency-key": key })

const openRequest = (region: Region, key: string): Request => ({
  method: "POST",
  path: "/v1/carts",
  // Who has no token is known by a key that nobody else comes upon.
  headers: keyed(steadyKey(key)),
  body: JSON.stringify({ region, currency })
})
const putRequest = (cart: string, code: string, quantity: number, key: string): Request => ({
  method: "PUT",
  path: `/v1/carts/${cart}/lines/${code}`,
  headers: keyed(key),
  body: JSON.stringify({ quantity })
})
const checkOutRequest = (cart: string, key: string): Request => ({
  method: "POST",
  path: `/v1/carts/${cart}/checkout`,
  headers: { ...keyed(key), prefer: `wait=${decidedWithinMs / 1000}` },
  body: JSON.stringify(customer),
  withinMs: decidedWithinMs + deadlineMs
})

/** `503 unavailable`: the status, and the problem's code if there is one. */
const codeOf = (status: number, text: string): string =>
  `${status} ${/"code":"([a-z_]+)"/.exec(text)?.[1] ?? ""}`.trim()
/** The name that Node or undici gives to what broke. */
const causeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error).slice(0, 80)

const row = (listing: Listing, stock: number): string =>
  JSON.stringify({
    region: listing.region,
    sku: listing.code,
    title: listing.title,
    price: { amount: String(listing.pence), currency },
    taxRate,
    ...(stock === 0 ? {} : { warehouse: `${listing.region}-main`, stock })
  })

/** The public edge over HTTP/1.1 with kept connections, by undici itself: a load tester's own work is to be small. */
export const layer = (options: Options) =>
  Layer.effect(
    Shop,
    Effect.gen(function* () {
      const pool = yield* Effect.acquireRelease(
        Effect.sync(() => new Pool(options.url, { connections: options.connections, pipelining: 1 })),
        (open) => Effect.promise(() => open.destroy())
      )
      const carrier = WebhookSignature.make([Redacted.make(options.carrierSecret)])

      const ask = ({ body, headers = {}, method, path, withinMs = deadlineMs }: Request) =>
        Effect.tryPromise({
          try: async () => {
            const answer = await pool.request({
              method,
              path,
              headers,
              body: body ?? null,
              headersTimeout: withinMs,
              bodyTimeout: withinMs
            })
            return { status: answer.statusCode, text: await answer.body.text() }
          },
          catch: (cause) => new NoAnswer({ code: causeOf(cause) })
        }).pipe(
          Effect.flatMap(({ status, text }) =>
            status < 300 ? Effect.succeed(text) : Effect.fail(new NoAnswer({ code: codeOf(status, text) }))
          )
        )
      const tell = (request: Request) => Effect.asVoid(ask(request))
      const read = <A>(request: Request, from: (body: unknown) => A) =>
        Effect.flatMap(ask(request), (text) =>
          Effect.try({ try: () => from(JSON.parse(text)), catch: () => new NoAnswer({ code: "unreadable answer" }) })
        )

      const intents = Intents.make(Redacted.make(options.intentKey))
      const idOf = (operation: string, { body = "", headers, method, path }: Request): string => {
        const key = headers?.["idempotency-key"] ?? ""
        return `${operation}:${intents.of({ sender: null, method, url: path, body, key }).name(operation)}`
      }
      return Shop.of({
        commandIds: {
          open: (region, key) => idOf("open", openRequest(region, key)),
          put: (cart, code, quantity, key) => idOf("put", putRequest(cart, code, quantity, key)),
          checkOut: (cart, key) => idOf("checkout", checkOutRequest(cart, key))
        },
        openCart: (region, key) => read(openRequest(region, key), (cart) => (cart as { readonly id: string }).id),
        putLine: (cart, code, quantity, key) => tell(putRequest(cart, code, quantity, key)),
        viewCart: (cart) => tell({ method: "GET", path: `/v1/carts/${cart}` }),
        checkOut: (cart, key) =>
          read(checkOutRequest(cart, key), (order): Placed => {
            const { cancelled, orderId, status } = order as {
              readonly orderId: string
              readonly status: string
              readonly cancelled: { readonly code: string } | null
            }
            return { order: orderId, status, cancelled: cancelled?.code ?? null }
          }),
        viewOrder: (order) => tell({ method: "GET", path: `/v1/orders/${order}` }),
        viewProduct: (region, code) => tell({ method: "GET", path: `/v1/products/${code}?region=${region}` }),
        viewStock: (region, code) => tell({ method: "GET", path: `/v1/skus/${region}/${code}` }),
        listProducts: (region, search) =>
          tell({
            method: "GET",
            path: `/v1/products?region=${region}&limit=20${search === null ? "" : `&q=${encodeURIComponent(search)}`}`
          }),
        list: (listings, stock, key) =>
          Effect.flatMap(
            ask({
              method: "POST",
              path: "/v1/catalog/import",
              headers: {
                authorization: `Bearer ${options.importToken}`,
                "content-type": "application/x-ndjson",
                "import-id": key
              },
              body: `${listings.map((listing) => row(listing, stock)).join("\n")}\n`,
              // A long import answers line by line.
              withinMs: 60_000
            }),
            (text) => {
              const last = text.trim().split("\n").at(-1) ?? ""
              return last.includes('"type":"done"') && last.includes('"rejected":0')
                ? Effect.void
                : Effect.fail(new NoAnswer({ code: `import: ${/"code":"([a-z_]+)"/.exec(text)?.[1] ?? "broken off"}` }))
            }
          ),
        delivered: (orderId, eventId) =>
          Effect.suspend(() => {
            const at = new Date()
            const body = JSON.stringify({
              eventId,
              reference: `load:${orderId}`,
              orderId,
              type: "shipment.delivered",
              occurredAt: at.toISOString(),
              shipmentId: `load-${orderId}`,
              trackingNumbers: []
            })
            const headers = { ...json, ...carrier.sign({ id: eventId, at, body }) }
            return tell({ method: "POST", path: "/webhooks/carrier", headers, body })
          })
      })
    })
  )
