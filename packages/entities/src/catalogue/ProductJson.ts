import { Money } from "@halles/shared/wire/MoneyJson"
import { given } from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { AttributesJson, attributesOf, jsonOf } from "../producttype/Attributes.ts"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import { Details } from "./Details.ts"
import { type Edited, ProductView, ScheduledChange } from "./Product.ts"
import * as Translations from "./Translations.ts"

export const listingSample = {
  title: "Breakfast tea, 250 g",
  description: "Loose black tea, strong enough for milk.",
  price: { amount: "495", currency: "GBP" },
  taxRate: 2000
}
export const detailsSample = {
  productType: { code: "loose-tea", version: 1 },
  attributes: { origin: "assam", net_weight: 250 },
  gtin: "4006381333931",
  weightGrams: 270,
  dimensionsMm: { length: 120, width: 80, height: 80 },
  categories: ["black-tea"],
  relations: [{ kind: "accessory", sku: "MUG-07" }]
}
export const translationsSample = { de: { title: "Frühstückstee, 250 g", seoTitle: "Frühstückstee kaufen" } }
export const scheduleSample = {
  at: "2026-12-07T06:00",
  timeZone: "Europe/Paris",
  price: { amount: "445", currency: "GBP" },
  taxRate: 2000,
  reason: "Winter sale"
}

const { description, listed, price, region, seq, sku, slug, status, title } = ProductView.fields
export const { taxRate } = price.fields

/** A product as the edge answers it. */
export const ProductJson = ViewJson.object<ProductView>()(
  "Product",
  {
    region,
    sku,
    title,
    description,
    price: Money,
    taxRate,
    listed,
    status,
    slug,
    ...Details.fields,
    attributes: Schema.optionalKey(AttributesJson),
    seq
  },
  {
    sample: {
      region: "eu",
      sku: "TEA-01",
      ...listingSample,
      listed: true,
      status: "active",
      slug: "breakfast-tea",
      ...detailsSample,
      seq: 2
    },
    from: {
      taxRate: (view) => view.price.taxRate,
      attributes: ({ attributes }) => attributes && jsonOf(attributes)
    }
  }
)

/** Routes that everybody may call show products that are on sale or were taken off sale, and no drafts. */
export const isPublic = ({ status }: ProductView): boolean => status === "active" || status === "archived"

/** The body of `describeProduct`. */
export const DescriptionJson = Schema.Struct({
  ...Details.fields,
  attributes: Schema.optionalKey(AttributesJson),
  productType: Schema.optionalKey(AttributeRules.TypeGiven)
})
export const detailsOf = ({ attributes, productType, ...details }: typeof DescriptionJson.Type): Details => ({
  ...details,
  ...given("attributes", attributes && attributesOf(attributes)),
  ...given("productType", productType && AttributeRules.asChecked(productType))
})

type Change = typeof ScheduledChange.Type
const ChangeJson = ViewJson.object<Change>()(
  "ScheduledChange",
  { ...ScheduledChange.fields, price: Schema.optionalKey(Money), taxRate: Schema.optionalKey(taxRate) },
  { from: { taxRate: ({ price }) => price?.taxRate } }
)

/** The answer of `getEditedProduct`. */
export const EditedJson = ViewJson.object<typeof Edited.Type>()(
  "EditedProduct",
  {
    product: ProductJson,
    scheduled: Schema.Array(ChangeJson),
    translations: Translations.TranslationsJson,
    versions: VersionsJson
  },
  {
    sample: {
      product: {
        region: "eu",
        sku: "TEA-01",
        ...listingSample,
        listed: true,
        status: "active",
        ...detailsSample,
        seq: 4
      },
      scheduled: [
        { changeId: "winter-price", dueAt: 1_796_619_600_000, price: { amount: "445", currency: "GBP" }, taxRate: 2000 }
      ],
      translations: translationsSample,
      versions: {
        title: 1,
        description: 1,
        price: 1,
        taxRate: 1,
        status: 1,
        attributes: 2,
        translations: 3,
        scheduled: 4
      }
    },
    from: { translations: ({ translations }) => Translations.jsonOf(translations) }
  }
)
