import { Currency } from "../Money.ts"
import { Schema, SchemaTransformation } from "effect"
import { named } from "./Named.ts"

/** Whole minor units as decimal digits: `"1995"`. A string, since JSON numbers lose digits in many clients. */
const minor = (pattern: RegExp) =>
  Schema.String.check(Schema.isPattern(pattern, { expected: "whole minor units as digits: 19.95 is 1995" }))
    .annotate({ examples: ["1995"] })
    .pipe(Schema.decodeTo(Schema.Int, SchemaTransformation.transform({ decode: Number, encode: String })))

/** `|amount| <= 2^53 - 1`, so that a number holds it exactly. */
export const MinorFromString = minor(/^(0|-?[1-9][0-9]{0,15})$/u)

/** `{"amount":"1995","currency":"GBP"}` is 19.95 pounds. */
export const Money = Schema.Struct({ amount: MinorFromString, currency: Currency })
  .annotate({ description: "An amount in minor units of an ISO 4217 currency, the amount as a string of digits." })
  .pipe(named("Money", { amount: "1995", currency: "GBP" }))
export type Money = typeof Money.Type

/** A price that a client states: zero or more, of at most fifteen digits, every one of which a number holds exactly. */
export const Price = Schema.Struct({ amount: minor(/^(0|[1-9][0-9]{0,14})$/u), currency: Currency }).pipe(
  named("Price", { amount: "495", currency: "GBP" })
)

/** As `Price`, but a discount is negative. */
export const StatedMoney = Schema.Struct({
  amount: minor(/^(0|-?[1-9][0-9]{0,14})$/u),
  currency: Currency
}).pipe(named("StatedMoney", { amount: "395", currency: "GBP" }))

/** The encoded form, for bodies that are written without a second pass through the schema. */
export const money = (amount: number, currency: Currency): typeof Money.Encoded => ({
  amount: String(amount),
  currency
})
