import { Schema, SchemaAST } from "effect"
import type { Currency } from "../Money.ts"
import { money } from "./MoneyJson.ts"
import { named } from "./Named.ts"

/** Members of the JSON form, made of the view: those that it does not have under their name, and any other. */
type Derived<View, Fields> = { readonly [K in Exclude<keyof Fields, keyof View>]: (view: View) => unknown } & {
  readonly [K in keyof Fields]?: (view: View) => unknown
}
type From<View, Fields> = [Exclude<keyof Fields, keyof View>] extends [never]
  ? { readonly from?: Derived<View, Fields> }
  : { readonly from: Derived<View, Fields> }

/** How a view, or a part of one, looks to clients: its members as schemas. `encoder` makes one out of the other. */
export const object =
  <View>() =>
  <const Fields extends Schema.Struct.Fields>(
    identifier: string,
    fields: Fields,
    { from, sample }: { readonly sample?: unknown } & From<View, Fields>
  ) => {
    const struct = Schema.Struct(fields).annotate({ identifier, derived: from ?? {} })
    return sample === undefined ? struct : struct.pipe(named(identifier, sample))
  }

type Members = Readonly<Record<string, unknown>>
type Encode = (value: unknown, currency: Currency) => unknown

/** Of minor units, or of an amount with a currency of its own. */
const encodeMoney: Encode = (value, currency) => {
  if (typeof value === "number") return money(value, currency)
  const own = value as { readonly amount: number; readonly currency: Currency }
  return money(own.amount, own.currency)
}

/** `null` where a value is its own JSON form. */
const compile = (ast: SchemaAST.AST): Encode | null => {
  if (ast.annotations?.["identifier"] === "Money") return encodeMoney
  if (ast._tag === "Arrays") {
    const item = ast.rest[0] === undefined ? null : compile(ast.rest[0])
    return item === null
      ? null
      : (value, currency) => (value as ReadonlyArray<unknown>).map((one) => item(one, currency))
  }
  if (ast._tag === "Union") {
    const made = ast.types.map(compile).filter((encode) => encode !== null)
    if (made.length > 1) throw new Error("Of alternatives with money in them an encoder cannot tell which one it has")
    return made[0] ?? null
  }
  if (ast._tag !== "Objects") return null
  const derived = (ast.annotations?.["derived"] ?? {}) as Readonly<Record<string, (value: unknown) => unknown>>
  const members = ast.propertySignatures.map(({ name, type }) => {
    const key = String(name)
    return { key, derive: derived[key], encode: compile(type) }
  })
  if (members.every(({ derive, encode }) => derive === undefined && encode === null)) return null
  return (value, currency) => {
    const own = value as Members
    const inside = (own["currency"] ?? currency) as Currency
    const json: Record<string, unknown> = {}
    for (const { derive, encode, key } of members) {
      const member = derive === undefined ? own[key] : derive(value)
      if (member !== undefined) json[key] = encode === null || member === null ? member : encode(member, inside)
    }
    return json
  }
}

/**
 * Puts views on the wire, without a second pass through their schema: `Money` is made of minor units and the currency of the
 * innermost value round them that has one.
 */
export const encoder = <S extends Schema.Top>(schema: S): ((view: object) => S["Encoded"] & object) => {
  const encode = compile(schema.ast)
  // Every view with money has a currency.
  return (encode === null ? (view: object) => view : (view: object) => encode(view, "EUR")) as (
    view: object
  ) => S["Encoded"] & object
}
