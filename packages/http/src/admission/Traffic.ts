import type { Quota } from "./TokenBucket.ts"

/** Who is kept longest when the process has too much to do; `vital` is never turned away. */
export type Priority = "vital" | "checkout" | "cart" | "browse" | "bulk"

/** What a request of a route is worth: to the rate limits, and to us when there is too much. */
export interface Traffic {
  readonly priority: Priority
  /** Tokens of each bucket. */
  readonly cost: number
  /** A bucket of the route's own, per address. */
  readonly quota?: Quota
}

const perMinute = (name: string, capacity: number): Quota => ({ name, capacity, windowMs: 60_000 })

/** Whatever comes from one address, signed in or not. A household, an office behind one address, a browser's burst. */
export const addressQuota = perMinute("address", 3_000)
/** Whatever one address may ask whose user agent is a crawler or a bare HTTP library, without credentials. */
export const botQuota = perMinute("bot", 1_200)
/** Of one person, over all addresses. */
export const accountQuota = perMinute("account", 1_200)
/** Of one program with a client id or a key. */
export const clientQuota = perMinute("client", 12_000)
/** As `clientQuota`, of a partner's key of the class `bulk`. */
export const bulkQuota = perMinute("bulk", 60_000)
/** Answers from this process's memory, per address. */
export const memoryQuota = perMinute("memory", 60_000)

const vital: Traffic = { priority: "vital", cost: 1 }

/** By endpoint name; an endpoint that is not here goes by its method. */
export const traffic: Readonly<Record<string, Traffic>> = {
  live: vital,
  ready: vital,
  // Partners tell of money and parcels.
  gateway: vital,
  carrier: vital,
  checkOut: { priority: "checkout", cost: 10, quota: perMinute("checkout", 1_200) },
  getOrder: { priority: "checkout", cost: 1 },
  watchOrder: { priority: "checkout", cost: 5 },
  cancelOrder: { priority: "checkout", cost: 5 },
  getCart: { priority: "cart", cost: 1 },
  openCart: { priority: "cart", cost: 2 },
  putLine: { priority: "cart", cost: 2 },
  removeLine: { priority: "cart", cost: 2 },
  putCharge: { priority: "cart", cost: 2 },
  mergeCart: { priority: "cart", cost: 5 },
  registerCustomer: { priority: "cart", cost: 10, quota: perMinute("register", 600) },
  getProduct: { priority: "browse", cost: 1 },
  listProducts: { priority: "browse", cost: 3 },
  importCatalog: { priority: "bulk", cost: 50, quota: perMinute("import", 1_200) }
}

const read: Traffic = { priority: "browse", cost: 1 }
const write: Traffic = { priority: "cart", cost: 3 }

export const trafficOf = (name: string, method: string): Traffic =>
  traffic[name] ?? (method === "GET" || method === "HEAD" || method === "OPTIONS" ? read : write)
