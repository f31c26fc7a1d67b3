import type { Region } from "@halles/shared/Region"

const americas = new Set(["USA", "Canada", "Brazil"])
const asiaPacific = new Set(["Australia", "Japan", "Singapore", "Hong Kong"])

/** The region that sells to a country, named as the invoices name it. */
export const region = (country: string): Region => {
  if (americas.has(country)) return "am"
  return asiaPacific.has(country) ? "ap" : "eu"
}

/** Names that the invoices use and CLDR does not; Jersey stands for the Channel Islands, which have no code of their own. */
const aliases: ReadonlyArray<readonly [string, string]> = [
  ["Channel Islands", "JE"],
  ["Czech Republic", "CZ"],
  ["EIRE", "IE"],
  ["Hong Kong", "HK"],
  ["Korea", "KR"],
  ["RSA", "ZA"],
  ["UK", "GB"],
  ["USA", "US"]
]

const letters = Array.from({ length: 26 }, (_, index) => String.fromCharCode(65 + index))

/** Retired codes have names too: `UK` and `DD` are written `GB` and `DE` now. */
const isCurrent = (code: string): boolean => new Intl.Locale(`und-${code}`).region === code

/** English country names to their ISO 3166-1 alpha-2 codes, from the CLDR that Node carries. */
const codes: ReadonlyMap<string, string> = (() => {
  const names = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" })
  const known = letters.flatMap((first) =>
    letters.flatMap((second): ReadonlyArray<readonly [string, string]> => {
      const name = names.of(first + second)
      return name === undefined || !isCurrent(first + second) ? [] : [[name, first + second]]
    })
  )
  return new Map([...known, ...aliases])
})()

/** The alpha-2 code of a country; the shop's own, `GB`, for one that is unspecified or none (`European Community`). */
export const code = (country: string): string => {
  const found = codes.get(country)
  return found === undefined || ["EU", "EZ", "UN", "ZZ"].includes(found) ? "GB" : found
}
