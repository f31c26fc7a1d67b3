import { copy, line, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { Language, languagesMax } from "../producttype/Attributes.ts"

const texts = {
  title: Schema.optionalKey(copy(300)),
  description: Schema.optionalKey(maybeCopy(4_000)),
  /** The title for search engines, where they are to show another one. */
  seoTitle: Schema.optionalKey(line(200)),
  seoDescription: Schema.optionalKey(line(500))
}
const Texts = Schema.Struct(texts)

/** Translations in requests and answers: texts by language. For an absent text, shops show the product's own one. */
export const TranslationsJson = Schema.Record(Language, Texts).check(Schema.isMaxProperties(languagesMax))
export type TranslationsJson = typeof TranslationsJson.Type

/** Translations in events and states, in the order of their languages. */
export const Translations = Schema.Array(Schema.Struct({ language: Language, ...texts })).check(
  Schema.isMaxLength(languagesMax)
)
export type Translations = typeof Translations.Type

/** In the order of their languages, however they were sent: the same translations again are equal. */
export const translationsOf = (json: TranslationsJson): Translations =>
  Object.entries(json)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([language, said]) => ({ language, ...said }))

export const jsonOf = (translations: Translations): TranslationsJson =>
  Object.fromEntries(translations.map(({ language, ...said }) => [language, said]))
