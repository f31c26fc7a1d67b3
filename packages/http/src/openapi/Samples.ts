// Examples that a schema cannot put together from its parts, since their parts have to agree. A test holds each of them
// against its schema.

const gbp = (amount: string) => ({ amount, currency: "GBP" })
const cartId = "eu_Qm3vXr8Kd0ZtWbYp5nLc2A"
const customerId = "eu_c7Hn2sVfJk9QaRxUe4TzMg"

const line = {
  sku: "TEA-01",
  variant: "",
  title: "Breakfast tea, 250 g",
  quantity: 2,
  unitPrice: gbp("495"),
  taxRate: 2000,
  total: gbp("990")
}
const charge = { code: "standard", kind: "shipping", amount: gbp("395") }
const totals = { goods: gbp("990"), charges: gbp("395"), tax: gbp("277"), total: gbp("1662") }

const cart = {
  id: cartId,
  status: "open",
  currency: "GBP",
  pricing: "shop",
  customerId: null,
  lines: [line],
  charges: [charge],
  coupon: null,
  totals,
  orderId: null,
  mergedInto: null,
  lastFailure: null,
  notices: [],
  seq: 2
}

const steps = [
  { seq: 1, step: "created", at: 1_793_613_600_000, detail: null },
  { seq: 2, step: "stock_held", at: 1_793_613_600_020, detail: null },
  { seq: 3, step: "payment_authorised", at: 1_793_613_600_090, detail: null },
  { seq: 4, step: "stock_reserved", at: 1_793_613_600_110, detail: null },
  { seq: 5, step: "confirmed", at: 1_793_613_600_180, detail: null }
]
const order = {
  id: cartId,
  cartId,
  status: "confirmed",
  customerId: null,
  currency: "GBP",
  lines: [line],
  charges: [charge],
  discount: gbp("0"),
  totals,
  payment: { authorised: gbp("1662"), captured: gbp("0"), refunded: gbp("0"), disputed: gbp("0") },
  disputes: [],
  awaiting: [],
  trackingNumbers: ["HC-0042-7719"],
  returns: [],
  cancelled: null,
  steps,
  refused: [],
  seq: 5
}
const goodsBack = {
  returnId: "q2Wd9Yt6Jm1Kp4Xs7Bz0Nc",
  status: "requested",
  disposition: "restock",
  lines: [{ sku: "TEA-01", variant: "", quantity: 1, refund: gbp("594") }],
  outbound: gbp("0"),
  amount: gbp("594"),
  refunded: gbp("0")
}

const address = { name: "Ada Byron", line1: "1 High Street", city: "London", postalCode: "N1 1AA", country: "GB" }
const level = { onHand: 500, held: 2, reserved: 8, available: 490 }

const sku = {
  region: "eu",
  sku: "TEA-01",
  warehouses: [{ warehouse: "eu-main", ...level }],
  totals: { ...level, shipped: 120, backOrdered: 0 },
  backOrderAllowed: false,
  seq: 131
}
const product = {
  region: "eu",
  sku: "TEA-01",
  title: "Breakfast tea, 250 g",
  description: "Loose black tea, strong enough for milk.",
  price: gbp("495"),
  taxRate: 2000,
  listed: true,
  seq: 1
}
const { description, price, taxRate, title } = product
const listing = { title, description, price, taxRate }
const itemProblem = {
  type: "/problems/stock_changed",
  title: "The stock has changed",
  status: 409,
  code: "stock_changed",
  detail: "On hand now: 499. Count again.",
  context: { onHand: 499 }
}
const bulkResults = {
  items: [
    { index: 0, status: 200, seq: 7, problem: null },
    { index: 1, status: 409, seq: null, problem: itemProblem }
  ],
  succeeded: 1,
  failed: 1
}
const summary = {
  id: cartId,
  status: "confirmed",
  customerId,
  currency: "GBP",
  total: gbp("1662"),
  captured: gbp("0"),
  refunded: gbp("0"),
  disputed: gbp("0"),
  placedAt: 1_793_613_600_000,
  updatedAt: 1_793_613_600_180,
  seq: 5
}

const fault = {
  id: "flt_3fa1c07be852",
  target: "route:getProduct",
  kind: "latency",
  latencyMs: 400,
  percent: 10,
  reason: "does the shop stay usable",
  startedBy: "account-1",
  startedAt: 1_793_600_000_000,
  endsAt: 1_793_600_300_000
}
const endpoint = {
  id: "whe_Zk3vXr8Kd0ZtWbYp5nLc2A",
  url: "https://shop.example.com/halles",
  description: "Order status for the warehouse",
  types: ["order.confirmed", "order.shipped"],
  enabled: true,
  disabledReason: null,
  createdAt: 1_793_613_600_000,
  seq: 1
}
const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const delivery = {
  messageId: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
  type: "order.confirmed",
  state: "pending",
  attempts: 1,
  outcome: "status 500",
  createdAt: 1_793_613_600_180,
  dueAt: 1_793_613_605_180
}

