import type { World } from "./World.ts"

/** Carts with a line in them, of which the first half is checked out. */
const cartsMax = 40

const address = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }
const purchase = { email: "ada@example.org", shippingAddress: address, paymentToken: "tok_ok" }

/** Things that random requests seldom come by: carts that can be bought, orders that can be cancelled and returned. */
export const open = async (url: string, world: World): Promise<void> => {
  const send = async (method: string, path: string, body: object, key: string): Promise<unknown> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { "content-type": "application/json", "idempotency-key": key },
      body: JSON.stringify(body)
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.json()
  }
  const run = Date.now().toString(36)
  await Promise.all(
    Array.from({ length: cartsMax }, async (_, n) => {
      const { id } = (await send("POST", "/v1/carts", { region: "eu", currency: "GBP" }, `${run}-${n}`)) as {
        id: string
      }
      await send("PUT", `/v1/carts/${id}/lines/TEA-01`, { quantity: 2 }, `${run}-${n}-line`)
      if (n < cartsMax / 2) await send("POST", `/v1/carts/${id}/checkout`, purchase, `${run}-${n}-buy`)
      world.learn(n < cartsMax / 2 ? "orders.id" : "carts.id", id)
    })
  )
  for (const [name, value] of [
    ["sku", "TEA-01"],
    ["warehouse", "eu-main"]
  ] as const) {
    world.learn(name, value)
  }
}
