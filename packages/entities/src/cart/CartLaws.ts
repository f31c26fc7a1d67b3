import { CartId, orderIdOf } from "@halles/shared/Ids"
import type { SaleLine } from "../sale/Sale.ts"
import type * as CartState from "./CartState.ts"
import { fingerprint } from "../laws/Facts.ts"
import type { Findings } from "../laws/Findings.ts"
import type { Laws } from "../laws/Rows.ts"

type Of<Tag extends CartState.Event["_tag"]> = Extract<CartState.Event, { readonly _tag: Tag }>

interface HandedOver {
  readonly into: string
  readonly contents: number
  readonly at: number
}

/** Hand-overs between carts whose other side has not been seen yet. */
class Merges {
  readonly given = new Map<string, HandedOver>()
  readonly taken = new Map<string, HandedOver>()
}

interface Held {
  quantity: number
  unitPrice: number
}

/**
 * The lines of a cart, followed apart from `CartState` by what the events say: units by line. A merge adds units and
 * takes none; where the price was agreed a unit keeps its own.
 */
class Lines {
  readonly #lines = new Map<string, Held>()

  put({ quantity, sku, unitPrice, variant }: SaleLine): void {
    this.#lines.set(`${sku}/${variant}`, { quantity, unitPrice })
  }

  remove(sku: string, variant: string): void {
    this.#lines.delete(`${sku}/${variant}`)
  }

