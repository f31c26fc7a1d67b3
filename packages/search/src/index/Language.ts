import { stemmer as de } from "@orama/stemmers/german"
import { stemmer as en } from "@orama/stemmers/english"
import { stemmer as es } from "@orama/stemmers/spanish"
import { stemmer as fr } from "@orama/stemmers/french"
import { stemmer as it } from "@orama/stemmers/italian"
import { stemmer as nl } from "@orama/stemmers/dutch"
import { stemmer as pt } from "@orama/stemmers/portuguese"
import { Schema } from "effect"

/** The languages that a query may be in; what is searched may be in any of them at once. */
export const Language = Schema.Literals(["en", "fr", "de", "es", "it", "pt", "nl", "ja", "zh"])
export type Language = typeof Language.Type

/** Japanese and Chinese are looked for by characters that stand together, since no spaces part their words. */
const itself = (word: string): string => word

const stemmers: Readonly<Record<Language, (word: string) => string>> = {
  en,
  fr,
  de,
  es,
  it,
  pt,
  nl,
  ja: itself,
  zh: itself
}

/** What a word has in common with its other forms in a language; codes and numbers are their own. */
export const stem = (language: Language, word: string): string => (/\d/.test(word) ? word : stemmers[language](word))
