import type { Role, Scope } from "@halles/shared/Authority"

/** What a role may do on a route: with everything, with what is its own, or with what its owner consented to. */
export type Grant = "any" | "own" | "consented"

/** Where a request names whose thing it is about. */
export type Thing = { readonly customer: string } | { readonly cart: string } | { readonly order: string }

/** What a handler asks `Access` before it acts, since only the body says so. A handler that does not ask is a defect. */
export type Question = "owner" | "agreedPrices" | "amount" | "region"

export interface Rule {
  /**
   * Who needs no token. `everybody`: nothing here is anybody's. `holder`: whoever knows the id, as long as it is not an
   * account's (`Ownership.ts`). `signer`: whoever signs the body; the handler checks that.
   */
  readonly open?: "everybody" | "holder" | "signer"
  /** What the token was issued for; all of them are needed. */
  readonly scopes: ReadonlyArray<Scope>
  readonly roles: Readonly<Partial<Record<Role, Grant>>>
  /** The path parameter that names whose thing it is. */
  readonly thing?: Thing
  /**
   * What staff that is limited to a region is held to: the region of the id, or of the parameter. Without it such staff is
   * refused, since the request may be about any region.
   */
  readonly region?: "id" | "path" | "query" | "body"
  /** What the owner must have granted to whoever has the grant `consented`. */
  readonly consent?: "marketing_email" | "marketing_sms" | "personalisation" | "analytics"
  /** The most that a role may move with one request, in minor units of any currency, or in points; a role that is absent has no limit. */
  readonly amountMax?: Readonly<Partial<Record<Role, bigint>>>
  readonly asks?: ReadonlyArray<Question>
  /**
   * Why staff needs to have signed in with two factors (RFC 9470): for what a stolen password could do that is not seen and
   * undone at once. Routes of staff without it read one thing at a time, or state something that the next one can state anew.
   */
  readonly strong?: string
  /** Written into the audit log before it happens: always, or when it is not the owner who does it. */
  readonly audited?: "always" | "byOthers"
}

const everybody: Rule = { open: "everybody", scopes: [], roles: {} }
const signer: Rule = { open: "signer", scopes: [], roles: {} }

const ofCart = { thing: { cart: "id" }, region: "id", open: "holder" } as const
const ofOrder = { thing: { order: "id" }, region: "id", open: "holder" } as const
const ofCustomer = { thing: { customer: "id" }, region: "id", open: "holder" } as const

const shopper = { customer: "own", support: "any", admin: "any" } as const

const credentials = "a credential outlives the sign-in that made it"
const outward = "what happens here is told to an address outside from then on"
const massive = "it changes many things at once"

/** Each sees its own endpoints, and an administrator all: `SubscriptionHttp` asks for them in the sender's name. */
const webhooks: Rule = { scopes: ["webhooks:manage"], roles: { partner: "any", admin: "any" } }

/**
 * Every endpoint of the contract by its name, and who may call it: all that decides about access stands here. What is not here
 * is refused (`Access.ts`), and a test fails.
 */
