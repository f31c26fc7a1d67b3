import { Schema, SchemaTransformation } from "effect"
import * as Countries from "./Countries.ts"
import { line, maybeLine, PersonName } from "./Text.ts"

const Country = Schema.String.check(
  Schema.makeFilter(
    (code) => {
      if (Countries.isCountry(code)) return true
      const meant = Countries.meant(code)
      return `Expected a code of ISO 3166-1 alpha-2${meant === undefined ? "" : `: ${meant}`}`
    },
    {
      expected: "a code of ISO 3166-1 alpha-2",
      toJsonSchema: () => ({ pattern: "^[A-Z]{2}$", format: "iso-3166-1-alpha-2" }),
      arbitraryConstraint: { patterns: [{ source: "^(GB|DE|HK|IE|JP)$", flags: "" }] }
    }
  )
).annotate({ examples: ["GB"] })

interface Places {
  readonly country: string
  readonly city?: string
  readonly postalCode?: string
}

const complete = Schema.makeFilter(({ city, country, postalCode }: Places) => [
  ...(city === undefined && Countries.requiresCity(country)
    ? [{ path: ["city"], issue: `Expected a city, as addresses in ${country} have one` }]
    : []),
  ...(postalCode === undefined && Countries.requiresPostalCode(country)
    ? [{ path: ["postalCode"], issue: `Expected a postal code, as addresses in ${country} have one` }]
    : [])
])

const required = { name: PersonName, line1: line(200), country: Country }
const optionalMax = { line2: 200, city: 120, postalCode: 20, region: 80 } as const

const some = { pattern: "\\S" }
/** For the document; `complete` holds addresses to it, field by field. */
const documented = Schema.makeFilter(() => true, {
  toJsonSchema: () => ({
    allOf: [
      {
        anyOf: [
          { properties: { country: { not: { enum: [...Countries.postalCodeRequired] } } } },
          { required: ["postalCode"], properties: { postalCode: some } }
        ]
      },
      {
        anyOf: [
          { properties: { country: { enum: [...Countries.cityOptional] } } },
          { required: ["city"], properties: { city: some } }
        ]
      }
    ]
  })
})

const Sent = Schema.Struct({
  ...required,
  line2: Schema.optionalKey(maybeLine(optionalMax.line2)),
  city: Schema.optionalKey(maybeLine(optionalMax.city)),
  postalCode: Schema.optionalKey(maybeLine(optionalMax.postalCode)),
  region: Schema.optionalKey(maybeLine(optionalMax.region))
})
  .check(documented)
  .annotate({ identifier: "Address" })

const Kept = Schema.toType(
  Schema.Struct({
    ...required,
    line2: Schema.optionalKey(line(optionalMax.line2)),
    city: Schema.optionalKey(line(optionalMax.city)),
    postalCode: Schema.optionalKey(line(optionalMax.postalCode)),
    region: Schema.optionalKey(line(optionalMax.region))
  })
).check(complete)

const withoutBlanks = ({ city, line2, postalCode, region, ...address }: typeof Sent.Type): typeof Kept.Type => ({
  ...address,
  ...(line2 === undefined || line2 === "" ? {} : { line2 }),
  ...(city === undefined || city === "" ? {} : { city }),
  ...(postalCode === undefined || postalCode === "" ? {} : { postalCode }),
  ...(region === undefined || region === "" ? {} : { region })
})

/**
 * A postal address. City and postal code are asked for where the country's post wants them, and a field that is left empty is not
 * there. A region (state, province, county) is never asked for: who wants it has it from the postal code.
 */
export const Address = Sent.pipe(
  Schema.decodeTo(Kept, SchemaTransformation.transform({ decode: withoutBlanks, encode: (address) => address }))
)
export type Address = typeof Address.Type
