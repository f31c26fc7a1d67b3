import { Money } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { SaleLine, Charge, type Totals } from "./Sale.ts"

// What carts and orders have in common on the wire, with samples that agree.

export const gbp = (amount: string) => ({ amount, currency: "GBP" })
export const saleId = "eu_Qm3vXr8Kd0ZtWbYp5nLc2A"
export const address = {
  name: "Ada Byron",
  line1: "1 High Street",
  city: "London",
  postalCode: "N1 1AA",
  country: "GB"
}

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
export const sale = { lines: [line], charges: [charge], totals }

export const lineFields = { ...SaleLine.fields, unitPrice: Money, total: Money }
/** Unit price times quantity, before charges, discounts and tax. */
export const lineTotal = (line: SaleLine): number => line.unitPrice * line.quantity

export const LineJson = ViewJson.object<SaleLine>()("Line", lineFields, { sample: line, from: { total: lineTotal } })

export const ChargeJson = ViewJson.object<Charge>()("Charge", { ...Charge.fields, amount: Money }, { sample: charge })

export const TotalsJson = ViewJson.object<Totals>()(
  "Totals",
  { goods: Money, charges: Money, tax: Money, total: Money },
  { sample: totals }
)
