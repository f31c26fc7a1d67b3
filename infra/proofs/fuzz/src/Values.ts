import { reasonMax } from "@halles/shared/Command"
import * as fc from "fast-check"
import type { JsonSchema } from "./Contract.ts"

/** Something that the edge has told before, chosen when the request is sent; `otherwise` while it has told none. */
export class Known {
  readonly name: string
  readonly pick: number
  readonly otherwise: unknown
  /** Whose own ones are preferred. */
  readonly route: string
  constructor(name: string, pick: number, otherwise: unknown, route = "") {
    this.name = name
    this.pick = pick
    this.otherwise = otherwise
    this.route = route
  }
}

const depthMax = 6
const arrayMax = 4

/** Members that every object of JavaScript has, or is asked for: as a key, an id or a code they are names like any other. */
export const memberNames = [
  ...Object.getOwnPropertyNames(Object.prototype),
  "prototype",
  "then",
  "toJSON",
  "length",
  "name"
] as const

/** As what they could be taken for in one place or the other. */
const memberTexts = memberNames.flatMap((name) => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  ...["eu_", "tok_", "whe_", "msg_"].map((prefix) => `${prefix}${name}`),
  `${name}@example.org`
])

/** What answers tell under its own name. */
export const isLearned = (name: string): boolean => /^(sku|warehouse|code|currency|partner|messageId|url)$/.test(name)

/** What a member of this name may be filled with: ids, and what else one answer gives to the next request. */
export const isKnown = (name: string): boolean =>
  isLearned(name) || /(id|Id|^skus|^from|^into|^cursor|^consistency-token)$/.test(name)

const known = (name: string, otherwise: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 3, arbitrary: fc.tuple(fc.nat(255), otherwise).map(([pick, value]) => new Known(name, pick, value)) },
    { weight: 1, arbitrary: otherwise }
  )

/** The first of these keywords that the schema has. */
export const bound = (schema: JsonSchema, ...names: ReadonlyArray<string>): number | undefined =>
  names.map((name) => schema[name]).find((value) => typeof value === "number")

const safe = Number.MAX_SAFE_INTEGER

const numbers = (schema: JsonSchema): fc.Arbitrary<number> => {
  const min = bound(schema, "minimum") ?? -safe
  const max = bound(schema, "maximum") ?? safe
  const few = [1, 2, 3].filter((value) => value >= min && value <= max)
  const edges = fc.constantFrom(min, max)
  // The bound of a number may have a fraction.
  const any = fc.integer({ min: Math.ceil(min), max: Math.floor(max) })
  return few.length === 0
    ? fc.oneof(edges, any)
    : fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...few) }, edges, any)
}

/** Signs of texts that are accepted: composed, joined, right to left, beyond the first plane; digits too few for a card's number. */
const signs = fc.constantFrom(..."aZé ø'’-.,;&<\"\\/%ßŻ例太محمד𠮷😀क१٣7", "👩‍👧", "नि", "\u200c")
const signsOf = (minLength: number, maxLength: number, unit: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.constantFrom("a", "Ż", "例", "م", "😀"), fc.array(unit, { maxLength: Math.min(maxLength - 1, 60) }))
    .map(([first, rest]) => {
      let text = first
      for (const sign of rest) if ([...text, ...sign].length <= maxLength) text += sign
      return text.padEnd(minLength, "a")
    })

const label = fc.stringMatching(/^[a-zü例]{1,12}$/u)

/** What the formats of the document's own stand for. */
const formats: Readonly<Record<string, (minLength: number, maxLength: number) => fc.Arbitrary<string>>> = {
  line: (min, max) => signsOf(min, max, signs),
  paragraph: (min, max) =>
    signsOf(min, max, fc.oneof({ weight: 6, arbitrary: signs }, fc.constantFrom("\n", "\r\n", "\t"))),
  copy: (min, max) => signsOf(min, max, fc.oneof({ weight: 6, arbitrary: signs }, fc.constantFrom("\n", "\r\n", "\t"))),
  "percent-encoded-paragraph": () =>
    signsOf(1, reasonMax, fc.oneof({ weight: 6, arbitrary: signs }, fc.constantFrom("\n", "\t"))).map(
      encodeURIComponent
    ),
  "idn-email": () =>
    fc.tuple(fc.stringMatching(/^[a-z0-9+é用]{1,16}$/u), label).map(([name, host]) => `${name}@${host}.example`),
  "iso-3166-1-alpha-2": () => fc.constantFrom("GB", "DE", "FR", "US", "BR", "HK", "SG", "JP", "IE", "AE")
}

const strings = (schema: JsonSchema): fc.Arbitrary<string> => {
  const pattern = new RegExp(String(schema["pattern"] ?? ""), "u")
  const max = bound(schema, "maxLength") ?? Number.POSITIVE_INFINITY
  const names = memberTexts.filter(
    (text) => pattern.test(text) && text.length <= max && text.length >= (bound(schema, "minLength") ?? 0)
  )
  const free = schema["format"] === undefined || schema["format"] === "line" || schema["format"] === "copy"
  const named = schema["format"] === "idn-email" ? names.filter((text) => text.includes("@")) : free ? names : []
  return named.length === 0
    ? written(schema)
    : fc.oneof({ weight: 9, arbitrary: written(schema) }, fc.constantFrom(...named))
}

