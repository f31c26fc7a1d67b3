import type { Role, Scope } from "@halles/shared/security/Authority"

/** What a role may do on a route: with everything, with what is its own, or with what its owner consented to. */
export type Grant = "any" | "own" | "consented"

/** Where a request names whose thing it is about. */
export type Thing = { readonly customer: string } | { readonly cart: string } | { readonly order: string }

/**
 * What a handler asks before it acts, since only the body says so; `reason` is why somebody does what goes into the audit log.
 * A handler that does not ask is a defect.
 */
export type Question = "owner" | "agreedPrices" | "amount" | "region" | "reason"

/**
 * What staff does with what is not its own. To look, a password is enough; to change anything, or to see whom it is about, two
 * factors are asked for (RFC 9470): what is done with a stolen password is seen too late. Programs have no factors to show:
 * partners are held to what is their own, and our own tools have a secret that lies beside those of the databases.
 */
export type Deed = "looks" | "sees people" | "changes"

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
   * What staff that is limited to a region is held to: the region of the id, or of the parameter; `none` where an answer is
   * about nobody. Without it such staff is refused, since the request may be about any region.
   */
  readonly region?: "id" | "path" | "query" | "body" | "none"
  /** What the owner must have granted to whoever has the grant `consented`. */
  readonly consent?: "marketing_email" | "marketing_sms" | "personalisation" | "analytics"
  /** The most that a role may move with one request, in minor units of any currency, or in points; a role that is absent has no limit. */
  readonly amountMax?: Readonly<Partial<Record<Role, bigint>>>
  readonly asks?: ReadonlyArray<Question>
  /** Of what is open to everybody, nothing. */
  readonly staff?: Deed
  /** Written into the audit log before it happens: always, or when it is not the owner who does it. */
  readonly audited?: "always" | "byOthers"
}

const everybody: Rule = { open: "everybody", scopes: [], roles: {} }
const signer: Rule = { open: "signer", scopes: [], roles: {} }

const looks = { staff: "looks" } as const
const seesPeople = { staff: "sees people" } as const
const changes = { staff: "changes" } as const

const ofCart = { thing: { cart: "id" }, region: "id", open: "holder" } as const
const ofOrder = { thing: { order: "id" }, region: "id", open: "holder" } as const
const ofCustomer = { thing: { customer: "id" }, region: "id", open: "holder" } as const

const shopper = { customer: "own", support: "any", admin: "any" } as const
const seller = { merchandiser: "any", admin: "any" } as const
const keeper = { warehouse: "any", admin: "any" } as const

const changeOfCart: Rule = { ...ofCart, ...changes, scopes: ["carts:write"], roles: shopper }
const lookAtOrder: Rule = { ...ofOrder, ...looks, scopes: ["orders:read"], roles: { ...shopper, warehouse: "any" } }
const changeOfOrder: Rule = { ...ofOrder, ...changes, scopes: ["orders:write"], roles: shopper }
/** What a merchandiser gives away on somebody's cart. */
const givesAway: Rule = { thing: { cart: "id" }, region: "id", ...changes, scopes: ["carts:write"], roles: seller }
const changeOfProduct: Rule = { ...changes, region: "query", scopes: ["catalog:write"], roles: seller }
const changeOfStock: Rule = { ...changes, region: "path", scopes: ["stock:write"], roles: keeper }

/** Each sees its own endpoints, and an administrator all: `SubscriptionHttp` asks for them in the sender's name. */
const webhooks: Rule = { ...looks, scopes: ["webhooks:manage"], roles: { partner: "any", admin: "any" } }
const changeOfWebhooks: Rule = { ...webhooks, ...changes, audited: "always" }
const partnerKeys: Rule = {
  ...looks,
  scopes: ["keys:manage"],
  roles: { partner: "any", admin: "any" },
  asks: ["owner"]
}
const changeOfKey: Rule = { ...partnerKeys, ...changes, audited: "always" }

/**
 * Every endpoint of the edge by its name, and who may call it: all that decides about access stands here. What is not here
 * is refused (`Access.ts`), and a test fails. `POLICY.md` shows both tables on one page.
 */
