/** What `npm run check` proves, by number, in the words of the design. */
export const titles = {
  I0: "every row can be read: known type, events of its schema",
  I1: "stock: promises never exceed what is on hand, and the books of each warehouse balance, at every row",
  I2: "of one cart at most one order is not cancelled, and each is what the cart was",
  I3: "captured <= authorised and refunded <= captured, at every row; with what banks took back, in the end",
  I4: "redemptions stay within their limit",
  I5: "points are never negative and equal their ledger, at every row",
  I6: "no cart line is lost: not by adding, not by merging, not at checkout; bundles are bought as shown",
  I7: "an order's total is the sum of its lines, charges and tax, and the amount authorised; returns pay back what was paid",
  I8: "every saga ends, or says why not: no paid order without stock, no stock or money kept by a dead order",
  I9: "the order of a hold whose time is over is asked within 1 s; one that is not paid for by then is given up",
  I10: "one command id has at most one effect",
  I11: "histories are gapless, and every acknowledged command is in the journal",
  I12: "at most one epoch writes a shard at a time",
  I13: "a category stands in one place, never below itself, and never deeper than it may, at every row",
  I14: "a slug leads to one product for good, and the slug of a product to that product",
  I15: "a change that was scheduled happens once, not before its time, and not when it was withdrawn",
  I16: "the content of a picture never changes, a removed one stays removed, and one with content that something shows is removed only when its owner is forgotten; it knows which products and categories show it",
  I17: "a release that has ended has changed each of its members once, or says why not; one that was withdrawn has changed none"
} as const
export type Id = keyof typeof titles
export const ids = Object.keys(titles) as ReadonlyArray<Id>

export interface Violation {
  readonly invariant: Id
  readonly entityType: string
  readonly entityId: string
  /** The row at which it shows, or `null` when it is about the whole history. */
  readonly seq: number | null
  readonly detail: string
}

export interface Line {
  readonly invariant: Id
  /** Facts that were looked at: rows, entities or pairs, whatever the invariant is about. */
  readonly checked: number
  readonly violations: number
  /** Unfinished, but younger than the grace period. */
  readonly running: number
  readonly notes: ReadonlyArray<string>
}

/** Violations that are kept in full for each invariant; the others are only counted. */
export const keptMax = 20

/** Counts what was looked at and keeps what is wrong. */
export class Findings {
  readonly #lines = new Map(
    ids.map((id) => [id, { checked: 0, violations: 0, running: 0, notes: [] as Array<string> }])
  )
  readonly #kept: Array<Violation> = []

  checked(invariant: Id, count = 1): void {
    this.#lines.get(invariant)!.checked += count
  }

  running(invariant: Id): void {
    this.#lines.get(invariant)!.running += 1
  }

  note(invariant: Id, text: string): void {
    this.#lines.get(invariant)!.notes.push(text)
  }

  violation(invariant: Id, entityType: string, entityId: string, seq: number | null, detail: string): void {
    const line = this.#lines.get(invariant)!
    line.violations += 1
    if (line.violations <= keptMax) this.#kept.push({ invariant, entityType, entityId, seq, detail })
  }

  get lines(): ReadonlyArray<Line> {
    return ids.map((invariant) => ({ invariant, ...this.#lines.get(invariant)! }))
  }

  get kept(): ReadonlyArray<Violation> {
    return this.#kept
  }
}

export const age = (ms: number): string => `${Math.round(ms / 1000)} s`
