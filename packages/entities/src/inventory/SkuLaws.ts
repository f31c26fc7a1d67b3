import { skuCode, SkuId } from "@halles/shared/Ids"
import type { Allocation } from "./Sku.ts"
import type * as SkuState from "./SkuState.ts"
import type { Facts, StockFacts, Units } from "../laws/Facts.ts"
import type { Findings } from "../laws/Findings.ts"
import type { Laws, LawsContext, Row } from "../laws/Rows.ts"

type Event = SkuState.Event
type Of<Tag extends Event["_tag"]> = Extract<Event, { readonly _tag: Tag }>

/** How long after its limit a hold may still stand whose order was not asked. */
const lateMs = 1_000

/** The books of one warehouse, kept from the events alone. `onHand` is what was last counted, moved by what came and went. */
interface Books {
  onHand: number
  held: number
  reserved: number
  shipped: number
  received: number
  restocked: number
  adjusted: number
}
const emptyBooks = (): Books => ({
  onHand: 0,
  held: 0,
  reserved: 0,
  shipped: 0,
  received: 0,
  restocked: 0,
  adjusted: 0
})

/** What one order holds or has reserved of the SKU. */
interface Promised {
  kind: "held" | "reserved"
  readonly places: Map<string, number>
  backOrdered: number
  readonly expiresAt: number
  readonly epoch: number
  /** Its order was asked in time whether it still needs it. */
  isAsked: boolean
}

const unitsOf = ({ backOrdered, places }: Promised): number => {
  let units = backOrdered
  for (const quantity of places.values()) units += quantity
  return units
}

/** Holds that stood too long because the shard changed hands, or their order did not answer: told of, not counted as violations. */
interface Late {
  count: number
  worstMs: number
}

/** I1 at every row and I9, and for each order what this SKU keeps, shipped and took back for it. */
export const skus: Laws<SkuState.State, Event> = ({ facts, findings, graceMs, now }) => {
  const late: Late = { count: 0, worstMs: 0 }
  return {
    history: (id) => {
      const history = new History({ findings, facts, late, graceMs }, id)
      return {
        event: (event, row) => history.event(event, row),
        row: () => history.row(),
        end: (state) => history.end(state, now)
      }
    },
    finish: () => {
      if (late.count === 0) return
      const reason = "by the shard's next owner or because their orders did not answer"
      findings.note("I9", `${late.count} ended late, ${reason} (at worst ${late.worstMs} ms)`)
    }
  }
}

class History {
  readonly #findings: Findings
  readonly #facts: Facts
  readonly #late: Late
  readonly #graceMs: number
  readonly #id: string
  readonly #code: string
  readonly #books = new Map<string, Books>()
  readonly #promises = new Map<string, Promised>()
  readonly #touched = new Set<string>()
  readonly #forgotten = new Map<string, number>()
  #row: Row<Event> | null = null

  constructor(
    { facts, findings, graceMs, late }: Pick<LawsContext, "facts" | "findings" | "graceMs"> & { readonly late: Late },
    id: string
  ) {
    this.#findings = findings
    this.#facts = facts
    this.#late = late
    this.#graceMs = graceMs
    this.#id = id
    this.#code = skuCode(SkuId.make(id, { disableChecks: true }))
  }

  event(event: Event, row: Row<Event>): void {
    this.#row = row
    this.#apply(event)
  }

  row(): void {
    this.#findings.checked("I1")
    for (const warehouse of this.#touched) this.#balance(warehouse)
    this.#touched.clear()
  }

  end({ warehouses }: SkuState.State, now: number): void {
    for (const [orderId, promised] of this.#promises) {
      if (promised.kind === "held") this.#onTime(orderId, promised, now, null)
      if (promised.backOrdered > 0) this.#facts.stockOf(orderId).isAwaited = true
    }
    for (const { held, onHand, reserved, shipped, warehouse } of warehouses) {
      const books = this.#books.get(warehouse)
      const agrees =
        books !== undefined &&
        books.onHand === onHand &&
        books.held === held &&
        books.reserved === reserved &&
        books.shipped === shipped
      if (!agrees) this.#wrong("I1", `${warehouse}: the entity's own counts differ from its events`)
    }
  }

  #wrong(invariant: "I1" | "I8" | "I9", detail: string): void {
    this.#findings.violation(invariant, "Sku", this.#id, this.#row?.seq ?? null, detail)
  }

