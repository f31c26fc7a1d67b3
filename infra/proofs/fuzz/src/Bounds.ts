import { bounds } from "@halles/shared/listener/HttpListener"
import { headersMax, targetBytesMax } from "@halles/shared/listener/RequestForm"
import { depthMax } from "@halles/shared/JsonText"
import * as fc from "fast-check"
import type { JsonSchema, Media, Parameter } from "./Contract.ts"
import { bound, merged, valuesOf } from "./Values.ts"

/** What a request may have at the most, as the table in docs/limits.md says. */
export const limits = {
  /** Of a body that is read as a whole; imports are read row by row. */
  bodyBytes: 256 * 1_024,
  rowBytes: 65_536,
  headBytes: bounds.headBytes,
  headers: headersMax,
  targetBytes: targetBytesMax,
  levels: depthMax
} as const

/** Just below a bound, at it, just above it, and well above it. */
export const around = (bound: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(bound - 1, bound, bound + 1) },
    fc.constantFrom(2 * bound, 4 * bound)
  )

/**
 * Of one to four bytes, of two characters of JSON, of more characters as sent than as kept (a letter and its mark) and of fewer (one
 * that Unicode takes apart), and some that show as nothing by themselves.
 */
const signs = ["a", "a", "é", "例", "😀", '"', "\\", "\n", "e\u0301", "\u0958", "\u200d", "\u00a0"] as const

/** Numbers at which other languages, databases and JSON itself change their minds, as they are written. */
const numberTexts = [
  "2147483647",
  "2147483648",
  "-2147483649",
  "4294967296",
  "9007199254740991",
  "9007199254740992",
  "9007199254740993",
  "-9007199254740993",
  "9223372036854775808",
  "-1",
  "-0",
  "0.0",
  "-0.0",
  "1.0",
  "1e0",
  "1E+2",
  "0.1",
  "1e-400",
  "1e21",
  "1e308",
  "1e999",
  "-1e999",
  `1${"0".repeat(400)}`
] as const

const mark = (text: string) => `<number ${text}>`
/** JSON, or a header, in which each number stands as it is to be sent: `1e999` is none that JavaScript could write. */
export const withNumbers = (text: string): string => text.replaceAll(/"?<number ([^<>]*)>"?/g, "$1")
const oddNumbers = fc.constantFrom(...numberTexts.map(mark))

const isCount = (count: number) => count >= 0

/** The last quantifier with two bounds. */
const quantifier = /\{(\d+),(\d+)\}(?!.*\{\d+,\d+\})/

const ofPattern = (pattern: string): fc.Arbitrary<unknown> | undefined => {
  const found = quantifier.exec(pattern)
  if (found === null) return undefined
  const [text, min, max] = [found[0], Number(found[1]), Number(found[2])]
  const counts = [min - 1, min, max - 1, max, max + 1, 4 * max].filter(isCount)
  return fc.constantFrom(...counts).chain((count) =>
    fc.stringMatching(
      new RegExp(
        pattern.replace(text, () => `{${count}}`),
        "u"
      )
    )
  )
}

/** Local part and all of it at the bounds of RFC 5321, in bytes; a domain of another script is longer in ASCII than it looks. */
const emails: fc.Arbitrary<string> = fc
  .record({
    name: fc.constantFrom(1, 63, 64, 65),
    all: fc.constantFrom(253, 254, 255, 300),
    label: fc.constantFrom(...["a", "ü", "用", "😀"].flatMap((sign) => [1, 20, 62, 63, 64].map((n) => sign.repeat(n))))
  })
  .map(({ all, label, name }) => {
    const start = `${"n".repeat(name)}@${label}.`
    const rest = "d".repeat(Math.max(1, all - start.length - 8)).match(/.{1,63}/g) ?? []
    return `${start}${rest.join(".")}.example`
  })

const ofText = (schema: JsonSchema): fc.Arbitrary<unknown> => {
  const pattern = schema["pattern"] as string | undefined
  if (schema["format"] === "idn-email") return emails
  const minLength = bound(schema, "minLength") ?? 0
  const maxLength = bound(schema, "maxLength")
  const byPattern = pattern === undefined || maxLength !== undefined ? undefined : ofPattern(pattern)
  if (byPattern !== undefined) return byPattern
  const max = maxLength ?? 1_000
  const counts = [minLength - 1, minLength, max - 1, max, max + 1, 2 * max, 4 * max, 4 * max + 1].filter(isCount)
  return fc
    .record({ count: fc.constantFrom(...counts), sign: fc.constantFrom(...signs), first: fc.constantFrom("", "", "a") })
    .map(({ count, first, sign }) => first + sign.repeat(Math.max(0, count - first.length)))
}

