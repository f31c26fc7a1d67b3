import { intentOf, type Request } from "@halles/harness/EdgeClient"
import { openCart } from "@halles/harness/EdgeShop"
import { CartId, CommandId, OrderId, type SkuId } from "@halles/shared/Ids"
import type { Intent, Intents } from "@halles/shared/Intent"
import type { Region } from "@halles/shared/Region"
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
  readonly #intents: Intents["Service"]
  readonly #slots: Array<CartSlot>
  readonly orders: Array<OrderId> = []
  readonly holds: Array<DirectHold> = []
  readonly everyHold = new Map<string, DirectHold>()
  /** Whether commands are sent twice at the moment. */
  duplicating = false

  constructor(seed: string, intents: Intents["Service"]) {
    this.#seed = seed
    this.#intents = intents
    this.#slots = Plan.slots.map((region, slot) => this.#open(region, slot, 0))
  }

  /** How the edge will name what a request asks for: the same is sent past it under the same name. */
  intentOf(request: Request): Intent {
    return intentOf(this.#intents, request)
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

  /** A session sends this hold: its units are given back at the end. */
  holding(hold: DirectHold): void {
    this.everyHold.set(`${hold.sku} ${hold.orderId}`, hold)
  }

  /** The hold was answered, so its row is written: other sessions may hold for the same order now, without taking its row from it. */
  held(hold: DirectHold): void {
    this.holds.unshift(hold)
    this.holds.splice(recentMax)
  }

  #open(region: Region, slot: number, generation: number): CartSlot {
    const name = `${this.#seed}-${slot}-${generation}`
    const atEdge = (slot + generation) % 2 === 0
    const request = openCart(region, name)
    const intent = this.intentOf(request)
    return {
      id: CartId.make(atEdge ? `${region}_${intent.name("cart").slice(0, 22)}` : `${region}_cart-${name}`),
      region,
      key: atEdge ? name : null,
      openId: CommandId.make(atEdge ? `openCart:${intent.name("openCart")}` : `open:${name}`),
      generation,
      opened: false
    }
  }
}
