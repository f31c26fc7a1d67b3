import type { Row } from "../../src/replay/Row.ts"

let number = 0

/** A row of our own making: six of `10001` for 2.50 each, bought by customer 1 in the United Kingdom. */
export const row = (fields: Partial<Row> = {}): Row => {
  number += 1
  return {
    number,
    invoice: "100",
    code: "10001",
    description: "TIN WHISTLE",
    quantity: 6,
    at: "2011-01-04T10:00:00",
    pence: 250,
    rounding: "none",
    customer: "1",
    country: "United Kingdom",
    ...fields
  }
}