/** As many as that, of few different ones. */
const repeated = (values: fc.Arbitrary<unknown>, counts: ReadonlyArray<number>): fc.Arbitrary<ReadonlyArray<unknown>> =>
  fc
    .record({
      some: fc.array(values, { minLength: 1, maxLength: 5 }),
      count: fc.constantFrom(...counts.filter(isCount))
    })
    .map(({ count, some }) => Array.from({ length: count }, (_, at) => some[at % some.length]))

/** Values at every bound that a schema has, and just beyond it. */
const valuesAt = (schema: JsonSchema, resolve: Resolve): fc.Arbitrary<unknown> | undefined => {
  switch (schema["type"]) {
    case "string":
      return schema["enum"] === undefined ? ofText(schema) : undefined
    case "integer":
    case "number": {
      const bounds = ["minimum", "maximum"].flatMap((name) => bound(schema, name) ?? [])
      const near = bounds.flatMap((bound) => [bound - 1, bound, bound + 1].map((value) => mark(String(value))))
      return near.length === 0 ? oddNumbers : fc.oneof(fc.constantFrom(...near), oddNumbers)
    }
    case "array": {
      const max = bound(schema, "maxItems")
      const min = bound(schema, "minItems") ?? 0
      const items = valuesOf(schema["items"] as JsonSchema, resolve)
      return repeated(items, [min - 1, min, ...(max === undefined ? [1_000] : [max - 1, max, max + 1, 4 * max])])
    }
    case "object": {
      const max = bound(schema, "maxProperties")
      const inner = Object.values((schema["patternProperties"] ?? {}) as Readonly<Record<string, JsonSchema>>)[0]
      if (max === undefined || inner === undefined) return undefined
      return repeated(valuesOf(inner, resolve), [max - 1, max, max + 1]).map((values) =>
        Object.fromEntries(values.map((value, at) => [`k${at}`, value]))
      )
    }
    default:
      return undefined
  }
}

type Resolve = (schema: JsonSchema) => JsonSchema

/** A place of a request that has a bound, with values to put there. */
export interface Bounded {
  /** The key of a parameter, or the way to a member of the body. */
  readonly place: string | ReadonlyArray<string | number>
  readonly values: fc.Arbitrary<unknown>
}

const levelsMax = 6

const inBody = (
  schema: JsonSchema,
  resolve: Resolve,
  place: ReadonlyArray<string | number> = []
): ReadonlyArray<Bounded> => {
  if (place.length > levelsMax) return []
  const given = merged(schema, resolve)
  const options = (given["anyOf"] ?? given["oneOf"]) as ReadonlyArray<JsonSchema> | undefined
  if (options !== undefined && given["properties"] === undefined) {
    return options.flatMap((option) => inBody(option, resolve, place))
  }
  const values = valuesAt(given, resolve)
  const members = Object.entries((given["properties"] ?? {}) as Readonly<Record<string, JsonSchema>>)
  const items = given["type"] === "array" ? inBody(given["items"] as JsonSchema, resolve, [...place, 0]) : []
  return [
    ...(values === undefined ? [] : [{ place, values }]),
    ...members.flatMap(([name, member]) => inBody(member, resolve, [...place, name])),
    ...items
  ]
}

/** Every place of a request to a route that has a bound. */
export const boundsOf = (
  parameters: ReadonlyArray<readonly [string, Parameter]>,
  body: Media | undefined,
  resolve: Resolve
): ReadonlyArray<Bounded> => [
  ...parameters.flatMap(([key, { schema }]) => {
    const values = valuesAt(resolve(schema), resolve)
    return values === undefined ? [] : [{ place: key, values }]
  }),
  ...(body === undefined || body.schema["type"] === "string" ? [] : inBody(body.schema, resolve))
]

/** The body with the value at its place, if what holds it is there. */
export const placed = (body: unknown, [name, ...rest]: ReadonlyArray<string | number>, value: unknown): unknown => {
  if (name === undefined) return value
  if (Array.isArray(body)) return body.map((item, at) => (at === name ? placed(item, rest, value) : item))
  if (typeof body !== "object" || body === null) return body
  const held = (body as Readonly<Record<string, unknown>>)[name]
  return rest.length > 0 && held === undefined ? body : { ...body, [name]: placed(held, rest, value) }
}
