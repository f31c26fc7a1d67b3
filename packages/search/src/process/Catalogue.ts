import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { UnitCostTable } from "@halles/entities/unitcost/UnitCostTable"
import { Effect, Semaphore } from "effect"
import type { ProductDocument } from "../index/ProductDocument.ts"
import { SearchIndex } from "../index/SearchIndex.ts"
import { Categories } from "./Categories.ts"
import { Models } from "./Models.ts"
import { documentOf } from "./ProductRows.ts"
import type { Row } from "./TableRows.ts"
import { Types } from "./Types.ts"
import { UnitsLeft } from "./UnitsLeft.ts"

type CostRow = Row<(typeof UnitCostTable)["schemas"]>

/** The share of the price that is left after the cost; `null` where that is not known, or in another currency. */
const marginOf = ({ currency, price_amount }: ProductRow, row: CostRow | undefined): number | null =>
  row === undefined || row.removed || row.cost.currency !== currency || price_amount === 0
    ? null
    : Math.max(0, 1 - row.cost.amount / price_amount)

/** How long the index is worked on before others get their turn. */
const sliceMs = 10

type Standing = Pick<ProductDocument, "counted" | "standsIn">

const isSame = (a: Standing, b: Standing): boolean =>
  a.counted === b.counted &&
  a.standsIn.length === b.standsIn.length &&
  a.standsIn.every((code, at) => code === b.standsIn[at])

const turn = Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))

/** Does something with each, a slice at a time. */
const inSlices = Effect.fnUntraced(function* <A>(all: ReadonlyArray<A>, each: (one: A) => void) {
  let at = 0
  while (at < all.length) {
    const until = performance.now() + sliceMs
    for (; at < all.length && performance.now() < until; at++) each(all[at]!)
    yield* turn
  }
})

/** The products of a region and the index of them, which is replaced by a new one while it is searched. */
export class Catalogue {
  readonly rows = new Map<string, ProductRow>()
  #index = new SearchIndex()
  /** Orders that each article was in, by its code. */
  #sold: ReadonlyMap<string, number> = new Map()
  readonly #left = new UnitsLeft()
  readonly models = new Models()
  /** After a change of these, `restand` is to follow. */
  readonly categories = new Categories()
  readonly types = new Types()
  /** What a unit of each article costs the merchant. */
  readonly costs = new Map<string, CostRow>()
  /** Since a new index was begun: ids of rows that have changed, and of those of which something else has. */
  #changed: { readonly rows: Set<string>; readonly goods: Set<string> } | null = null
  readonly #building = Semaphore.makeUnsafe(1)

  get index(): SearchIndex {
    return this.#index
  }

  /** Takes a row that is newer than what is there; says whether it was. */
  put(row: ProductRow): boolean {
    const before = this.rows.get(row.id)
    if (before !== undefined && before.seq >= row.seq) return false
    this.#know(row)
    this.#put(row)
    return true
  }

  #know(row: ProductRow): void {
    this.rows.set(row.id, row)
    this.#left.know(row)
    this.models.know(row)
  }

  #put(row: ProductRow): void {
    this.#changed?.rows.add(row.id)
    this.#apply(this.#index, row)
  }

  /** Takes a model that is newer than what is there, and so its variants; says whether it was. */
  putModel(row: Parameters<Models["put"]>[0]): boolean {
    const variants = this.models.put(row)
    for (const id of variants ?? []) {
      const product = this.rows.get(id)
      if (product !== undefined) this.#put(product)
    }
    return variants !== null
  }

  /** Takes rows without searching them yet: `build` is to follow. */
  fill(rows: ReadonlyArray<ProductRow>): void {
    for (const row of rows) this.#know(row)
  }

  /** Makes the index anew, once at a time. Queries are answered by the old one meanwhile, and changes are in both. */
  readonly build: Effect.Effect<void> = this.#building.withPermits(1)(Effect.suspend(() => this.#replace()))

  #replace(): Effect.Effect<void> {
    const next = new SearchIndex()
    const changed = { rows: new Set<string>(), goods: new Set<string>() }
    this.#changed = changed
    const rows = [...this.rows.values()]
    return Effect.gen({ self: this }, function* () {
      yield* inSlices(rows, (row) => this.#apply(next, row))
      for (const id of changed.rows) this.#apply(next, this.rows.get(id)!)
      // Products of one rank keep their places: putting one again would make it the last of them.
      for (const id of changed.goods) {
        const row = this.rows.get(id)
        if (row !== undefined) next.note(id, this.#goodsOf(row))
      }
      next.buildSuggestions()
      this.#changed = null
      this.#index = next
    })
  }

  /** Makes the index anew where too much of it is dead. */
  readonly tend: Effect.Effect<void> = Effect.suspend(() => (this.#index.isStale ? this.build : Effect.void))

  /** Tells the index in which categories each product stands, and which of its attributes are facets, where that has changed. */
  readonly restand: Effect.Effect<void> = Effect.suspend(() =>
    inSlices([...this.rows.keys()], (id) => {
      const before = this.#index.get(id)
      const known = this.#standingOf(this.rows.get(id)!)
      if (this.#changed !== null || (before !== undefined && !isSame(before, known))) this.#note(id, known)
    })
  )

  #standingOf(row: ProductRow): Standing {
    return {
      standsIn: this.categories.of(row, this.models.attributesOf(row)),
      counted: this.types.countedOf(row, this.models.typeOf(row))
    }
  }

  /** Takes how much was sold of each article into the ranking. */
  noteSales(sold: ReadonlyMap<string, number>): void {
    const before = this.#sold
    this.#sold = sold
    for (const { id, sku } of this.rows.values()) {
      const now = sold.get(sku) ?? 0
      if (now === (before.get(sku) ?? 0)) continue
      this.#note(id, { sold: now })
    }
  }

  /** Takes how many units of SKUs can be ordered; says of how many SKUs that has changed. */
  noteUnits(left: Iterable<readonly [id: string, units: number]>): number {
    let changed = 0
    for (const [id, units] of left) {
      const about = this.#left.note(id, units)
      if (about.length > 0) changed += 1
      for (const product of about) {
        const row = this.rows.get(product)
        const available = row === undefined ? null : this.#left.isAvailable(row)
        if (this.#changed !== null || this.#index.get(product)?.available !== available)
          this.#note(product, { available })
      }
    }
    return changed
  }

  /** Takes a cost that is newer than what is there; says whether it was. */
  putCost(row: CostRow): boolean {
    const before = this.costs.get(row.id)
    if (before !== undefined && before.seq >= row.seq) return false
    this.costs.set(row.id, row)
    const product = this.rows.get(row.id)
    if (product !== undefined) this.#note(row.id, { margin: marginOf(product, row) })
    return true
  }

  #note(id: string, known: Parameters<SearchIndex["note"]>[1]): void {
    this.#index.note(id, known)
    this.#changed?.goods.add(id)
  }

  #goodsOf(row: ProductRow) {
    return {
      available: this.#left.isAvailable(row),
      margin: marginOf(row, this.costs.get(row.id)),
      productType: this.models.typeOf(row),
      sold: this.#sold.get(row.sku) ?? 0,
      ...this.#standingOf(row)
    }
  }

  #apply(index: SearchIndex, row: ProductRow): void {
    const document = documentOf(row, this.models.attributesOf(row), this.#goodsOf(row))
    if (document === null) index.remove(row.id)
    else index.put(document)
  }
}