export const policy: Readonly<Record<string, Rule>> = {
  openCart: { ...everybody, asks: ["owner", "agreedPrices"] },
  getCart: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  putLine: { ...ofCart, scopes: ["carts:write"], roles: { ...shopper, merchandiser: "any" }, asks: ["agreedPrices"] },
  removeLine: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  mergeCart: { ...ofCart, scopes: ["carts:write"], roles: shopper, asks: ["owner"] },
  addLine: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  reprice: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  removeCoupon: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  bulkLines: { ...ofCart, scopes: ["carts:write"], roles: shopper },
  putCoupon: {
    thing: { cart: "id" },
    region: "id",
    scopes: ["carts:write"],
    roles: { merchandiser: "any", admin: "any" }
  },
  putCharge: {
    thing: { cart: "id" },
    region: "id",
    scopes: ["carts:write"],
    roles: { merchandiser: "any", admin: "any" }
  },
  checkOut: { ...ofCart, scopes: ["orders:write"], roles: shopper },

  getOrder: { ...ofOrder, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } },
  getPayment: { ...ofOrder, scopes: ["orders:read"], roles: shopper },
  getShipment: { ...ofOrder, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } },
  getReturn: { ...ofOrder, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } },
  watchOrder: { ...ofOrder, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } },
  cancelOrder: {
    ...ofOrder,
    scopes: ["orders:write"],
    roles: shopper,
    strong: "it gives money back, up to all of the order"
  },
  requestReturn: {
    ...ofOrder,
    scopes: ["orders:write"],
    roles: shopper,
    strong: "it gives money back, up to all of the order"
  },

  registerCustomer: everybody,
  getCustomer: {
    ...ofCustomer,
    scopes: ["customers:read"],
    roles: { ...shopper, partner: "consented" },
    consent: "personalisation",
    audited: "byOthers"
  },
  patchCustomer: {
    ...ofCustomer,
    scopes: ["customers:write"],
    roles: shopper,
    strong: "it changes where somebody else is reached, and what they consented to",
    audited: "byOthers"
  },

  listOrders: { ...ofCustomer, scopes: ["orders:read"], roles: shopper, audited: "byOthers" },
  movePoints: {
    thing: { customer: "id" },
    region: "id",
    scopes: ["customers:write"],
    roles: { support: "any", admin: "any" },
    asks: ["amount"],
    amountMax: { support: 10_000n },
    strong: "points are money",
    audited: "always"
  },

  listProducts: everybody,
  getProduct: everybody,
  getSku: everybody,
  importCatalog: {
    scopes: ["catalog:write", "stock:write"],
    roles: { merchandiser: "any", admin: "any" },
    strong: massive,
    audited: "always"
  },
  putProduct: { scopes: ["catalog:write"], roles: { merchandiser: "any", admin: "any" }, region: "query" },
  deleteProduct: { scopes: ["catalog:write"], roles: { merchandiser: "any", admin: "any" }, region: "query" },
  bulkProducts: {
    scopes: ["catalog:write"],
    roles: { merchandiser: "any", admin: "any" },
    region: "body",
    asks: ["region"],
    strong: massive
  },
  bulkStock: {
    scopes: ["stock:write"],
    roles: { warehouse: "any", admin: "any" },
    region: "body",
    asks: ["region"],
    strong: massive
  },
  receiveSku: { scopes: ["stock:write"], roles: { warehouse: "any", admin: "any" }, region: "path" },
  putBackOrders: { scopes: ["stock:write"], roles: { warehouse: "any", admin: "any" }, region: "path" },
  adjustSku: { scopes: ["stock:write"], roles: { warehouse: "any", admin: "any" }, region: "path" },

  createEndpoint: { ...webhooks, strong: outward },
  listEndpoints: webhooks,
  getEndpoint: webhooks,
  putEndpoint: { ...webhooks, strong: outward },
  deleteEndpoint: webhooks,
  rotateSecret: { ...webhooks, strong: credentials },
  listDeliveries: webhooks,
  replayDelivery: webhooks,
  replayDead: webhooks,
  testEndpoint: webhooks,
  createPartnerKey: { scopes: ["keys:manage"], roles: { admin: "any" }, strong: credentials, audited: "always" },
  listPartnerKeys: { scopes: ["keys:manage"], roles: { admin: "any", partner: "any" }, asks: ["owner"] },
  getPartnerKey: { scopes: ["keys:manage"], roles: { admin: "any", partner: "any" }, asks: ["owner"] },
  rotatePartnerKey: {
    scopes: ["keys:manage"],
    roles: { admin: "any", partner: "any" },
    asks: ["owner"],
    strong: credentials,
    audited: "always"
  },
  revokePartnerKey: {
    scopes: ["keys:manage"],
    roles: { admin: "any", partner: "any" },
    asks: ["owner"],
    strong: credentials,
    audited: "always"
  },

  listFaults: { scopes: ["ops:read"], roles: { "ops-read": "any", "ops-write": "any" } },
  startFault: {
    scopes: ["ops:write"],
    roles: { "ops-write": "any" },
    strong: "it takes the service down on purpose",
    audited: "always"
  },
  endFault: {
    scopes: ["ops:write"],
    roles: { "ops-write": "any" },
    strong: "it takes the service down on purpose",
    audited: "always"
  },

  gateway: signer,
  carrier: signer,
  live: everybody,
  ready: everybody
}

/** A cart of somebody's: opened in a customer's name, or emptied into another one. */
export const inTheNameOf: Rule = {
  open: "holder",
  scopes: ["carts:write"],
  roles: { ...shopper, merchandiser: "any" },
  region: "id"
}

/** Prices that were agreed on instead of the shop's, on the routes whose rule asks for it. */
export const agreedPrices: Rule = { scopes: ["carts:write"], roles: { merchandiser: "any", admin: "any" } }
