import type { Request, Send } from "@halles/harness/EdgeClient"
import { customer } from "@halles/harness/Shop"
import { Effect } from "effect"
import { randomUUID } from "node:crypto"
import { type Ask, several, until } from "./Client.ts"
import { customerId } from "./Issuer.ts"
import type { World } from "./World.ts"

/** Carts with a line in them, and orders. */
const eachMax = 20
/** Of each other thing that a route needs. */
const few = 3

/** A SKU without stock: an order for it waits for the goods, and can be cancelled. */
const run = Date.now().toString(36)
const late = `LATE-${run}`
const cancelRoute = "POST /v1/orders/{id}/cancel"
const waitingMax = 12

/** Nobody buys it: it is there as often as the document's example of a count says. */
const counted = `COUNTED-${run}`
const countRoute = "POST /v1/skus/{region}/{sku}/adjustments"
const expectedOnHand = 500

/** Where endpoints are registered: nobody listens, and what is sent stays on the machine. */
export const hooksUrl = "https://127.0.0.1:9"
/** Of the document's example. An owner has twenty endpoints at the most, and a run before this one may have left some. */
const exampleUrl = "https://shop.example.com/"

/** A fault that nobody notices. */
const harmless = {
  target: "route:getPartnerKey",
  kind: "latency",
  latencyMs: 1,
  percent: 1,
  seconds: 600,
  reason: "for the fuzzer to end"
}

export interface Tokens {
  readonly import: string
  readonly admin: string
  readonly customer: string | undefined
}

