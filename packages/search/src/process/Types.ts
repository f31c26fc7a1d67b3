import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { ProductTypeTable } from "@halles/entities/producttype/ProductTypeTable"
import type { Row } from "./TableRows.ts"

type ProductTypeRow = Row<(typeof ProductTypeTable)["schemas"]>

/** The product types of a region: which attributes they declare as facets. */
export class Types {
  readonly rows = new Map<string, ProductTypeRow>()
  /** By the id of a type the attributes that it declares as `facetable`. */
  readonly #facetable = new Map<string, ReadonlySet<string>>()

  /** Takes a type that is newer than what is there; says whether it was. */
  put(row: ProductTypeRow): boolean {
    if ((this.rows.get(row.id)?.seq ?? 0) >= row.seq) return false
    this.rows.set(row.id, row)
    const facets = row.attributes.filter(({ facetable }) => facetable === true)
    this.#facetable.set(row.id, new Set(facets.map(({ code }) => code)))
    return true
  }

  /** The attributes of a product of that type that are counted; `null` if all are, since there is no such type. A removed type goes on saying so. */
  countedOf({ id }: Pick<ProductRow, "id">, type: string | null): ReadonlySet<string> | null {
    return this.#facetable.get(`${id.slice(0, 3)}${type}`) ?? null
  }
}
