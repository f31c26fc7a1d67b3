import { type Call, keyOf } from "./Call.ts"
import type { Histories, Row } from "./Histories.ts"

/** A command that some caller was told is done, as `npm run check -- --acknowledged` reads it. */
export interface Acknowledged {
  readonly type: string
  readonly id: string
  readonly commandId: string
}

/** Commands that were answered with a success that means a row. */
export const acknowledged = (calls: ReadonlyArray<Call>): ReadonlyArray<Acknowledged> => {
  const done = calls.flatMap(({ answer, command, id, type, writes }) =>
    writes && command !== null && (answer._tag === "Replied" || answer._tag === "Done")
      ? [{ type, id, commandId: command.commandId }]
      : []
  )
  return [...new Map(done.map((one) => [`${keyOf(one)} ${one.commandId}`, one])).values()]
}

/** What was acknowledged and is not in the journal. */
export const lost = (some: ReadonlyArray<Acknowledged>, histories: Histories): ReadonlyArray<string> =>
  some
    .filter((one) => histories.get(keyOf(one))?.some(({ commandId }) => commandId === one.commandId) !== true)
    .map((one) => `${keyOf(one)} ${one.commandId}`)

/** Events that an entity may have once for one thing, and what that thing is. */
const onceOf = (type: string, { events }: Row): ReadonlyArray<string> =>
  events.flatMap((event) => {
    const about = event as unknown as Readonly<Record<string, unknown>>
    switch (`${type} ${event._tag}`) {
      case "Cart CartOpened":
      case "Order Placed":
      case "Order PaymentCaptured":
      case "Order StockShipped":
      case "Payment Authorised":
        return [event._tag]
      case "Cart CheckedOut":
      case "Cart OrderPlaced":
      case "Cart Reopened":
        return [`${event._tag} ${String(about["attempt"])}`]
      case "Payment Captured":
      case "Payment Refunded":
        return [`${event._tag} ${String(about["reference"])}`]
      case "Sku Shipped":
      case "Sku Reserved":
        return [`${event._tag} ${String(about["orderId"])}`]
      default:
        return []
    }
  })

const repeated = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const seen = new Set<string>()
  return names.filter((name) => seen.size === seen.add(name).size)
}

/** One command id with two rows; one checkout with two orders; one order paid, shipped or reserved twice. */
export const duplicated = (histories: Histories): ReadonlyArray<string> =>
  [...histories].flatMap(([key, rows]) => {
    const type = rows[0]?.type ?? ""
    const commands = repeated(rows.map(({ commandId }) => commandId)).map((id) => `${key}: two rows of ${id}`)
    const effects = repeated(rows.flatMap((row) => onceOf(type, row))).map((what) => `${key}: ${what} twice`)
    return [...commands, ...effects]
  })