/** By the name of the component. */
const partnerKey = {
  id: "k3v9w1x7y2z5",
  partner: "acme",
  name: "warehouse sync",
  scopes: ["stock:read", "catalog:read"],
  rateClass: "standard",
  createdAt: 1_793_613_600_000,
  expiresAt: 1_801_389_600_000,
  lastUsedAt: null,
  revokedAt: null
}

export const components: Readonly<Record<string, unknown>> = {
  PartnerKey: partnerKey,
  IssuedPartnerKey: { ...partnerKey, secret: "hk_k3v9w1x7y2z5_…, of which 43 characters are secret" },
  PartnerKeys: { items: [partnerKey], next: null },
  Money: gbp("1995"),
  Price: gbp("495"),
  StatedMoney: gbp("395"),
  Line: line,
  Charge: charge,
  Totals: totals,
  Cart: cart,
  Order: order,
  Checkout: { orderId: order.id, ...order },
  Return: goodsBack,
  RequestedReturn: {
    returnId: goodsBack.returnId,
    status: goodsBack.status,
    order: { ...order, status: "delivered", returns: [goodsBack] }
  },
  Dispute: { reference: "dp_1NqZ4k", amount: gbp("1662"), status: "charged_back", at: 1_796_292_000_000 },
  StepEvent: { ...steps[4], status: "confirmed" },
  Customer: {
    id: customerId,
    guest: false,
    email: "ada@example.com",
    emailVerified: true,
    name: "Ada Byron",
    addresses: { home: address },
    preferences: { language: "en-GB", currency: "GBP" },
    consents: { marketing_email: { granted: true, at: 1_793_613_600_000 } },
    orders: { count: 1, recent: [cartId] },
    points: 16,
    seq: 4
  },
  CustomerPatch: { name: "Ada Byron", addresses: { home: address, office: null }, consents: { marketing_email: true } },
  Sku: sku,
  Product: product,
  OrderSummary: summary,
  Orders: { items: [summary], next: null },
  Payment: {
    orderId: cartId,
    status: "authorised",
    authorised: gbp("1662"),
    captured: gbp("0"),
    refunded: gbp("0"),
    disputed: gbp("0"),
    ledger: [
      {
        kind: "authorise",
        reference: `${cartId}:authorise`,
        amount: gbp("1662"),
        status: "succeeded",
        reason: null,
        at: 1_793_613_600_090
      }
    ],
    seq: 2
  },
  Shipment: {
    orderId: cartId,
    status: "booked",
    trackingNumbers: ["HC-0042-7719"],
    parcels: [{ warehouse: "eu-main", lines: [{ sku: "TEA-01", quantity: 2 }] }],
    returns: [],
    seq: 2
  },
  ItemProblem: itemProblem,
  StockItem: { type: "receive", region: "eu", sku: "TEA-01", warehouse: "eu-main", quantity: 500 },
  ProductItem: { region: "eu", sku: "TEA-01", ...listing },
  LineItem: { sku: "TEA-01", quantity: 2 },
  BulkResults: bulkResults,
  LineResults: { ...bulkResults, cart },
  WebhookEndpoint: endpoint,
  NewWebhookEndpoint: { ...endpoint, secret },
  WebhookEndpoints: { items: [endpoint], next: null },
  WebhookDelivery: delivery,
  WebhookDeliveries: { items: [delivery], next: null },
  RotatedSecret: { secret, previousUntil: 1_793_700_000_000 },
  Replayed: { replayed: 1 },
  TestMessage: { messageId: delivery.messageId },
  Fault: fault,
  Faults: { items: [fault], next: null },
  ImportLine: { type: "done", importId: "autumn", rows: 2, accepted: 2, rejected: 0 }
}

