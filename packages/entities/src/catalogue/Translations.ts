import { copy, line, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import { Language, languagesMax } from "../producttype/Attributes.ts"

const texts = {
  title: Schema.optionalKey(copy(300)),
  description: Schema.optionalKey(maybeCopy(4_000)),
  /** For search engines, where it is not the title. */
  seoTitle: Schema.optionalKey(line(200)),
  seoDescription: Schema.optionalKey(line(500))
}
const Texts = Schema.Struct(texts)

/** As clients see them: texts by language; what is absent is said in the language of the shop. */
export const TranslationsJson = Schema.Record(Language, Texts).check(Schema.isMaxProperties(languagesMax))
export type TranslationsJson = typeof TranslationsJson.Type

/** As entities keep them, by language. */
export const Translations = Schema.Array(Schema.Struct({ language: Language, ...texts })).check(
  Schema.isMaxLength(languagesMax)
)
export type Translations = typeof Translations.Type

/** In one order, however they were sent. */
export const translationsOf = (json: TranslationsJson): Translations =>
  Object.entries(json)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([language, said]) => ({ language, ...said }))

export const jsonOf = (translations: Translations): TranslationsJson =>
  Object.fromEntries(translations.map(({ language, ...said }) => [language, said]))
