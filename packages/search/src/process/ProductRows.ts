import { Channel } from "@halles/entities/catalogue/Channel"
import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import type { Attributes } from "@halles/entities/producttype/Attributes"
import type { ProductDocument } from "../index/ProductDocument.ts"

type Attribute = Attributes[number]

type Known = Pick<ProductDocument, "available" | "counted" | "margin" | "productType" | "sold" | "standsIn">

/** Of an attribute that only a later version of the product's events has, no value is searched. */
const valuesOf = (attribute: Attribute): ProductDocument["attributes"][string] => {
  if ("text" in attribute) return [attribute.text]
  if ("number" in attribute) return [attribute.number]
  if ("flag" in attribute) return [attribute.flag]
  if ("options" in attribute) return attribute.options
  return "texts" in attribute ? attribute.texts.map(({ text }) => text) : []
}

/** The values of all attributes that have the same code are those of one attribute. */
const valuesByCode = (attributes: Attributes): ProductDocument["attributes"] => {
  const byCode = Map.groupBy(attributes, ({ code }) => code)
  return Object.fromEntries([...byCode].map(([code, all]) => [code, all.flatMap(valuesOf)]))
}

const languagesOf = (attributes: Attributes): ProductDocument["languages"] =>
  new Map(attributes.flatMap((one) => ("texts" in one ? [[one.code, one.texts.map(({ language }) => language)]] : [])))

/** What is searched of a product, with the attributes that it has by itself and by its model; `null` if it is not on sale. */
export const documentOf = (row: ProductRow, all: Attributes, known: Known): ProductDocument | null => {
  if (!row.listed) return null
  const attributes = valuesByCode(all)
  const { categories = [], channels = Channel.literals, gtin } = row.details
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    translations: row.translations.flatMap(({ description = "", title = "" }) => [title, description]),
    brand: (attributes["brand"] ?? []).map(String).join(" "),
    codes: gtin === undefined ? [row.sku] : [row.sku, gtin],
    categories,
    attributes,
    languages: languagesOf(all),
    channels,
    price: row.price_amount,
    ...known
  }
}
