import { Schema } from "effect"
import { storable } from "./Text.ts"

const text = (max: number) => Schema.String.check(storable, Schema.isMinLength(1), Schema.isMaxLength(max))

/** A postal address; `country` is an ISO 3166-1 alpha-2 code. */
export const Address = Schema.Struct({
  name: text(120),
  line1: text(200),
  line2: Schema.optionalKey(text(200)),
  city: text(120),
  postalCode: text(20),
  region: Schema.optionalKey(text(80)),
  country: Schema.String.check(Schema.isPattern(/^[A-Z]{2}$/u)).annotate({ examples: ["GB"] })
})
export type Address = typeof Address.Type

/** Syntax only, by the rule of HTML's `input type=email`; that mail arrives is proved by sending some. */
export const Email = Schema.String.check(
  Schema.isMaxLength(254),
  Schema.isPattern(
    /^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+$/u
  )
).annotate({ examples: ["ada@example.com"] })
