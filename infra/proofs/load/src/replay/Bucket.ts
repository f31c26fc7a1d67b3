/**
 * Where an input row ends. Each row is in exactly one bucket; `replayed` says whether all of it went through the shop.
 * The order is the order of the summary.
 */
export const buckets = {
  ordered: { replayed: true, meaning: "goods, bought as a line of an order at the invoiced price" },
  ordered_free: { replayed: true, meaning: "goods without a price in a paid invoice, a line of its order at 0.00" },
  charged_shipping: { replayed: true, meaning: "postage or carriage, a shipping charge of its order" },
  charged_discount: { replayed: true, meaning: "a discount, a negative charge of its order" },
  charged_fee: { replayed: true, meaning: "a manual item, fee or other code that is no goods, a fee of its order" },
  returned: { replayed: true, meaning: "cancelled goods, returned from earlier orders of that customer" },
  returned_in_part: {
    replayed: false,
    meaning: "cancelled goods of which the file holds an earlier purchase of a part only"
  },
  return_without_purchase: {
    replayed: false,
    meaning: "cancelled goods that the customer did not buy earlier in the file"
  },
  return_at_other_price: {
    replayed: false,
    meaning: "cancelled goods that the customer bought earlier, but not at this price"
  },
  return_without_customer: {
    replayed: false,
    meaning: "cancelled goods without a customer id, so of nobody's purchase"
  },
  cancelled_charge: { replayed: false, meaning: "a cancelled charge (postage, fee, sample): money back without goods" },
  cancelled_discount: { replayed: false, meaning: "a discount given later by a credit note: money back without goods" },
  cancellation_not_negative: { replayed: false, meaning: "a cancellation row whose quantity takes nothing back" },
  stock_adjustment: {
    replayed: false,
    meaning: "a quantity of zero or less without a cancellation: a stock count, not a sale"
  },
  zero_price: { replayed: false, meaning: "no price and no paid goods in the invoice: a stock note, not a sale" },
  price_below_half_penny: { replayed: false, meaning: "a price that rounds to nothing (0.001)" },
  negative_price: { replayed: false, meaning: "goods at a negative price" },
  charges_without_goods: {
    replayed: false,
    meaning: "charges of an invoice that sells no goods, so no order carries them"
  },
  invoice_not_positive: { replayed: false, meaning: "an invoice whose discounts leave nothing to pay" },
  bad_debt: { replayed: false, meaning: "a bookkeeping entry (invoice A…, code B), not a sale" },
  unknown_invoice_kind: { replayed: false, meaning: "an invoice number that is neither a sale nor a cancellation" },
  unusable_code: { replayed: false, meaning: "goods whose code cannot be a SKU code" },
  malformed: { replayed: false, meaning: "a row that cannot be read: columns, quantity, price or date" },
  beyond_limit: { replayed: false, meaning: "a row of an invoice beyond --limit" }
} as const satisfies Record<string, { readonly replayed: boolean; readonly meaning: string }>

export type Bucket = keyof typeof buckets

export const names = Object.keys(buckets) as ReadonlyArray<Bucket>
