/** What a stock code stands for. */
export type Kind = "goods" | "shipping" | "discount" | "fee" | "bookkeeping"

/** Codes that are no goods, in capitals; `M` is written `m` at times. */
const known: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ["POST", "shipping"],
  ["DOT", "shipping"],
  ["C2", "shipping"],
  ["D", "discount"],
  ["B", "bookkeeping"],
  ["M", "fee"],
  ["S", "fee"],
  ["PADS", "fee"],
  ["CRUK", "fee"],
  ["AMAZONFEE", "fee"],
  ["BANK CHARGES", "fee"]
])

/**
 * Goods carry a number (`85123A`, `DCGS0003`, `gift_0001_20`: a gift voucher is sold and counted like goods) or start
 * with `DCGS` (`DCGSSBOY`, a party bag); any other code that is not known is a fee.
 */
export const kind = (code: string): Kind => {
  const found = known.get(code.toUpperCase())
  if (found !== undefined) return found
  return /\d/.test(code) || /^DCGS/i.test(code) ? "goods" : "fee"
}

/** Whether the code can be a SKU code as it stands; codes are never altered, so that a caller finds what the file names. */
export const isSku = (code: string): boolean => /^[A-Za-z0-9_-]{1,40}$/.test(code)

/** The code of a charge in a path: `BANK CHARGES` is `BANK-CHARGES`. */
export const chargeCode = (code: string): string =>
  code
    .toUpperCase()
    .replace(/[^A-Z0-9_-]+/g, "-")
    .slice(0, 40)
