import type { Role, Scope } from "@halles/shared/Authority"

/** What a person wrote down, route by route, without looking at `Policy.ts`: who is let in. */
export interface Row {
  readonly anybody?: true
  /** Whoever knows the id of something that is no account's. */
  readonly holder?: true
  readonly own?: ReadonlyArray<Role>
  readonly all?: ReadonlyArray<Role>
  readonly consented?: ReadonlyArray<Role>
  readonly scopes?: ReadonlyArray<Scope>
  /** Staff with one factor is refused. */
  readonly strong?: true
  /** Staff that is limited to a region is refused. */
  readonly anyRegion?: true
  /** The body names regions: its handler holds staff to its own (`Conventions.test.ts`). */
  readonly regionInBody?: true
}

const shopping = { holder: true, own: ["customer"], all: ["support", "admin"] } as const
const cart = { ...shopping, scopes: ["carts:write"] } as const
const ordering = { ...shopping, scopes: ["orders:write"] } as const
const orderStatus = { ...shopping, all: ["support", "admin", "warehouse"], scopes: ["orders:read"] } as const

const endpoints = { all: ["partner", "admin"], scopes: ["webhooks:manage"], anyRegion: true } as const

/** Which of them a partner may touch is asked by the handler. */
const keyHolder = { all: ["admin", "partner"], scopes: ["keys:manage"], anyRegion: true } as const

export const expected: Readonly<Record<string, Row>> = {
  openCart: { anybody: true },
  getCart: cart,
  putLine: { ...cart, all: ["support", "admin", "merchandiser"] },
  removeLine: cart,
  mergeCart: cart,
  putCharge: { all: ["merchandiser", "admin"], scopes: ["carts:write"] },
  addLine: cart,
  reprice: cart,
  putCoupon: { all: ["merchandiser", "admin"], scopes: ["carts:write"] },
  removeCoupon: cart,
  bulkLines: cart,
  checkOut: ordering,
  getOrder: orderStatus,
  watchOrder: orderStatus,
  getPayment: { ...shopping, scopes: ["orders:read"] },
  getShipment: orderStatus,
  getReturn: orderStatus,
  cancelOrder: { ...ordering, strong: true },
  requestReturn: { ...ordering, strong: true },
  registerCustomer: { anybody: true },
  getCustomer: { ...shopping, consented: ["partner"], scopes: ["customers:read"] },
  patchCustomer: { ...shopping, scopes: ["customers:write"], strong: true },
  listOrders: { ...shopping, scopes: ["orders:read"] },
  movePoints: { all: ["support", "admin"], scopes: ["customers:write"], strong: true },
  putProduct: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  deleteProduct: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  bulkProducts: { all: ["merchandiser", "admin"], scopes: ["catalog:write"], regionInBody: true, strong: true },
  receiveSku: { all: ["warehouse", "admin"], scopes: ["stock:write"] },
  putBackOrders: { all: ["warehouse", "admin"], scopes: ["stock:write"] },
  bulkStock: { all: ["warehouse", "admin"], scopes: ["stock:write"], regionInBody: true, strong: true },
  listProducts: { anybody: true },
  getProduct: { anybody: true },
  getSku: { anybody: true },
  importCatalog: {
    all: ["merchandiser", "admin"],
    scopes: ["catalog:write", "stock:write"],
    anyRegion: true,
    strong: true
  },
  adjustSku: { all: ["warehouse", "admin"], scopes: ["stock:write"] },
  createEndpoint: { ...endpoints, strong: true },
  listEndpoints: endpoints,
  getEndpoint: endpoints,
  putEndpoint: { ...endpoints, strong: true },
  deleteEndpoint: endpoints,
  rotateSecret: { ...endpoints, strong: true },
  listDeliveries: endpoints,
  replayDelivery: endpoints,
  replayDead: endpoints,
  testEndpoint: endpoints,
  createPartnerKey: { all: ["admin"], scopes: ["keys:manage"], anyRegion: true, strong: true },
  listPartnerKeys: keyHolder,
  getPartnerKey: keyHolder,
  rotatePartnerKey: { ...keyHolder, strong: true },
  revokePartnerKey: { ...keyHolder, strong: true },
  listFaults: { all: ["ops-read", "ops-write"], scopes: ["ops:read"], anyRegion: true },
  startFault: { all: ["ops-write"], scopes: ["ops:write"], anyRegion: true, strong: true },
  endFault: { all: ["ops-write"], scopes: ["ops:write"], anyRegion: true, strong: true },
  gateway: { anybody: true },
  carrier: { anybody: true },
  live: { anybody: true },
  ready: { anybody: true }
}
