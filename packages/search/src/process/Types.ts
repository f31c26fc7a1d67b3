import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { ProductTypeTable } from "@halles/entities/producttype/ProductTypeTable"
import type { Row } from "./TableRows.ts"

type ProductTypeRow = Row<(typeof ProductTypeTable)["schemas"]>

const none: ReadonlySet<string> = new Set()

/** The product types of a region: which attributes they declare as facets. */
export class Types {
  readonly rows = new Map<string, ProductTypeRow>()
  /** By the id of a type the attributes that it declares without `facetable`. */
  readonly #uncounted = new Map<string, ReadonlySet<string>>()

  /** Takes a type that is newer than what is there; says whether it was. */
  put(row: ProductTypeRow): boolean {
    if ((this.rows.get(row.id)?.seq ?? 0) >= row.seq) return false
    this.rows.set(row.id, row)
    const plain = row.attributes.filter(({ facetable }) => facetable !== true)
    this.#uncounted.set(row.id, new Set(plain.map(({ code }) => code)))
    return true
  }

  /** The attributes of a product that are no facets. A removed type goes on saying so. */
  uncountedOf({ details: { productType }, id }: ProductRow): ReadonlySet<string> {
    return productType === undefined ? none : (this.#uncounted.get(id.slice(0, 3) + productType.code) ?? none)
  }
}
