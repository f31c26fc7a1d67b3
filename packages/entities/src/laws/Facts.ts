/** A prime below 2^31: products with a quantity (< 2^21) stay exact in a double. */
const prime = 2_147_483_629

/** FNV-1a, 32 bits. */
const hash = (text: string): number => {
  let value = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return (value >>> 0) % prime
}

/**
 * Units per SKU, or per SKU and warehouse, summed into two numbers: how many, and a linear fingerprint of which. Sums of different units agree in
 * both by chance once in 2^31, and an order of 600 lines takes the room of one.
 */
export class Units {
  count = 0
  mark = 0

  add(sku: string, quantity: number): void {
    this.count += quantity
    const part = (Math.abs(quantity) * hash(sku)) % prime
    this.mark = (this.mark + (quantity < 0 ? prime - part : part)) % prime
  }

  /** Both together. */
  plus(other: Units): Units {
    const sum = new Units()
    sum.count = this.count + other.count
    sum.mark = (this.mark + other.mark) % prime
    return sum
  }

  equals(other: Units): boolean {
    return this.count === other.count && this.mark === other.mark
  }

  get isNone(): boolean {
    return this.count === 0 && this.mark === 0
  }
}

/** 53 bits of a value that came from `jsonb`, whose keys are in one order (cyrb53). */
export const fingerprint = (value: unknown): number => {
  const text = JSON.stringify(value)
  let one = 0xdeadbeef
  let two = 0x41c6ce57
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    one = Math.imul(one ^ code, 2_654_435_761)
    two = Math.imul(two ^ code, 1_597_334_677)
  }
  one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(two ^ (two >>> 13), 3_266_489_909)
  two = Math.imul(two ^ (two >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909)
  return 4_294_967_296 * (2_097_151 & two) + (one >>> 0)
}

/** What the stock of all SKUs says about one order. */
export interface StockFacts {
  readonly held: Units
  readonly reserved: Units
  /** Units of holds that a time-out let go, and not the order. */
  readonly forgotten: Units
  /** These three by SKU and warehouse, as `TEA/eu-main`. */
  readonly shipped: Units
  readonly restocked: Units
  readonly writtenOff: Units
  /** Units of it are still to come in. */
  isAwaited: boolean
}

/** What its payment says. */
export interface PaymentFacts {
  readonly authorised: number
  readonly captured: number
  readonly refunded: number
  /** By banks, and not given again. */
  readonly disputed: number
  readonly voided: boolean
  /** The order has not heard all of it. */
  readonly isTelling: boolean
}

type Ids = ReadonlyArray<string>
/** Whether an entity shows one of the media, and since when. */
export interface Shown {
  readonly isShown: boolean
  readonly at: number
}

/** What its cart says of the checkout that it was placed by. */
export interface CartFacts {
  /** Of what was checked out. */
  readonly draft: number
  readonly at: number
  /** The cart was told that the order came to nothing. */
  isReopened: boolean
}

/** What is known of one order from the histories of others, kept until its own is read. */
export interface OrderFacts {
  stock: StockFacts | null
  payment: PaymentFacts | null
  cart: CartFacts | null
}

/** By order id. What is left once all orders of a range were read has no order. */
export class Facts {
  readonly #byOrder = new Map<string, OrderFacts>()
  /** The SKU that each slug leads to, by the slug's id. */
  readonly slugs = new Map<string, string>()
  /** What was last said of media that products and categories show, by the id of the media and by who shows it. */
  readonly shown = new Map<string, Map<string, Shown>>()

  /** By release: the SKUs of the products that it changed, one for each time. */
  readonly released = new Map<string, Array<string>>()

  releases(id: string): Array<string> {
    const skus = this.released.get(id) ?? []
    this.released.set(id, skus)
    return skus
  }

  shows(by: string, { added, at, removed }: { readonly added: Ids; readonly removed: Ids; readonly at: number }): void {
    const note = (id: string, isShown: boolean) => {
      const known = this.shown.get(id) ?? new Map<string, Shown>()
      this.shown.set(id, known.set(by, { isShown, at }))
    }
    for (const id of added) note(id, true)
    for (const id of removed) note(id, false)
  }

  of(orderId: string): OrderFacts {
    let facts = this.#byOrder.get(orderId)
    if (facts === undefined) {
      facts = { stock: null, payment: null, cart: null }
      this.#byOrder.set(orderId, facts)
    }
    return facts
  }

  stockOf(orderId: string): StockFacts {
    const facts = this.of(orderId)
    return (facts.stock ??= {
      held: new Units(),
      reserved: new Units(),
      forgotten: new Units(),
      shipped: new Units(),
      restocked: new Units(),
      writtenOff: new Units(),
      isAwaited: false
    })
  }

  take(orderId: string): OrderFacts {
    const facts = this.of(orderId)
    this.#byOrder.delete(orderId)
    return facts
  }

  get left(): Iterable<[string, OrderFacts]> {
    return this.#byOrder
  }
}
