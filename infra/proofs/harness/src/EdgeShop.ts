import { Intents } from "@halles/shared/Intent"
import type { Region } from "@halles/shared/Region"
import { steadyKey } from "@halles/shared/testing/SteadyKey"
import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Effect, Layer, Redacted } from "effect"
import * as Catalogue from "./Catalogue.ts"
import * as EdgeClient from "./EdgeClient.ts"
import { NoAnswer, type Request, type Send } from "./EdgeClient.ts"
import { customer, deadlineMs, decidedWithinMs, type Placed, Shop } from "./Shop.ts"

/** What a proof knows of a cluster beside its address. */
export interface Keys {
  /** The secret by which the edge makes ids of commands: a proof looks for those in the journal. */
  readonly intentKey: string
  readonly importToken: string
  /** What the carrier signs with: a proof speaks for it. */
  readonly carrierWebhook: string
}

export interface Options extends Keys {
  readonly url: string
  /** As many as operations in flight, so that none waits here for another. */
  readonly connections: number
}

export const openCart = (region: Region, key: string): Request => ({
  method: "POST",
  path: "/v1/carts",
  // The edge knows a caller without a token by its key, which nobody may guess.
  key: steadyKey(key),
  body: { region, currency: Catalogue.currency }
})
const putLine = (cart: string, code: string, quantity: number, key: string): Request => ({
  method: "PUT",
  path: `/v1/carts/${cart}/lines/${code}`,
  key,
  body: { quantity }
})
const checkOut = (cart: string, key: string): Request => ({
  method: "POST",
  path: `/v1/carts/${cart}/checkout`,
  key,
  headers: { prefer: `wait=${decidedWithinMs / 1000}` },
  body: customer,
  withinMs: decidedWithinMs + deadlineMs
})

/** `503 unavailable`: the status, and the problem's code if there is one. */
const codeOf = (status: number, text: string): string =>
  `${status} ${/"code":"([a-z_]+)"/.exec(text)?.[1] ?? ""}`.trim()

export const make = (send: Send, keys: Keys) => {
  const carrier = WebhookSignature.make([Redacted.make(keys.carrierWebhook)])
  const intents = Intents.make(Redacted.make(keys.intentKey))
  const ask = (request: Request) =>
    Effect.flatMap(send(request), ({ status, text }) =>
      status < 300 ? Effect.succeed(text) : Effect.fail(new NoAnswer({ code: codeOf(status, text) }))
    )
  const tell = (request: Request) => Effect.asVoid(ask(request))
  const look = (path: string) => tell({ method: "GET", path })
  const read = <A>(request: Request, from: (body: unknown) => A) =>
    Effect.flatMap(ask(request), (text) =>
      Effect.try({ try: () => from(JSON.parse(text)), catch: () => new NoAnswer({ code: "unreadable answer" }) })
    )
  const idOf = (operation: string, request: Request) => EdgeClient.commandIdOf(intents, operation, request)
  return Shop.of({
    commandIds: {
      open: (region, key) => idOf("openCart", openCart(region, key)),
      put: (cart, code, quantity, key) => idOf("putLine", putLine(cart, code, quantity, key)),
      checkOut: (cart, key) => idOf("checkOut", checkOut(cart, key)),
      // The edge makes it from the id of the import, what the row lists, and its number among
      // the rows of the import about that product.
      list: (row, key) => {
        const intent = EdgeClient.intentOf(intents, { method: "POST", path: Catalogue.importPath, key })
        return `import:list:${intent.name("list", [1, Catalogue.listed(row)])}`
      }
    },
    openCart: (region, key) => read(openCart(region, key), (cart) => (cart as { readonly id: string }).id),
    putLine: (cart, code, quantity, key) => tell(putLine(cart, code, quantity, key)),
    checkOut: (cart, key) =>
      read(checkOut(cart, key), (order): Placed => {
        const { cancelled, orderId, status } = order as {
          readonly orderId: string
          readonly status: string
          readonly cancelled: { readonly code: string } | null
        }
        return { order: orderId, status, cancelled: cancelled?.code ?? null }
      }),
    viewProduct: (region, code) => look(`/v1/products/${code}?region=${region}`),
    viewStock: (region, code) => look(`/v1/skus/${region}/${code}`),
    listProducts: (region, search) =>
      look(`/v1/products?region=${region}&limit=20${search === null ? "" : `&q=${encodeURIComponent(search)}`}`),
    list: (rows, key) =>
      Effect.flatMap(ask(Catalogue.importOf(key, keys.importToken, rows)), (text) => {
        const { accepted, refused } = Catalogue.imported(text)
        const code = refused[0]?.code ?? "broken off"
        return accepted === rows.length ? Effect.void : Effect.fail(new NoAnswer({ code: `import: ${code}` }))
      }),
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
        const headers = { ...carrier.sign({ id: eventId, at, body }) }
        return tell({ method: "POST", path: "/webhooks/carrier", headers, body })
      })
  })
}

export const layer = (options: Options) =>
  Layer.effect(
    Shop,
    Effect.map(EdgeClient.open(options.url, options.connections), (send) => make(send, options))
  )