export const policy: Readonly<Record<string, Rule>> = {
  openCart: { ...everybody, asks: ["owner", "agreedPrices"] },
  getCart: { ...changeOfCart, ...looks },
  putLine: { ...changeOfCart, roles: { ...shopper, merchandiser: "any" }, asks: ["agreedPrices"] },
  removeLine: changeOfCart,
  mergeCart: { ...changeOfCart, asks: ["owner"] },
  addLine: changeOfCart,
  reprice: changeOfCart,
  removeCoupon: changeOfCart,
  bulkLines: changeOfCart,
  putCoupon: givesAway,
  putCharge: givesAway,
  checkOut: changeOfOrder,

  getOrder: lookAtOrder,
  getPayment: { ...lookAtOrder, roles: shopper },
  getShipment: lookAtOrder,
  getReturn: lookAtOrder,
  watchOrder: lookAtOrder,
  cancelOrder: changeOfOrder,
  requestReturn: changeOfOrder,

  registerCustomer: everybody,
  getCustomer: {
    ...ofCustomer,
    ...seesPeople,
    scopes: ["customers:read"],
    roles: { ...shopper, partner: "consented" },
    consent: "personalisation",
    audited: "byOthers"
  },
  patchCustomer: { ...ofCustomer, ...changes, scopes: ["customers:write"], roles: shopper, audited: "byOthers" },
  listOrders: { ...ofCustomer, ...looks, scopes: ["orders:read"], roles: shopper, audited: "byOthers" },
  movePoints: {
    thing: { customer: "id" },
    region: "id",
    ...changes,
    scopes: ["customers:write"],
    roles: { support: "any", admin: "any" },
    asks: ["amount"],
    amountMax: { support: 10_000n },
    audited: "always"
  },

  listProducts: everybody,
  getProduct: everybody,
  getSku: everybody,
  importCatalog: { ...changes, scopes: ["catalog:write", "stock:write"], roles: seller, audited: "always" },
  putProduct: changeOfProduct,
  deleteProduct: changeOfProduct,
  bulkProducts: { ...changeOfProduct, region: "body", asks: ["region"] },
  bulkStock: { ...changeOfStock, region: "body", asks: ["region"] },
  receiveSku: changeOfStock,
  putBackOrders: changeOfStock,
  adjustSku: changeOfStock,

  createEndpoint: changeOfWebhooks,
  listEndpoints: webhooks,
  getEndpoint: webhooks,
  putEndpoint: changeOfWebhooks,
  deleteEndpoint: changeOfWebhooks,
  rotateSecret: changeOfWebhooks,
  listDeliveries: webhooks,
  replayDelivery: changeOfWebhooks,
  replayDead: changeOfWebhooks,
  testEndpoint: changeOfWebhooks,
  createPartnerKey: { ...changes, scopes: ["keys:manage"], roles: { admin: "any" }, audited: "always" },
  listPartnerKeys: partnerKeys,
  getPartnerKey: partnerKeys,
  rotatePartnerKey: changeOfKey,
  revokePartnerKey: changeOfKey,

  listFaults: { ...looks, scopes: ["ops:read"], roles: { "ops-read": "any", "ops-write": "any" } },
  startFault: {
    ...changes,
    scopes: ["ops:write"],
    roles: { "ops-write": "any" },
    asks: ["reason"],
    audited: "always"
  },
  endFault: { ...changes, scopes: ["ops:write"], roles: { "ops-write": "any" }, audited: "always" },

  gateway: signer,
  carrier: signer,
  live: everybody,
  ready: everybody
}

/** A cart of somebody's: opened in a customer's name, or emptied into another one. */
export const inTheNameOf: Rule = {
  open: "holder",
  ...changes,
  scopes: ["carts:write"],
  roles: { ...shopper, merchandiser: "any" },
  region: "id"
}

/** Prices that were agreed on instead of the shop's, on the routes whose rule asks for it. */
export const agreedPrices: Rule = { ...changes, scopes: ["carts:write"], roles: seller }

const operators = { "ops-read": "any", "ops-write": "any", admin: "any" } as const
const look: Rule = { ...looks, scopes: ["ops:read"], roles: operators }
const figures: Rule = { ...look, region: "none" }
const lookAtEntity: Rule = { ...look, region: "id" }
const operate: Rule = {
  ...changes,
  scopes: ["ops:write"],
  roles: { "ops-write": "any", admin: "any" },
  asks: ["reason"]
}
const operateEntity: Rule = { ...operate, region: "id" }
const operateShard: Rule = { ...operate, region: "path" }

/** As `policy`, of the operator process. */
export const operatorPolicy: Readonly<Record<string, Rule>> = {
  me: figures,
  overview: figures,
  alarms: figures,
  shards: figures,
  moves: figures,
  runners: figures,
  types: figures,
  streams: figures,
  live: look,
  shardEntities: { ...look, region: "path" },
  moveShard: operateShard,
  unpinShard: operateShard,
  drainRunner: operateEntity,
  undrainRunner: operateEntity,
  listEntities: look,
  getEntity: lookAtEntity,
  entityEvents: lookAtEntity,
  trace: lookAtEntity,
  diffEntity: lookAtEntity,
  whatIf: lookAtEntity,
  resumeEntity: operateEntity,
  listSagas: look,
  getSaga: lookAtEntity,
  retrySaga: operateEntity,
  compensateSaga: operateEntity,
  skipSagaStep: operateEntity,
  deadLetters: look,
  replayDeadLetters: operate,
  resolveDeadLetters: operate,
  audit: { ...look, scopes: ["audit:read"] }
}

/** Personal data of what a request of operators is about, shown to who asks for it. */
export const unmasking: Rule = { ...operateEntity, ...seesPeople }
