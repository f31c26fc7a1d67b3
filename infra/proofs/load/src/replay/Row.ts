import { Result } from "effect"
import * as Decimal from "./Decimal.ts"

/** One line of an invoice as the file has it; `number` counts the data rows from 1. */
export interface Row {
  readonly number: number
  readonly invoice: string
  readonly code: string
  readonly description: string
  readonly quantity: number
  /** Local time of the shop, `2010-12-01T08:26:00`: it orders as text. */
  readonly at: string
  readonly pence: number
  /** What rounding to whole pence did to the price: nothing, a change, or it left nothing of a price that was there. */
  readonly rounding: "none" | "changed" | "vanished"
  readonly customer: string | undefined
  readonly country: string
}

/** Why a row cannot be read. */
export interface Malformed {
  readonly number: number
  readonly reason: string
}

export const columns = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
  "Country"
] as const
export type Column = (typeof columns)[number]

/** The largest quantity of one line, and a price (ten million pounds) below which totals stay exact. */
const quantityMax = 1_000_000
const penceMax = 1_000_000_000

const date = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/
const identifier = /^[A-Za-z0-9_-]{1,40}$/
const invoiceNumber = /^[A-Za-z0-9_-]{1,20}$/

/** A customer's id; spreadsheets write `17850` also as `17850.0`, and a blank one as `NA`. */
const customerOf = (cell: string): string | undefined => {
  const id = cell.trim().replace(/\.0+$/, "")
  return id === "" || id === "NA" ? undefined : id
}

const roundingOf = (price: { readonly pence: number; readonly exact: boolean }): Row["rounding"] => {
  if (price.exact) return "none"
  return price.pence === 0 ? "vanished" : "changed"
}

/** Reads the cells of one row; the caller has seen that there are as many as columns. */
export const make = (number: number, cell: (column: Column) => string): Result.Result<Row, Malformed> => {
  const refuse = (reason: string) => Result.fail({ number, reason })
  const invoice = cell("InvoiceNo").trim()
  const code = cell("StockCode").trim()
  const at = cell("InvoiceDate").trim()
  const customer = customerOf(cell("CustomerID"))
  const quantity = Decimal.whole(cell("Quantity"), quantityMax)
  const price = Decimal.pence(cell("UnitPrice"), penceMax)
  if (!invoiceNumber.test(invoice)) return refuse("InvoiceNo")
  if (code === "") return refuse("StockCode")
  if (quantity === undefined) return refuse("Quantity")
  if (!date.test(at)) return refuse("InvoiceDate")
  if (price === undefined) return refuse("UnitPrice")
  if (customer !== undefined && !identifier.test(customer)) return refuse("CustomerID")
  const description = cell("Description").trim()
  const country = cell("Country").trim()
  return Result.succeed({
    number,
    invoice,
    code,
    description: description === "NA" ? "" : description,
    quantity,
    at: at.replace(" ", "T"),
    pence: price.pence,
    rounding: roundingOf(price),
    customer,
    country
  })
}
