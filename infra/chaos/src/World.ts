import { CartId, CommandId, OrderId, type SkuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import { createHash } from "node:crypto"
import * as Plan from "./Plan.ts"

/** The cart of one slot; when it is closed the next one takes its place. */
export interface CartSlot {
  readonly id: CartId
  readonly region: Region
  /** Carts with a key are opened at the edge, which makes the id of it. */
  readonly key: string | null
  readonly openId: CommandId
  generation: number
  opened: boolean
}

/** A hold that a session placed for an order of its own invention, to be given back before the end. */
export interface DirectHold {
  readonly sku: SkuId
  readonly orderId: OrderId
}

/** Remembered of each kind; sessions pick among the newest. */
const recentMax = 40

/** What the sessions have made so far. It names things; what they are is only in the system. */
export class World {
  readonly #seed: string
  readonly #slots: Array<CartSlot>
  readonly orders: Array<OrderId> = []
  readonly holds: Array<DirectHold> = []
  readonly everyHold = new Map<string, DirectHold>()
  /** Whether commands are sent twice at the moment. */
  duplicating = false

  constructor(seed: string) {
    this.#seed = seed
    this.#slots = Plan.slots.map((region, slot) => this.#open(region, slot, 0))
  }

  slot(index: number): CartSlot {
    return this.#slots[index]!
  }

  /** Somebody found this cart closed. */
  closed(index: number, cart: CartSlot): void {
    if (this.#slots[index] === cart) this.#slots[index] = this.#open(cart.region, index, cart.generation + 1)
  }

  checkedOut(orderId: OrderId): void {
    if (!this.orders.includes(orderId)) this.orders.unshift(orderId)
    this.orders.splice(recentMax)
  }

  held(hold: DirectHold): void {
    this.everyHold.set(`${hold.sku} ${hold.orderId}`, hold)
    this.holds.unshift(hold)
    this.holds.splice(recentMax)
  }

  #open(region: Region, slot: number, generation: number): CartSlot {
    const key = `open-${this.#seed}-${slot}-${generation}`
    const atEdge = (slot + generation) % 2 === 0
    return {
      id: CartId.make(atEdge ? edgeId("cart", region, key) : `${region}_cart-${this.#seed}-${slot}-${generation}`),
      region,
      key: atEdge ? key : null,
      openId: CommandId.make(`open:${key}`),
      generation,
      opened: false
    }
  }
}

const digest = (text: string): string => createHash("sha256").update(text).digest("base64url").slice(0, 22)

/** The id that the edge makes of an idempotency key: who repeats the key finds the same entity. */
const edgeId = (purpose: string, region: Region, key: string): string =>
  `${region}_${digest(`${purpose}:${region}:${key}`)}`

/** The id of the return that the edge makes of an idempotency key. */
export const returnId = (orderId: OrderId, key: string): string => digest(`return:${orderId}:${key}`)

/** What the edge makes of the body of a checkout, to know another body under the same key. */
export const fingerprint = (body: object): string =>
  createHash("sha256")
    .update(JSON.stringify(sorted(body)))
    .digest("base64url")

const sorted = (value: unknown): unknown =>
  typeof value === "object" && value !== null
    ? Object.fromEntries(
        Object.entries(value)
          .toSorted(([left], [right]) => (left < right ? -1 : 1))
          .map(([key, inner]) => [key, sorted(inner)])
      )
    : value