  absorb(lines: ReadonlyArray<SaleLine>, agreed: boolean): void {
    for (const { quantity, sku, unitPrice, variant } of lines) {
      const names = [variant, ...Array.from({ length: this.#lines.size + 1 }, (_, index) => `m${index + 1}`)]
      const fits = (held: Held | undefined) => held === undefined || !agreed || held.unitPrice === unitPrice
      const name = names.find((name) => fits(this.#lines.get(`${sku}/${name}`)))!
      const held = this.#lines.get(`${sku}/${name}`)
      if (held === undefined) this.#lines.set(`${sku}/${name}`, { quantity, unitPrice })
      else held.quantity += quantity
    }
  }

  /** What differs from the lines checked out, in words, or `null`. */
  differs(lines: ReadonlyArray<SaleLine>, agreed: boolean): string | null {
    const rest = new Map(this.#lines)
    for (const { quantity, sku, unitPrice, variant } of lines) {
      const held = rest.get(`${sku}/${variant}`)
      rest.delete(`${sku}/${variant}`)
      if (held === undefined) return `${sku}/${variant} is checked out and was not in the cart`
      if (held.quantity !== quantity)
        return `${quantity} of ${sku}/${variant} are checked out, ${held.quantity} were put`
      if (agreed && held.unitPrice !== unitPrice) return `${sku}/${variant} changed its agreed price`
    }
    const [lost] = rest.keys()
    return lost === undefined ? null : `${lost} was in the cart and is not checked out`
  }
}

/** Whether a line that is checked out, in its place, has other parts than the line that the cart showed. */
const isOtherBundle =
  (shown: ReadonlyArray<SaleLine>) =>
  ({ parts }: SaleLine, index: number): boolean =>
    JSON.stringify(parts) !== JSON.stringify(shown[index]?.parts)

const agreed = (state: CartState.State): boolean => state._tag !== "None" && state.pricing === "agreed"

/** I2 and I6, as far as carts go. Each checkout leaves its facts for the order that it placed. */
export const carts: Laws<CartState.State, CartState.Event> = ({ facts, findings, ...options }) => {
  const merges = new Merges()
  const factsOf = (id: string, attempt: number) =>
    facts.of(orderIdOf(CartId.make(id, { disableChecks: true }), attempt))
  /** Checkouts are numbered without gaps, and each but the first follows word that the one before came to nothing. */
  const checkOut = (
    id: string,
    seq: number,
    event: Of<"CheckedOut">,
    { checkouts, lines, state }: { readonly checkouts: number; readonly lines: Lines; readonly state: CartState.State }
  ) => {
    findings.checked("I2")
    findings.checked("I6")
    if (state._tag !== "Open") findings.violation("I2", "Cart", id, seq, "checked out again")
    else if (event.attempt !== checkouts) {
      findings.violation("I2", "Cart", id, seq, `checkout ${event.attempt} is its ${checkouts}th`)
    }
    const wrong = lines.differs(event.lines, agreed(state))
    if (wrong !== null) findings.violation("I6", "Cart", id, seq, wrong)
    const other = state._tag === "Open" ? event.lines.find(isOtherBundle(state.lines)) : undefined
    if (other !== undefined)
      findings.violation("I6", "Cart", id, seq, `${other.sku} is checked out with parts that the cart did not show`)
    const { attempt, charges, currency, customerId, discount, totals } = event
    const draft = fingerprint([customerId, currency, event.lines, charges, discount, totals])
    factsOf(id, attempt).cart = { draft, at: event.at, isReopened: false }
  }
  const reopen = (id: string, seq: number, { attempt }: Of<"Reopened">, isAwaited: boolean) => {
    findings.checked("I2")
    const { cart } = factsOf(id, attempt)
    if (!isAwaited || cart === null) {
      findings.violation("I2", "Cart", id, seq, `reopened after checkout ${attempt}, which it does not wait for`)
    } else cart.isReopened = true
  }
  const handOver = (id: string, { at, into }: Of<"HandedOver">, state: CartState.State) => {
    const { charges, coupon, lines } = state._tag === "Open" ? state : { charges: [], coupon: null, lines: [] }
    matched(merges.taken, merges.given, id, { into, contents: fingerprint([lines, charges, coupon]), at })
  }
  const matched = (theirs: Map<string, HandedOver>, ours: Map<string, HandedOver>, from: string, own: HandedOver) => {
    const other = theirs.get(from)
    findings.checked("I6")
    if (other === undefined) {
      ours.set(from, own)
      return
    }
    theirs.delete(from)
    if (other.into !== own.into || other.contents !== own.contents) {
      findings.violation(
        "I6",
        "Cart",
        from,
        null,
        `what it handed over to ${own.into} is not what arrived in ${other.into}`
      )
    }
  }

  return {
    history: (id) => {
      const lines = new Lines()
      let checkouts = 0
      return {
        event: (event, { seq }, state) => {
          if (event._tag === "LinePut") lines.put(event.line)
          if (event._tag === "LineRemoved") lines.remove(event.sku, event.variant)
          if (event._tag === "CheckedOut") {
            checkouts += 1
            checkOut(id, seq, event, { checkouts, lines, state })
          }
          if (event._tag === "Reopened") {
            reopen(id, seq, event, state._tag === "CheckedOut" && event.attempt === checkouts)
          }
          if (event._tag === "HandedOver") handOver(id, event, state)
          if (event._tag === "LinesAbsorbed") {
            lines.absorb(event.lines, agreed(state))
            const contents = fingerprint([event.lines, event.charges, event.coupon])
            matched(merges.given, merges.taken, event.from, { into: id, contents, at: event.at })
          }
        }
      }
    },
    finish: () => unmatched(findings, merges, options)
  }
}

/** After all carts: a hand-over that only one side knows of lost its lines, unless it is still on its way. */
const unmatched = (
  findings: Findings,
  merges: Merges,
  options: { readonly now: number; readonly graceMs: number }
): void => {
  for (const [from, { at, into }] of merges.given) {
    if (options.now - at < options.graceMs) findings.running("I6")
    else findings.violation("I6", "Cart", from, null, `handed its lines over to ${into}, where they never arrived`)
  }
  for (const [from, { into }] of merges.taken) {
    findings.violation("I6", "Cart", into, null, `took over lines that ${from} never handed over`)
  }
}
