import type { CartLine, Charge, Totals } from "@halles/entities/cart/Cart"
import { CartLine as Line, Charge as ChargeModel } from "@halles/entities/cart/Cart"
import type { Currency } from "@halles/shared/Money"
import { Schema } from "effect"
import { Money, money } from "./MoneyJson.ts"

// What carts and orders have in common on the wire.

/** `total` is unit price times quantity, before charges, discounts and tax. */
export const LineJson = Schema.Struct({
  sku: Line.fields.sku,
  variant: Line.fields.variant,
  title: Line.fields.title,
  quantity: Line.fields.quantity,
  unitPrice: Money,
  taxRate: Line.fields.taxRate,
  total: Money
}).annotate({ identifier: "Line" })

export const ChargeJson = Schema.Struct({
  code: ChargeModel.fields.code,
  kind: ChargeModel.fields.kind,
  amount: Money
}).annotate({ identifier: "Charge" })

export const TotalsJson = Schema.Struct({ goods: Money, charges: Money, tax: Money, total: Money }).annotate({
  identifier: "Totals"
})

/** What `CartView` and `OrderView` share. */
interface Sale {
  readonly currency: Currency
  readonly lines: ReadonlyArray<CartLine>
  readonly charges: ReadonlyArray<Charge>
  readonly totals: Totals
}

export const saleJson = ({ charges, currency, lines, totals }: Sale) => ({
  lines: lines.map((line): typeof LineJson.Encoded => ({
    sku: line.sku,
    variant: line.variant,
    title: line.title,
    quantity: line.quantity,
    unitPrice: money(line.unitPrice, currency),
    taxRate: line.taxRate,
    total: money(line.unitPrice * line.quantity, currency)
  })),
  charges: charges.map((charge): typeof ChargeJson.Encoded => ({
    code: charge.code,
    kind: charge.kind,
    amount: money(charge.amount, currency)
  })),
  totals: {
    goods: money(totals.goods, currency),
    charges: money(totals.charges, currency),
    tax: money(totals.tax, currency),
    total: money(totals.total, currency)
  }
})
