import { HandOverRefusal } from "../cart/Cart.ts"

/**
 * Members of events, states and views whose values say nothing of a person: counts, amounts, times, states, codes, and ids of things.
 * Whatever is not here is hidden, so that a new member is until somebody has thought of it. What people write is never here.
 */
export const visibleMembers: ReadonlyArray<string> = [
  ..."_tag at seq v status phase kind type what booking cancel purpose pricing disposition refused step key bound".split(
    " "
  ),
  ..."amount authorised captured refunded refund total goods charges tax taxRate basisPoints discount outbound disputed won limit to".split(
    " "
  ),
  ..."currency unitPrice points quantity count units index max wanted available carried delta adjusted allowed".split(
    " "
  ),
  ..."onHand held reserved received restocked shipped backOrdered backOrderAllowed writtenOff ticket".split(" "),
  ..."holds reservations waiting waitingFrom lastTicket waits young old earliest earliestExpiry expiresAt checking checks until".split(
    " "
  ),
  ..."attempt attempts again wonMeanwhile cancels givenUp checkouts recalls orderCount changedAt cancelAt since placed listed noted granted guest".split(
    " "
  ),
  ..."payable unsure dispatched delivered cartReopened emailVerified country language code".split(" "),
  ..."id sku skus variant cartId orderId customerId returnId shipmentId authorisationId eventId reference into from".split(
    " "
  ),
  ..."mergedInto orders recent notices trackingNumbers warehouse fingerprint".split(" "),
  ..."attribute productType slug draft changeId dueAt model axes category categories channels hidden parent before gtin weightGrams height length width version bundles options number flag required unique perVariant facetable removed versions release outcome startedAt endedAt path factor badge".split(
    " "
  ),
  ..."media added hash bytes width height frames focus x y usedBy by refusedFor removedFor declaredAt idleSince removedAt".split(
    " "
  ),
  // Beside the events: who asked, and what it belongs to, by id.
  ..."actor correlationId causationId traceId spanId sampled".split(" ")
]
const visible = new Set(visibleMembers)
/** Codes of ours that stand where elsewhere people write something. */
export const visibleWords: ReadonlyArray<string> = HandOverRefusal.literals

/** Hidden values are of the same kind, so that histories can be followed all the same; of members with a form of their own, of that form. */
export const hiddenText = "•••"
export const hiddenForms: Readonly<Record<string, string>> = { email: "hidden@hidden.invalid", label: "hidden" }

const hidden = (value: string | number | boolean, member: string): string | number | boolean => {
  if (typeof value === "number") return 0
  if (typeof value === "boolean") return false
  return visibleWords.includes(value) ? value : (hiddenForms[member] ?? hiddenText)
}

/** The same with everything hidden that may be about a person. `masked.impersonal` of the database does the same. */
export const masked = (value: unknown, member = ""): unknown => {
  if (Array.isArray(value)) return value.map((inner) => masked(inner, member))
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, masked(inner, key)]))
  }
  if (visible.has(member) || !(typeof value === "string" || typeof value === "number" || typeof value === "boolean")) {
    return value
  }
  return hidden(value, member)
}
