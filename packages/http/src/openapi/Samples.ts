import { saleId } from "@halles/entities/sale/SaleJson"

// Examples of what no schema of a body has. Those of bodies stand beside them.

/** Of path, query and headers, by name. */
export const parameters: Readonly<Record<string, unknown>> = {
  id: saleId,
  faultId: "flt_3fa1c07be852",
  sku: "TEA-01",
  region: "eu",
  code: "standard",
  key: "k3v9w1x7y2z5",
  partner: "acme",
  variant: "",
  at: "2026-12-07T06:00:00Z",
  q: "tea",
  limit: 50,
  from: 1,
  cursor: "TEA-01",
  prefer: "wait=10",
  endpointId: "whe_Zk3vXr8Kd0ZtWbYp5nLc2A",
  messageId: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W",
  state: "dead",
  returnId: "q2Wd9Yt6Jm1Kp4Xs7Bz0Nc",
  "consistency-token": "W1siT3JkZXIiLCJldV9RbTN2WHI4S2QwWnRXYllwNW5MYzJBIiw1XV0",
  "idempotency-key": "0b1f6c2e-5d0a-4a77-9a53-6f1f3c1d9a40",
  "change-reason": "Winter sale",
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
  price: { amount: "495", currency: "GBP" },
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
