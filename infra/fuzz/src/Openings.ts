import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { customerId } from "./Issuer.ts"
import type { World } from "./World.ts"

/** Carts with a line in them, and orders. */
const eachMax = 20
/** Of each other thing that a route needs. */
const few = 3

/** A tenth of a second apart. */
const shippedTriesMax = 200

/** Of one request that is answered 503, half a second apart. */
const busyTriesMax = 20

/** Where endpoints are registered: nobody listens, and what is sent stays on the machine. */
export const hooksUrl = "https://127.0.0.1:9"

const email = "ada@example.org"
const shippingAddress = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }

/** A fault that nobody notices. */
const harmless = {
  target: "route:getPartnerKey",
  kind: "latency",
  latencyMs: 1,
  percent: 1,
  seconds: 600,
  reason: "for the fuzzer to end"
}

const several = (count: number, make: (n: number) => Promise<void>) =>
  Promise.all(Array.from({ length: count }, (_, n) => make(n)))

export interface Tokens {
  readonly import: string
  readonly admin: string
  readonly customer: string | undefined
}

/** Things that random requests seldom come by: carts that can be bought, orders that can be cancelled and returned, prices to agree on. */
export const make = (url: string, world: World, tokens: Tokens) => {
  const run = Date.now().toString(36)
  const send = async (method: string, path: string, body?: object, token?: string) => {
    const request = {
      method,
      headers: {
        "idempotency-key": randomUUID(),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` })
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    }
    let response = await fetch(`${url}${path}`, request)
    // As every client is told to: the same again, a moment later.
    for (let tries = 1; response.status === 503 && tries < busyTriesMax; tries += 1) {
      await setTimeout(500)
      response = await fetch(`${url}${path}`, request)
    }
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as { readonly id: string; readonly messageId: string; readonly returnId: string }
  }
  const cart = async (token?: string, more: object = {}): Promise<string> =>
    (await send("POST", "/v1/carts", { region: "eu", currency: "GBP", ...more }, token)).id
  const filled = async (quantity = 2): Promise<string> => {
    const id = await cart()
    await send("PUT", `/v1/carts/${id}/lines/TEA-01`, { quantity })
    return id
  }
  const buy = async (paymentToken: string, quantity?: number): Promise<string> => {
    const id = await filled(quantity)
    await send("POST", `/v1/carts/${id}/checkout`, { email, shippingAddress, paymentToken })
    world.learn("orders.id", id)
    return id
  }
  /** Once the order is on its way. */
  const returned = async (id: string): Promise<string> => {
    const body = { lines: [{ sku: "TEA-01", quantity: 1 }], disposition: "restock" }
    for (let tries = 0; ; tries += 1) {
      try {
        return (await send("POST", `/v1/orders/${id}/returns`, body)).returnId
      } catch (error) {
        if (tries === shippedTriesMax) throw error
        await setTimeout(100)
      }
    }
  }
  const opened = async (): Promise<void> => {
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
    const { customer } = tokens
    // What follows needs a cluster that was started for this.
    if (customer === undefined) return
    await several(few, async () => world.keep("carts.id", await cart(customer, { customerId })))
    world.keep("customers.id", customerId)
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
      await buy("tok_slow")
      world.learn("carts.id", await filled())
      // A fault that a request has started would be found again and again; some that do no harm are left for requests to end.
      const headers = { authorization: `Bearer ${tokens.admin}` }
      const faults = (await (await fetch(`${url}/v1/ops/faults`, { headers })).json()) as {
        items: Array<{ id: string; reason: string }>
      }
      const harmful = faults.items.filter(({ reason }) => reason !== harmless.reason)
      for (const { id } of harmful) {
        await fetch(`${url}/v1/ops/faults/${id}`, { method: "DELETE", headers })
        world.forget("faults.id", id)
      }
      if (faults.items.length - harmful.length < few) {
        world.learn("faults.id", (await send("POST", "/v1/ops/faults", harmless, tokens.admin)).id)
      }
    }
  }
}
