import type { Region } from "@halles/shared/Region"
import { Context, type Effect, Schema } from "effect"

/** No answer, or none that says what happened; by what code. */
export class NoAnswer extends Schema.TaggedError<NoAnswer>()("NoAnswer", { code: Schema.String }) {}

/** How an order stands: what a buyer was told. */
export interface Placed {
  readonly order: string
  readonly status: string
  /** Why it was cancelled. */
  readonly cancelled: string | null
}

/** What a product is listed as. */
export interface Listing {
  readonly region: Region
  readonly code: string
  readonly title: string
  readonly pence: number
}

/** All that a load does to the shop, through the edge or as a client of the cluster. A key repeated is one command. */
export class Shop extends Context.Service<
  Shop,
  {
    readonly commandIds: CommandIds
    /** Gives the cart's id. */
    readonly openCart: (region: Region, key: string) => Effect.Effect<string, NoAnswer>
    readonly putLine: (cart: string, code: string, quantity: number, key: string) => Effect.Effect<void, NoAnswer>
    readonly viewCart: (cart: string) => Effect.Effect<void, NoAnswer>
    /** Answers once the order is confirmed or cancelled, or with what it is after 20 s. */
    readonly checkOut: (cart: string, key: string) => Effect.Effect<Placed, NoAnswer>
    readonly viewOrder: (order: string) => Effect.Effect<void, NoAnswer>
    readonly viewProduct: (region: Region, code: string) => Effect.Effect<void, NoAnswer>
    readonly viewStock: (region: Region, code: string) => Effect.Effect<void, NoAnswer>
    /** A page of what the region sells, or of what is found there. */
    readonly listProducts: (region: Region, search: string | null) => Effect.Effect<void, NoAnswer>
    /** What the product is from now on, and so many units more of it. */
    readonly list: (listings: ReadonlyArray<Listing>, stock: number, key: string) => Effect.Effect<void, NoAnswer>
    /** The carrier's word that the order's parcel has arrived. */
    readonly delivered: (order: string, event: string) => Effect.Effect<void, NoAnswer>
  }
>()("@halles/load/Shop") {}

/** Ids of the commands that a client's key becomes, by which the journal is asked for them. */
export interface CommandIds {
  readonly open: (region: Region, key: string) => string
  readonly put: (cart: string, code: string, quantity: number, key: string) => string
  readonly checkOut: (cart: string, key: string) => string
}

/** Ids that are the same on both ways. */
export const commandIds = {
  list: (key: string, row: number) => `import:${key}:${row}:list`,
  receive: (key: string, row: number) => `import:${key}:${row}:receive`,
  delivered: (event: string) => `webhook:${event}`
} as const

/** Who buys, and where it goes. */
export const customer = {
  email: "ada@example.org",
  shippingAddress: { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" },
  paymentToken: "tok_ok"
} as const
export const currency = "GBP"
/** Basis points. */
export const taxRate = 2_000
/** A call that has no answer by then has none. */
export const deadlineMs = 10_000
/** How long a buyer waits for the order to be decided. */
export const decidedWithinMs = 20_000
