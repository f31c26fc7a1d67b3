import { Channel } from "@halles/entities/catalogue/Channel"
import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { ProductDocument } from "../index/ProductDocument.ts"

type Attribute = NonNullable<ProductRow["details"]["attributes"]>[number]

/** Of an attribute that only a later version of the product's events has, no value is searched. */
const valuesOf = (attribute: Attribute): ProductDocument["attributes"][string] => {
  if ("text" in attribute) return [attribute.text]
  if ("number" in attribute) return [attribute.number]
  if ("flag" in attribute) return [attribute.flag]
  if ("options" in attribute) return attribute.options
  return "texts" in attribute ? attribute.texts.map(({ text }) => text) : []
}

const attributesOf = ({ attributes = [] }: ProductRow["details"]): ProductDocument["attributes"] =>
  Object.fromEntries(attributes.map((attribute) => [attribute.code, valuesOf(attribute)]))

/** What is searched of a product; `null` if it is not on sale. */
export const documentOf = (
  row: ProductRow,
  { available, margin, sold }: Pick<ProductDocument, "available" | "margin" | "sold">
): ProductDocument | null => {
  if (!row.listed) return null
  const attributes = attributesOf(row.details)
  const { categories = [], channels = Channel.literals, gtin, productType } = row.details
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    translations: row.translations.flatMap(({ description = "", title = "" }) => [title, description]),
    brand: (attributes["brand"] ?? []).map(String).join(" "),
    codes: gtin === undefined ? [row.sku] : [row.sku, gtin],
    categories,
    productType: productType?.code ?? null,
    attributes,
    channels,
    price: row.price_amount,
    available,
    sold,
    margin
  }
}
