import type { Role, Scope } from "@halles/shared/security/Authority"

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
  /** Nobody's data: staff of one region sees it too. */
  readonly nobodys?: true
  /** Nothing is done before somebody says why. */
  readonly reason?: true
  /** The body names regions: its handler holds staff to its own (`Conventions.test.ts`). */
  readonly regionInBody?: true
}

const shopping = { holder: true, own: ["customer"], all: ["support", "admin"] } as const
const strong = { strong: true } as const
const cart = { ...shopping, ...strong, scopes: ["carts:write"] } as const
const ordering = { ...shopping, ...strong, scopes: ["orders:write"] } as const
const orderStatus = { ...shopping, all: ["support", "admin", "warehouse"], scopes: ["orders:read"] } as const
const given = { ...strong, all: ["merchandiser", "admin"], scopes: ["carts:write"] } as const
const product = { ...strong, all: ["merchandiser", "admin"], scopes: ["catalog:write"] } as const
const stock = { ...strong, all: ["warehouse", "admin"], scopes: ["stock:write"] } as const

const pictures = { all: ["merchandiser", "admin"], scopes: ["catalog:read"] } as const

const endpoints = { all: ["partner", "admin"], scopes: ["webhooks:manage"], anyRegion: true } as const

/** Which of them a partner may touch is asked by the handler. */
const keyHolder = { all: ["admin", "partner"], scopes: ["keys:manage"], anyRegion: true } as const

const fault = { all: ["ops-write"], scopes: ["ops:write"], anyRegion: true, strong: true } as const

/** Of the edge. */
export const expected: Readonly<Record<string, Row>> = {
  openCart: { anybody: true },
  getCart: { ...shopping, scopes: ["carts:write"] },
  putLine: { ...cart, all: ["support", "admin", "merchandiser"] },
  removeLine: cart,
  mergeCart: cart,
  putCharge: given,
  addLine: cart,
  reprice: cart,
  putCoupon: given,
  removeCoupon: cart,
  bulkLines: cart,
  checkOut: ordering,
  getOrder: orderStatus,
  watchOrder: orderStatus,
  getPayment: { ...shopping, scopes: ["orders:read"] },
  getShipment: orderStatus,
  getReturn: orderStatus,
  cancelOrder: ordering,
  requestReturn: ordering,
  registerCustomer: { anybody: true },
  getCustomer: { ...shopping, ...strong, consented: ["partner"], scopes: ["customers:read"] },
  patchCustomer: { ...shopping, ...strong, scopes: ["customers:write"] },
  listOrders: { ...shopping, scopes: ["orders:read"] },
  movePoints: { all: ["support", "admin"], scopes: ["customers:write"], strong: true },
  putProduct: product,
  deleteProduct: product,
  describeProduct: product,
  getEditedProduct: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getEditedCategory: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getCategoryMoves: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getCategoryHistory: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getEditedProductModel: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getProductModelHistory: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getEditedProductType: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getProductTypeHistory: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getProductHistory: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  listReleases: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getRelease: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  putRelease: product,
  publishRelease: product,
  withdrawRelease: product,
  translateProduct: product,
  getAvailability: { anybody: true },
  getTranslations: { anybody: true },
  nameProduct: product,
  getSlug: { anybody: true },
  scheduleChange: product,
  withdrawChange: product,
  putProductModel: product,
  removeProductModel: product,
  getProductModel: { anybody: true },
  listProductModels: { anybody: true },
  putProductType: product,
  putCategory: product,
  removeCategory: product,
  placeCategory: product,
  takeOutCategory: product,
  listCategories: { anybody: true },
  getCategory: { anybody: true },
  listCategoryProducts: { anybody: true },
  removeProductType: product,
  getProductType: { anybody: true },
  listProductTypes: { anybody: true },
  bulkProducts: { ...product, regionInBody: true },
  receiveSku: stock,
  putBackOrders: stock,
  bulkStock: { ...stock, regionInBody: true },
  listProducts: { anybody: true },
  searchProducts: { anybody: true },
  suggest: { anybody: true },
  putUnitCost: product,
  removeUnitCost: product,
  getUnitCost: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  putSearchRule: product,
  removeSearchRule: product,
  getSearchRule: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  listSearchRules: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  recommend: { anybody: true },
  noteClick: { anybody: true },
  getSearchReport: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  getProduct: { anybody: true },
  getSku: { anybody: true },
  importCatalog: {
    all: ["merchandiser", "admin"],
    scopes: ["catalog:write", "stock:write"],
    anyRegion: true,
    strong: true
  },
  exportCatalog: { all: ["merchandiser", "admin"], scopes: ["catalog:write"] },
  adjustSku: stock,
  listMedia: pictures,
  uploadMedia: product,
  openUpload: product,
  getMedia: { anybody: true },
  getMediaAddress: pictures,
  patchMedia: product,
  useMedia: product,
  releaseMedia: product,
  removeMedia: product,
  uploadCustomerMedia: { ...shopping, ...strong, scopes: ["customers:write"] },
  listCustomerMedia: { ...shopping, scopes: ["customers:read"] },
  createEndpoint: { ...endpoints, strong: true },
  listEndpoints: endpoints,
  getEndpoint: endpoints,
  putEndpoint: { ...endpoints, strong: true },
  deleteEndpoint: { ...endpoints, strong: true },
  rotateSecret: { ...endpoints, strong: true },
  listDeliveries: endpoints,
  replayDelivery: { ...endpoints, strong: true },
  replayDead: { ...endpoints, strong: true },
  testEndpoint: { ...endpoints, strong: true },
  createPartnerKey: { all: ["admin"], scopes: ["keys:manage"], anyRegion: true, strong: true },
  listPartnerKeys: keyHolder,
  getPartnerKey: keyHolder,
  rotatePartnerKey: { ...keyHolder, strong: true },
  revokePartnerKey: { ...keyHolder, strong: true },
  listFaults: { all: ["ops-read", "ops-write"], scopes: ["ops:read"], anyRegion: true },
  startFault: { ...fault, reason: true },
  endFault: fault,
  gateway: { anybody: true },
  carrier: { anybody: true },
  live: { anybody: true },
  ready: { anybody: true }
}

const readers = ["ops-read", "ops-write", "admin"] as const
const figures = { all: readers, scopes: ["ops:read"], nobodys: true } as const
const look = { all: readers, scopes: ["ops:read"] } as const
const operate = { all: ["ops-write", "admin"], scopes: ["ops:write"], strong: true, reason: true } as const

/** Of the operator process. */
export const expectedOfOperators: Readonly<Record<string, Row>> = {
  me: figures,
  overview: figures,
  alarms: figures,
  shards: figures,
  moves: figures,
  runners: figures,
  types: figures,
  streams: figures,
  live: { ...look, anyRegion: true },
  shardEntities: look,
  moveShard: operate,
  unpinShard: operate,
  drainRunner: operate,
  undrainRunner: operate,
  listEntities: { ...look, anyRegion: true },
  getEntity: look,
  entityEvents: look,
  trace: look,
  diffEntity: look,
  whatIf: look,
  resumeEntity: operate,
  listSagas: { ...look, anyRegion: true },
  getSaga: look,
  retrySaga: operate,
  compensateSaga: operate,
  skipSagaStep: operate,
  deadLetters: { ...look, anyRegion: true },
  replayDeadLetters: { ...operate, anyRegion: true },
  resolveDeadLetters: { ...operate, anyRegion: true },
  audit: { all: readers, scopes: ["audit:read"], anyRegion: true }
}
