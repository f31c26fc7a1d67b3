import type { Region } from "@halles/shared/Region"
import { Context, type Effect } from "effect"
import type { Row } from "./Catalogue.ts"
import type { NoAnswer } from "./EdgeClient.ts"

/** How an order stands, as its buyer was told. */
export interface Placed {
  readonly order: string
  readonly status: string
  /** Why it was cancelled. */
  readonly cancelled: string | null
}

/** What a proof does to the shop, through the edge or as a client of the cluster. A key repeated is one command. */
export class Shop extends Context.Service<
  Shop,
  {
    readonly commandIds: CommandIds
    /** Gives the cart's id. */
    readonly openCart: (region: Region, key: string) => Effect.Effect<string, NoAnswer>
    readonly putLine: (cart: string, code: string, quantity: number, key: string) => Effect.Effect<void, NoAnswer>
    /** Answers once the order is confirmed or cancelled, or with what it is after 20 s. */
    readonly checkOut: (cart: string, key: string) => Effect.Effect<Placed, NoAnswer>
    readonly viewProduct: (region: Region, code: string) => Effect.Effect<void, NoAnswer>
    readonly viewStock: (region: Region, code: string) => Effect.Effect<void, NoAnswer>
    /** A page of what the region sells, or of what is found there. */
    readonly listProducts: (region: Region, search: string | null) => Effect.Effect<void, NoAnswer>
    /** What products are from now on, and so many units more of them. */
    readonly list: (rows: ReadonlyArray<Row>, key: string) => Effect.Effect<void, NoAnswer>
    /** The carrier's word that the order's parcel has arrived. */
    readonly delivered: (order: string, event: string) => Effect.Effect<void, NoAnswer>
  }
>()("@halles/harness/Shop") {}

/** Ids of the commands that a client's key becomes, by which the journal is asked for them. */
export interface CommandIds {
  readonly open: (region: Region, key: string) => string
  readonly put: (cart: string, code: string, quantity: number, key: string) => string
  readonly checkOut: (cart: string, key: string) => string
  /** Of the only row that is listed under the key. */
  readonly list: (row: Row, key: string) => string
}

export const email = "ada@example.org"
export const shippingAddress = { name: "Ada", line1: "1 Mill Lane", city: "York", postalCode: "YO1 7HH", country: "GB" }
/** Who buys, and where it goes. */
export const customer = { email, shippingAddress, paymentToken: "tok_ok" }
/** A call that has no answer by then has none. */
export const deadlineMs = 10_000
/** How long a buyer waits for the order to be decided. */
export const decidedWithinMs = 20_000
/** What an order is once its goods are promised to the customer and booked with the carrier. */
export const confirmed: ReadonlySet<string> = new Set(["confirmed", "shipped", "delivered"])