/** Things that random requests seldom come by: carts that can be bought, orders that can be cancelled and returned, prices to agree on. */
export const make = (sendOnce: Send, ask: Ask, world: World, tokens: Tokens) => {
  const send = (method: Request["method"], path: string, body?: object, token?: string) =>
    ask(method, path, body, { token })
  const cart = async (token?: string, more: object = {}): Promise<string> =>
    (await send("POST", "/v1/carts", { region: "eu", currency: "GBP", ...more }, token)).id
  const filled = async (quantity = 2, sku = "TEA-01"): Promise<string> => {
    const id = await cart()
    await send("PUT", `/v1/carts/${id}/lines/${sku}`, { quantity })
    return id
  }
  const buy = async (paymentToken: string, quantity?: number, sku?: string): Promise<string> => {
    const id = await filled(quantity, sku)
    await send("POST", `/v1/carts/${id}/checkout`, { ...customer, paymentToken })
    world.learn("orders.id", id)
    return id
  }
  /** Once the order is on its way. */
  const returned = (id: string): Promise<string> => {
    const body = { lines: [{ sku: "TEA-01", quantity: 1 }], disposition: "restock" }
    return until(`a return of ${id}`, () =>
      send("POST", `/v1/orders/${id}/returns`, body).then(
        ({ returnId }) => returnId,
        () => undefined
      )
    )
  }
  const listing = { title: "For the fuzzer", price: { amount: "495", currency: "GBP" }, taxRate: 2_000 }
  const list = (sku: string) =>
    ask("PUT", `/v1/products/${sku}?region=eu`, listing, { token: tokens.admin, headers: { "if-match": "*" } })
  /** Orders that wait, as many as there should be; those that were cancelled are of no use any more. */
  const waiting = async (): Promise<void> => {
    const known = world.learnedFor(cancelRoute, "orders.id") as ReadonlyArray<string>
    await Promise.all(
      known.map(async (id) => {
        const { status } = await send("GET", `/v1/orders/${id}`)
        if (status.startsWith("cancel")) world.forgetFor(cancelRoute, "orders.id", id)
      })
    )
    const left = world.learnedFor(cancelRoute, "orders.id").length
    if (left < waitingMax) world.learnFor(cancelRoute, "orders.id", await buy("tok_ok", 1, late))
  }
  const count = async (): Promise<void> => {
    const path = `/v1/skus/eu/${counted}`
    const { warehouses } = await send("GET", path)
    const onHand = warehouses.find(({ warehouse }) => warehouse === "eu-main")?.onHand ?? 0
    if (onHand === expectedOnHand) return
    const body = { warehouse: "eu-main", expectedOnHand: onHand, onHand: expectedOnHand, reason: "counted anew" }
    await send("POST", `${path}/adjustments`, body, tokens.admin)
  }
  const special = async (): Promise<void> => {
    await Promise.all([list(late), list(counted)])
    await send("PUT", `/v1/skus/eu/${late}/back-orders`, { allowed: true }, tokens.admin)
    await send("POST", `/v1/skus/eu/${counted}/receipts`, { warehouse: "eu-main", quantity: 1 }, tokens.admin)
    await count()
    world.learnFor(countRoute, "sku", counted)
    world.learnFor(countRoute, "warehouse", "eu-main")
    for (let n = 0; n < waitingMax; n += 1) await waiting()
  }
  /** The edge replays its answer to a repeated idempotency key, so its login may use the Redis that keeps answers. */
  const repeated = async (): Promise<void> => {
    const body = { region: "eu", currency: "GBP" }
    const request = { method: "POST", path: "/v1/carts", key: randomUUID(), body } as const
    await until("a replayed answer", async () => {
      const { headers } = await Effect.runPromise(sendOnce(request))
      return headers["idempotent-replayed"] === "true" ? true : undefined
    })
  }
  const opened = async (): Promise<void> => {
    await repeated()
    // A run before this one may have taken it off sale, or sold it out.
    await list("TEA-01")
    await send("POST", "/v1/skus/eu/TEA-01/receipts", { warehouse: "eu-main", quantity: 1_000 }, tokens.admin)
    await several(eachMax, async () => void (await buy("tok_ok")))
    await several(eachMax, async () => world.learn("carts.id", await filled()))
    await several(few, async () => world.keep("carts.id", await cart(tokens.import, { pricing: "agreed" })))
    for (const [name, value] of [
      ["sku", "TEA-01"],
      ["warehouse", "eu-main"],
      ["currency", "GBP"],
      ["partner", "fuzzed"],
      ["url", hooksUrl]
    ] as const) {
      world.keep(name, value)
    }
    await several(few, async () => {
      const id = await buy("tok_ok", 30)
      world.keep("orders.id", id)
      world.keep("returns.id", await returned(id))
    })
    await special()
    const { customer: token } = tokens
    // Only a cluster that was started for this takes the token of a customer.
    if (token !== undefined) {
      await several(few, async () => world.keep("carts.id", await cart(token, { customerId })))
      world.keep("customers.id", customerId)
    }
    const { items } = await send("GET", "/v1/webhook-endpoints?limit=200", undefined, tokens.admin)
    const left = items.filter(({ url }) => url.startsWith(hooksUrl) || url.startsWith(exampleUrl))
    for (const { id } of left) await send("DELETE", `/v1/webhook-endpoints/${id}`, undefined, tokens.admin)
    await several(few, async () => {
      const endpoint = { url: `${hooksUrl}/${run}`, types: ["order.confirmed"] }
      const { id } = await send("POST", "/v1/webhook-endpoints", endpoint, tokens.admin)
      const { messageId } = await send("POST", `/v1/webhook-endpoints/${id}/test`, undefined, tokens.admin)
      world.keep("webhook-endpoints.id", id)
      world.keep("messageId", messageId)
    })
  }
  return {
    opened,
    /** An order whose payment takes its time, and a cart: while there are some they can be cancelled, and bought. */
    renewed: async (): Promise<void> => {
      await Promise.all([waiting(), count()])
      await buy("tok_slow")
      world.learn("carts.id", await filled())
    },
    /**
     * Ends the faults that requests have started, which would be found again and again; some that do no harm are left for requests to
     * end. Nothing here waits for what a fault may hold up.
     */
    faultless: async (): Promise<void> => {
      const path = "/v1/ops/faults"
      const { text } = await Effect.runPromise(sendOnce({ method: "GET", path, token: tokens.admin }))
      const { items } = JSON.parse(text) as { readonly items: ReadonlyArray<{ id: string; reason: string }> }
      const harmful = items.filter(({ reason }) => reason !== harmless.reason)
      for (const { id } of harmful) {
        await Effect.runPromise(sendOnce({ method: "DELETE", path: `${path}/${id}`, token: tokens.admin }))
        world.forget("faults.id", id)
      }
      if (items.length - harmful.length < few) {
        world.learn("faults.id", (await send("POST", "/v1/ops/faults", harmless, tokens.admin)).id)
      }
    }
  }
}