  #booksOf(warehouse: string): Books {
    this.#touched.add(warehouse)
    let books = this.#books.get(warehouse)
    if (books === undefined) {
      books = emptyBooks()
      this.#books.set(warehouse, books)
    }
    return books
  }

  #balance(warehouse: string): void {
    const { adjusted, held, onHand, received, reserved, restocked, shipped } = this.#booksOf(warehouse)
    if (held < 0 || reserved < 0 || held + reserved > onHand) {
      this.#wrong("I1", `${warehouse}: ${held} held and ${reserved} reserved of ${onHand} on hand`)
    }
    if (onHand + shipped !== received + restocked + adjusted) {
      const came = `${received} received + ${restocked} restocked + ${adjusted} adjusted`
      this.#wrong("I1", `${warehouse}: ${onHand} on hand + ${shipped} shipped are not ${came}`)
    }
  }

  #apply(event: Event): void {
    switch (event._tag) {
      case "Received":
      case "Restocked": {
        const books = this.#booksOf(event.warehouse)
        books.onHand += event.quantity
        if (event._tag === "Received") books.received += event.quantity
        else {
          books.restocked += event.quantity
          this.#fact(event.orderId, "restocked", event.quantity, event.warehouse)
        }
        return
      }
      case "Adjusted": {
        const books = this.#booksOf(event.warehouse)
        books.onHand = event.onHand
        books.adjusted += event.delta
        return
      }
      case "WrittenOff":
        return this.#fact(event.orderId, "writtenOff", event.quantity, event.warehouse)
      case "Held":
        return this.#hold(event)
      case "Reserved":
        return this.#reserve(event)
      case "HoldExpired": {
        const promised = this.#promises.get(event.orderId)
        if (promised !== undefined) this.#forget(event.orderId, unitsOf(promised))
        return this.#giveBack(event, "held")
      }
      case "ReleasedEarly":
        return this.#forget(event.orderId, 0)
      case "Released":
        return this.#giveBack(event, event.from === "hold" ? "held" : "reserved")
      case "Shipped":
        return this.#ship(event)
      case "BackOrdersFilled":
        for (const { allocations, orderId } of event.fills) this.#fill(orderId, allocations)
        return
      case "HoldsDue":
        for (const promised of this.#promises.values()) {
          if (promised.expiresAt <= event.until && event.at <= promised.expiresAt + lateMs) promised.isAsked = true
        }
        return
      case "HoldRefused":
      case "ExpiryChecked":
      case "ShipRefused":
      case "BackOrderAllowed":
        return
    }
  }

  #fact(orderId: string, what: Exclude<keyof StockFacts, "isAwaited">, units: number, warehouse?: string): void {
    const fact: Units = this.#facts.stockOf(orderId)[what]
    fact.add(warehouse === undefined ? this.#code : `${this.#code}/${warehouse}`, units)
  }

  /** A time-out has let go so many units of an order, which it has not released; 0 once it has. */
  #forget(orderId: string, units: number): void {
    const before = this.#forgotten.get(orderId) ?? 0
    if (units !== before) this.#fact(orderId, "forgotten", units - before)
    if (units === 0) this.#forgotten.delete(orderId)
    else this.#forgotten.set(orderId, units)
  }

  #hold({ allocations, backOrdered, expiresAt, orderId }: Of<"Held">): void {
    if (this.#promises.has(orderId)) this.#wrong("I1", `${orderId} holds twice`)
    const places = new Map<string, number>()
    for (const { quantity, warehouse } of allocations) {
      places.set(warehouse, (places.get(warehouse) ?? 0) + quantity)
      this.#booksOf(warehouse).held += quantity
    }
    const epoch = this.#row?.epoch ?? 0
    const promised: Promised = { kind: "held", places, backOrdered, expiresAt, epoch, isAsked: false }
    this.#promises.set(orderId, promised)
    this.#fact(orderId, "held", unitsOf(promised))
  }

  /** The order's promise, if it is of that kind and as large as the event says. */
  #promise(
    orderId: string,
    kind: Promised["kind"],
    allocations: ReadonlyArray<Allocation>,
    backOrdered: number
  ): Promised | null {
    const promised = this.#promises.get(orderId)
    const agrees =
      promised !== undefined &&
      promised.kind === kind &&
      promised.backOrdered === backOrdered &&
      promised.places.size === allocations.length &&
      allocations.every(({ quantity, warehouse }) => promised.places.get(warehouse) === quantity)
    if (!agrees) this.#wrong("I1", `${orderId}: the units given up are not the ones ${kind}`)
    return promised ?? null
  }

  #reserve({ allocations, backOrdered, orderId }: Of<"Reserved">): void {
    const promised = this.#promise(orderId, "held", allocations, backOrdered)
    if (promised === null) return
    this.#onTime(orderId, promised, this.#row!.at, this.#row!.epoch)
    for (const [warehouse, quantity] of promised.places) {
      const books = this.#booksOf(warehouse)
      books.held -= quantity
      books.reserved += quantity
    }
    promised.kind = "reserved"
    this.#fact(orderId, "held", -unitsOf(promised))
    this.#fact(orderId, "reserved", unitsOf(promised))
  }

  #giveBack({ allocations, backOrdered, orderId }: Of<"HoldExpired" | "Released">, kind: Promised["kind"]): void {
    const promised = this.#promise(orderId, kind, allocations, backOrdered)
    if (promised === null) return
    if (kind === "held") this.#onTime(orderId, promised, this.#row!.at, this.#row!.epoch)
    for (const [warehouse, quantity] of promised.places) this.#booksOf(warehouse)[kind] -= quantity
    this.#promises.delete(orderId)
    this.#fact(orderId, kind, -unitsOf(promised))
  }

  #ship({ allocations, from, orderId }: Of<"Shipped">): void {
    const kind = from === "hold" ? "held" : "reserved"
    const promised = this.#promise(orderId, kind, allocations, 0)
    for (const { quantity, warehouse } of allocations) {
      const books = this.#booksOf(warehouse)
      books.onHand -= quantity
      books[kind] -= quantity
      books.shipped += quantity
      this.#fact(orderId, "shipped", quantity, warehouse)
    }
    if (promised === null) return
    if (kind === "held") this.#onTime(orderId, promised, this.#row!.at, this.#row!.epoch)
    this.#promises.delete(orderId)
    this.#fact(orderId, kind, -unitsOf(promised))
  }

  #fill(orderId: string, allocations: ReadonlyArray<Allocation>): void {
    const promised = this.#promises.get(orderId)
    if (promised === undefined) return this.#wrong("I1", `${orderId} waits for nothing and is given units`)
    for (const { quantity, warehouse } of allocations) {
      promised.places.set(warehouse, (promised.places.get(warehouse) ?? 0) + quantity)
      promised.backOrdered -= quantity
      this.#booksOf(warehouse)[promised.kind] += quantity
    }
    if (promised.backOrdered < 0) this.#wrong("I1", `${orderId} is given more than it waits for`)
  }

  /**
   * `epoch` is the one that ended the hold; another than began it means that the shard changed hands meanwhile. An order that was
   * asked in time may have been out of reach.
   */
  #onTime(
    orderId: string,
    { epoch: began, expiresAt, isAsked }: Promised,
    endedAt: number,
    epoch: number | null
  ): void {
    this.#findings.checked("I9")
    const lateBy = endedAt - expiresAt
    if (lateBy <= lateMs) return
    if (epoch === null && isAsked && lateBy < this.#graceMs) return this.#findings.running("I9")
    if (epoch !== null && (epoch !== began || isAsked)) {
      this.#late.count += 1
      this.#late.worstMs = Math.max(this.#late.worstMs, lateBy)
      return
    }
    const stands = epoch === null ? "still stands" : "was ended"
    this.#wrong("I9", `the hold of ${orderId} ${stands} ${lateBy} ms after its limit`)
  }
}
