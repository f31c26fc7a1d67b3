import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import { type ProductModelRow, valuesFor } from "@halles/entities/productmodel/ProductModelTable"
import type { Attributes } from "@halles/entities/producttype/Attributes"

/** The product models of a region, and so what each variant has from its model. */
export class Models {
  readonly rows = new Map<string, ProductModelRow>()
  /** By the id of a product the models that have it as a variant. */
  readonly #ofVariant = new Map<string, Set<string>>()
  /** By the id of a model the products that name it, or did. */
  readonly #naming = new Map<string, Set<string>>()

  /** Remembers which model a product names. */
  know(product: ProductRow): void {
    const named = namedBy(product)
    if (named !== null) add(this.#naming, named, product.id)
  }

  /** Takes a model; the ids of products that may have other attributes by it. `null` where it is not newer. */
  put(row: ProductModelRow): ReadonlyArray<string> | null {
    const before = this.rows.get(row.id)
    if (before !== undefined && before.seq >= row.seq) return null
    this.rows.set(row.id, row)
    const variantsOf = (one: ProductModelRow | undefined) =>
      (one?.model.variants ?? []).map(({ sku }) => row.id.slice(0, 3) + sku)
    const [gone, variants] = [variantsOf(before), variantsOf(row)]
    for (const id of gone) this.#ofVariant.get(id)?.delete(row.id)
    for (const id of variants) add(this.#ofVariant, id, row.id)
    return [...new Set([...gone, ...variants, ...(this.#naming.get(row.id) ?? [])])]
  }

  /** The attributes of a product: its own, and those that its model says. */
  attributesOf(product: ProductRow): Attributes {
    const own = product.details.attributes ?? []
    const said = this.#of(product).flatMap((row) => valuesFor(row, product))
    return said.length === 0 ? own : [...own, ...said]
  }

  /** The product type of a product, which its model may say. */
  typeOf(product: ProductRow): string | null {
    const { productType = this.#of(product).find(({ removed }) => !removed)?.model.productType } = product.details
    return productType?.code ?? null
  }

  #of(product: ProductRow): ReadonlyArray<ProductModelRow> {
    const named = namedBy(product)
    const ids = new Set([...(named === null ? [] : [named]), ...(this.#ofVariant.get(product.id) ?? [])])
    return [...ids].flatMap((id) => this.rows.get(id) ?? [])
  }
}

/** The id of the model that a product names. */
const namedBy = ({ details: { model }, id }: ProductRow): string | null =>
  model === undefined ? null : id.slice(0, 3) + model

const add = (all: Map<string, Set<string>>, key: string, value: string): void => {
  const known = all.get(key)
  if (known === undefined) all.set(key, new Set([value]))
  else known.add(value)
}