const written = (schema: JsonSchema): fc.Arbitrary<string> => {
  const minLength = bound(schema, "minLength") ?? 0
  const maxLength = Math.min(bound(schema, "maxLength") ?? minLength + 40, minLength + 200)
  const fits = (text: string) => {
    return text.length >= minLength && text.length <= (bound(schema, "maxLength") ?? Number.POSITIVE_INFINITY)
  }
  const pattern = schema["pattern"] as string | undefined
  const format = formats[String(schema["format"])]
  if (format !== undefined) return format(minLength, bound(schema, "maxLength") ?? maxLength)
  // Whatever may be stored: no NUL and no half of a surrogate pair.
  if (pattern === undefined || pattern.startsWith("^[^\\0")) {
    return fc
      .string({ unit: "binary", minLength, maxLength })
      .map((text) => text.replaceAll("\0", "0").toWellFormed())
      .filter(fits)
  }
  return fc.stringMatching(new RegExp(pattern, "u")).filter(fits)
}

/** A schema with what it refers to, and its parts in one. */
export const merged = (schema: JsonSchema, resolve: (schema: JsonSchema) => JsonSchema): JsonSchema => {
  const given = resolve(schema)
  const parts = given["allOf"] as ReadonlyArray<JsonSchema> | undefined
  if (parts === undefined) return given
  const { allOf: _, ...own } = given
  // Alternatives within an object narrow what it may be; members are made so that they fit all of them.
  const more = parts.map(resolve).filter((part) => !("anyOf" in part && "properties" in own))
  return merged(Object.assign({}, own, ...more), resolve)
}

/** Values that a schema allows, with a liking for its examples, for small numbers and for what the edge has told before. */
export const valuesOf = (
  schema: JsonSchema,
  resolve: (schema: JsonSchema) => JsonSchema,
  name = "",
  depth = 0
): fc.Arbitrary<unknown> => {
  const given = merged(schema, resolve)
  const inner = (part: unknown, name = "") => valuesOf(part as JsonSchema, resolve, name, depth + 1)
  if ("const" in given) return fc.constant(given["const"])
  if (given["enum"] !== undefined) return fc.constantFrom(...(given["enum"] as ReadonlyArray<unknown>))
  const options = (given["anyOf"] ?? given["oneOf"]) as ReadonlyArray<JsonSchema> | undefined
  if (options !== undefined) return fc.oneof(...options.map((option) => inner(option, name)))
  const examples = given["examples"] as ReadonlyArray<unknown> | undefined
  const liked = (values: fc.Arbitrary<unknown>) =>
    examples === undefined ? values : fc.oneof({ weight: 1, arbitrary: fc.constantFrom(...examples) }, values)
  switch (given["type"]) {
    case "object": {
      const properties = (given["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>
      const stated = (given["required"] ?? []) as ReadonlyArray<string>
      // Which of these an address needs depends on its country.
      const required = "country" in properties ? [...stated, "city", "postalCode"] : stated
      const members = Object.fromEntries(
        Object.entries(properties)
          .filter(([key]) => depth < depthMax || required.includes(key))
          .map(([key, property]) => [key, inner(property, key)])
      )
      const record = fc.record(members, {
        requiredKeys: required.filter((key) => key in members),
        noNullPrototype: true
      })
      const patterns = Object.entries((given["patternProperties"] ?? {}) as Readonly<Record<string, JsonSchema>>)[0]
      const rest = given["additionalProperties"]
      const open = patterns?.[1] ?? (typeof rest === "object" && rest !== null ? (rest as JsonSchema) : undefined)
      if (open === undefined) return record
      const names = given["propertyNames"] as JsonSchema | undefined
      const key = strings(
        names ?? (patterns === undefined ? { minLength: 1, maxLength: 12 } : { pattern: patterns[0] })
      )
      const others = fc.dictionary(key, inner(open), { maxKeys: 3, noNullPrototype: true })
      return fc.tuple(record, others).map(([own, more]) => ({ ...more, ...own }))
    }
    case "array":
      return given["items"] === undefined || given["items"] === false
        ? fc.constant([])
        : fc.array(inner(given["items"], name), {
            minLength: bound(given, "minItems") ?? 0,
            maxLength: Math.min(bound(given, "maxItems") ?? arrayMax, Math.max(arrayMax, bound(given, "minItems") ?? 0))
          })
    case "integer":
    case "number":
      return numbers(given)
    case "boolean":
      return fc.boolean()
    case "null":
      return fc.constant(null)
    case "string":
      return isKnown(name) ? known(name, liked(strings(given))) : liked(strings(given))
    default:
      return fc.jsonValue({ maxDepth: 2 })
  }
}

/** What clients send that mean harm, or whose programmer was tired. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    -1,
    0,
    1.5,
    1e308,
    -1e308,
    Number.MAX_SAFE_INTEGER,
    2 ** 53,
    "",
    " ",
    ".",
    "..",
    "null",
    "NaN",
    "-1",
    "0",
    "1e999",
    "99999999999999999999",
    ...memberNames,
    "eu_",
    "zz_0000",
    "eu_../../etc/passwd",
    "' OR '1'='1",
    "'; DROP TABLE journal; --",
    "${jndi:ldap://127.0.0.1/a}",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "../../../../etc/passwd",
    "\u0000",
    "\ud800",
    "\u202e\u200b",
    "%00",
    "%2e%2e%2f",
    "\r\nx-injected: 1",
    "halles.eu.event.>",
    "*",
    [],
    {},
    [[[[[[]]]]]],
    { __proto__: null, constructor: 1 }
  ),
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.integer({ min: 1, max: 20_000 }).map((length) => "a".repeat(length)),
  fc.double(),
  fc.jsonValue({ maxDepth: 3 })
)