/** Bodies of requests, by operation. */
export const bodies: Readonly<Record<string, unknown>> = {
  "partnerKeys.createPartnerKey": { partner: "acme", name: "warehouse sync", scopes: ["stock:read", "catalog:read"] },
  "partnerKeys.rotatePartnerKey": { overlapSeconds: 3600 },
  "faults.startFault": {
    target: fault.target,
    kind: fault.kind,
    latencyMs: fault.latencyMs,
    percent: fault.percent,
    seconds: 300,
    reason: fault.reason
  },
  "carts.openCart": { region: "eu", currency: "GBP" },
  "carts.putLine": { quantity: 2 },
  "carts.putCharge": { kind: "shipping", amount: gbp("395") },
  "carts.mergeCart": { from: "eu_f8Lx0Vn5Gd2RwPqZ7hTkUs" },
  "carts.checkOut": { email: "ada@example.com", shippingAddress: address, paymentToken: "tok_ok" },
  "carts.addLine": { sku: "TEA-01", quantity: 1 },
  "carts.putCoupon": { code: "WELCOME-10", basisPoints: 1000 },
  "catalog.putProduct": listing,
  "customers.movePoints": { points: 50, reference: "welcome" },
  "skus.receiveSku": { warehouse: "eu-main", quantity: 500 },
  "skus.putBackOrders": { allowed: true },
  "bulk.bulkStock": {
    items: [
      { type: "receive", region: "eu", sku: "TEA-01", warehouse: "eu-main", quantity: 500 },
      {
        type: "adjust",
        region: "eu",
        sku: "TEA-02",
        warehouse: "eu-main",
        expectedOnHand: 500,
        onHand: 498,
        reason: "two torn packets"
      }
    ]
  },
  "bulk.bulkProducts": { items: [{ region: "eu", sku: "TEA-01", ...listing }] },
  "bulk.bulkLines": {
    items: [
      { sku: "TEA-01", quantity: 2 },
      { sku: "MUG-07", quantity: 0 }
    ]
  },
  "endpoints.createEndpoint": { url: endpoint.url, description: endpoint.description, types: endpoint.types },
  "endpoints.putEndpoint": { url: endpoint.url, description: "", types: endpoint.types, enabled: true },
  "orders.cancelOrder": { reason: "ordered twice" },
  "orders.requestReturn": { lines: [{ sku: "TEA-01", quantity: 1 }], reason: "too strong", disposition: "restock" },
  "customers.registerCustomer": { region: "eu", email: "ada@example.com", name: "Ada Byron" },
  "skus.adjustSku": { warehouse: "eu-main", expectedOnHand: 500, onHand: 498, reason: "two torn packets" },
  "webhooks.gateway": JSON.stringify({
    eventId: "evt_7Yd2",
    type: "payment.captured",
    reference: "capture:1",
    orderId: cartId,
    authorisationId: "auth_51Kc",
    amount: 1662,
    currency: "GBP",
    occurredAt: "2026-11-02T10:00:00Z"
  }),
  "webhooks.carrier": JSON.stringify({
    eventId: "evt_9Rf4",
    type: "shipment.delivered",
    reference: "ship:1",
    orderId: cartId,
    shipmentId: "shp_83Nw",
    trackingNumbers: ["HC-0042-7719"],
    occurredAt: "2026-11-03T09:30:00Z"
  })
}

/** Of path, query and headers, by name. */
export const parameters: Readonly<Record<string, unknown>> = {
  id: cartId,
  faultId: fault.id,
  sku: "TEA-01",
  region: "eu",
  code: "standard",
  key: "k3v9w1x7y2z5",
  partner: "acme",
  variant: "",
  q: "tea",
  limit: 50,
  from: 1,
  cursor: "TEA-01",
  prefer: "wait=10",
  endpointId: endpoint.id,
  messageId: delivery.messageId,
  state: "dead",
  returnId: goodsBack.returnId,
  "consistency-token": "W1siT3JkZXIiLCJldV9RbTN2WHI4S2QwWnRXYllwNW5MYzJBIiw1XV0",
  "idempotency-key": "0b1f6c2e-5d0a-4a77-9a53-6f1f3c1d9a40",
  "if-match": '"6"',
  "import-id": "autumn",
  "last-event-id": 4,
  "webhook-id": "msg_2b8f6c",
  "webhook-timestamp": "1793613600",
  "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
}

const row = {
  region: "eu",
  sku: "TEA-01",
  title: "Breakfast tea, 250 g",
  description: "Loose black tea, strong enough for milk.",
  price: gbp("495"),
  taxRate: 2000,
  warehouse: "eu-main",
  stock: 500
}
const rows = [
  "region,sku,title,description,price,currency,tax_rate,warehouse,stock",
  'eu,TEA-01,"Breakfast tea, 250 g","Loose black tea, strong enough for milk.",495,GBP,2000,eu-main,500'
]

/** Bodies that are no JSON. */
export const ofType = (mediaType: string): unknown => {
  if (mediaType === "text/csv") return rows.join("\n")
  if (mediaType === "application/x-ndjson") return JSON.stringify(row)
  return undefined
}
