import { Money, Price } from "@halles/shared/wire/MoneyJson"
import { given } from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import { VersionsJson } from "../history/FieldVersions.ts"
import * as Translations from "../catalogue/Translations.ts"
import * as Attributes from "../producttype/Attributes.ts"
import { CategoryView, Description, type Edited } from "./Category.ts"
import { CategoryCode, CategoryTreeView } from "./CategoryTree.ts"
import { CategoryRule } from "./CategoryRule.ts"

export const categorySample = {
  title: "Black tea",
  description: "Fully oxidised, and strong.",
  translations: { de: { title: "Schwarzer Tee" } },
  attributes: { caffeine: true }
}

/** A rule as the edge answers it. */
const RuleJson = ViewJson.object<CategoryRule>()(
  "CategoryRule",
  {
    ...CategoryRule.fields,
    priceFrom: Schema.optionalKey(Money),
    priceBelow: Schema.optionalKey(Money),
    attributes: Schema.optionalKey(Attributes.AttributesJson)
  },
  { from: { attributes: ({ attributes }) => attributes && Attributes.jsonOf(attributes) } }
)
/** A rule as clients send it. */
const RuleGiven = Schema.Struct({
  ...CategoryRule.fields,
  priceFrom: Schema.optionalKey(Price),
  priceBelow: Schema.optionalKey(Price),
  attributes: Schema.optionalKey(Attributes.AttributesJson)
})
const ruleOf = ({ attributes, ...rest }: typeof RuleGiven.Type): CategoryRule => ({
  ...rest,
  ...given("attributes", attributes && Attributes.attributesOf(attributes))
})

const asJson = {
  translations: Schema.optionalKey(Translations.TranslationsJson),
  attributes: Schema.optionalKey(Attributes.AttributesJson)
}
const from = {
  translations: ({ translations }: Description) => translations && Translations.jsonOf(translations),
  attributes: ({ attributes }: Description) => attributes && Attributes.jsonOf(attributes)
}
const sample = { region: "eu", code: "black-tea", ...categorySample, removed: false, seq: 1 }

/** The view of a category. `placeOf` adds the last three fields, for `getCategory`. */
export interface Placed extends CategoryView {
  readonly path?: ReadonlyArray<{ readonly code: CategoryCode; readonly title: string }>
  readonly children?: number
  readonly inherited?: Attributes.AttributesJson
}

/** How a category looks to clients. */
export const CategoryJson = ViewJson.object<Placed>()(
  "Category",
  {
    ...CategoryView.fields,
    ...asJson,
    rule: Schema.optionalKey(RuleJson),
    /** From its root to the category itself; empty where it is not in the tree. */
    path: Schema.optionalKey(Schema.Array(Schema.Struct({ code: CategoryCode, title: Schema.String }))),
    /** Categories directly below it. */
    children: Schema.optionalKey(Schema.Int),
    /** The attributes of all categories above it; of two values the nearer one. */
    inherited: Schema.optionalKey(Attributes.AttributesJson)
  },
  { sample, from }
)

/** A category with the versions of its fields, for merchants. */
export const EditedCategoryJson = ViewJson.object<typeof Edited.Type>()(
  "EditedCategory",
  { ...CategoryView.fields, ...asJson, rule: Schema.optionalKey(RuleJson), versions: VersionsJson },
  { sample: { ...sample, versions: { title: 1, description: 1, attributes: 1 } }, from }
)

export const CategoryTreeJson = ViewJson.object<CategoryTreeView>()("CategoryTree", CategoryTreeView.fields, {
  sample: { region: "eu", count: 12, seq: 14 }
})

/** The body of `putCategory`. */
const { description, ...described } = Description.fields
export const DescriptionJson = Schema.Struct({
  ...described,
  description: Schema.optionalKey(description),
  ...asJson,
  rule: Schema.optionalKey(RuleGiven)
})
export const descriptionOf = ({
  attributes,
  description = "",
  rule,
  translations,
  ...rest
}: typeof DescriptionJson.Type): Description => ({
  ...rest,
  description,
  ...given("rule", rule && ruleOf(rule)),
  ...given("translations", translations && Translations.translationsOf(translations)),
  ...given("attributes", attributes && Attributes.attributesOf(attributes))
})
