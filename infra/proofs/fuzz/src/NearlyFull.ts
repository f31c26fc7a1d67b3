import { chargesMax, linesMax } from "@halles/entities/sale/Sale"
import { addressesMax } from "@halles/entities/customer/Customer"
import { returnsMax } from "@halles/entities/order/Order"
import { customer as buyer } from "@halles/harness/Shop"
import { checkoutsMax } from "@halles/shared/Ids"
import type { Ask } from "./Client.ts"
import { several, until } from "./Client.ts"
import type { Tokens } from "./Openings.ts"
import type { World } from "./World.ts"

/** Bounds of the edge and of stock that a single request does not reach (docs/limits.md). */
const itemsMax = 100
const keysMax = 20
const onHandMax = 1_000_000_000
const amountDigits = 15

const titleMax = 300
/** Of three and four bytes, of two in JSON, and of one. */
const signs = ["例", "😀", '"', "a"] as const

/** Nobody has changed what is listed under it. */
const run = Date.now().toString(36)
const code = (n: number) => `FULL-${run}-${n}`
const row = (n: number) => ({
  region: "eu",
  sku: code(n),
  title: signs[n % signs.length]!.repeat(titleMax),
  price: { amount: "1", currency: "GBP" },
  taxRate: 2_000,
  warehouse: "eu-main",
  stock: 10_000
})

/** Opens carts, orders and other things that lack one of a bound: the next request reaches it, the one after that is beyond it. */
export const openNearlyFull = async (ask: Ask, world: World, { import: importer, admin }: Tokens): Promise<void> => {
  const cart = async (more: object = {}, token?: string): Promise<string> =>
    (await ask("POST", "/v1/carts", { region: "eu", currency: "GBP", ...more }, { token })).id
  const lines = async (id: string, count: number): Promise<void> => {
    for (let from = 0; from < count; from += itemsMax) {
      const items = Array.from({ length: Math.min(itemsMax, count - from) }, (_, at) => ({
        sku: code(from + at),
        quantity: 1
      }))
      await ask("POST", `/v1/bulk/carts/${id}/lines`, { items }, { headers: { prefer: "return=minimal" } })
    }
  }
  const checkOut = (id: string, paymentToken: string) =>
    ask("POST", `/v1/carts/${id}/checkout`, { ...buyer, paymentToken })
  const statusOf = (path: string, ...wanted: ReadonlyArray<string>) =>
    until(`${path} is ${wanted.join(" or ")}`, async () => {
      const { status } = await ask("GET", path)
      return wanted.includes(status) ? status : undefined
    })
  const shipped = (id: string) => statusOf(`/v1/orders/${id}`, "shipped", "delivered")

  const articles = async (): Promise<void> => {
    const rows = Array.from({ length: linesMax + 1 }, (_, n) => `${JSON.stringify(row(n))}\n`).join("")
    const options = { token: importer, type: "application/x-ndjson", headers: { "import-id": `nearly-full-${run}` } }
    await ask("POST", "/v1/catalog/import", rows, options)
    // One more receipt of two units is one too many.
    const stock = await ask("GET", `/v1/skus/eu/${code(0)}`)
    const expectedOnHand = stock.warehouses.find(({ warehouse }) => warehouse === "eu-main")!.onHand
    const counted = { warehouse: "eu-main", expectedOnHand, onHand: onHandMax - 1, reason: "nearly full" }
    await ask("POST", `/v1/skus/eu/${code(0)}/adjustments`, counted, { token: admin })
    world.keepLarge("sku", code(0))
  }
  const carts = async (): Promise<void> => {
    for (const count of [linesMax - 1, linesMax - 1, linesMax]) {
      const id = await cart()
      await lines(id, count)
      world.keepLarge("carts.id", id)
      world.keepLarge("from", id)
    }
  }
  const order = async (): Promise<void> => {
    const id = await cart()
    await lines(id, linesMax)
    await checkOut(id, "tok_ok")
    world.keepLarge("orders.id", id)
  }
  const charges = async (): Promise<void> => {
    const id = await cart({ pricing: "agreed" }, importer)
    const unitPrice = { amount: "9".repeat(amountDigits), currency: "GBP" }
    await ask("PUT", `/v1/carts/${id}/lines/${code(1)}`, { quantity: 1, unitPrice }, { token: importer })
    for (let n = 1; n < chargesMax; n += 1) {
      const charge = { kind: "fee", amount: { amount: "1", currency: "GBP" } }
      await ask("PUT", `/v1/carts/${id}/charges/c${n}`, charge, { token: importer })
    }
    world.keepLarge("carts.id", id)
  }
  const failed = async (): Promise<void> => {
    const id = await cart()
    await lines(id, 1)
    for (let n = 1; n < checkoutsMax; n += 1) {
      await checkOut(id, "tok_declined")
      await statusOf(`/v1/carts/${id}`, "open")
    }
    world.keepLarge("carts.id", id)
  }
  const returned = async (): Promise<void> => {
    const id = await cart()
    await ask("PUT", `/v1/carts/${id}/lines/${code(2)}`, { quantity: 2 * returnsMax })
    await checkOut(id, "tok_ok")
    await shipped(id)
    const body = { lines: [{ sku: code(2), quantity: 1 }], disposition: "restock" }
    for (let n = 1; n < returnsMax; n += 1) await ask("POST", `/v1/orders/${id}/returns`, body)
    world.keepLarge("orders.id", id)
  }
  const customer = async (): Promise<void> => {
    const { id } = await ask("POST", "/v1/customers", { region: "eu" })
    const address = { name: "例".repeat(120), line1: '"'.repeat(200), city: "😀".repeat(120), country: "IE" }
    const addresses = Array.from({ length: addressesMax - 1 }, (_, n) => [`label-${n}`, address])
    await ask("PATCH", `/v1/customers/${id}`, { addresses: Object.fromEntries(addresses) })
    world.keepLarge("customers.id", id)
  }
  const keys = async (): Promise<void> => {
    const partner = `nearly-full-${run}`
    const wanted = { partner, name: "nearly full", scopes: ["stock:read"], expiresInDays: 1 }
    await several(keysMax - 1, () => ask("POST", "/v1/partner-keys", wanted, { token: admin }))
    world.keepLarge("partner", partner)
  }
  await articles()
  await Promise.all([carts(), order(), charges(), failed(), returned(), customer(), keys()])
}
