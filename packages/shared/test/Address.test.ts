import { assert, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import { Address } from "../src/Address.ts"
import * as Countries from "../src/Countries.ts"

const decode = Schema.decodeUnknownResult(Address, { errors: "all" })
const street = { name: "Ada Example", line1: "12 Example Road" }
const faults = (address: object) =>
  Result.match(decode(address), { onFailure: (error) => error.message, onSuccess: () => "" })

it.each([
  ["HK", { city: "Kowloon" }],
  ["HK", { region: "Kowloon" }],
  ["AE", { city: "Dubai" }],
  ["QA", { city: "Doha" }],
  ["IE", { city: "Dublin" }],
  ["IE", { city: "Dublin", postalCode: "D02 AF30" }],
  ["PA", { city: "Panamá" }],
  ["SG", { postalCode: "546080" }],
  ["KR", { city: "서울", postalCode: "03187" }],
  ["DE", { city: "Köln", postalCode: "50667" }],
  ["US", { city: "Springfield", postalCode: "62701" }]
])("an address in %s has what its post wants: %j", (country, places) => {
  assert.strictEqual(faults({ ...street, country, ...places }), "")
})

it.each([
  ["GB", { city: "London" }, "postalCode"],
  ["GB", { city: "London", postalCode: "" }, "postalCode"],
  ["GB", { city: "London", postalCode: "  " }, "postalCode"],
  ["DE", { postalCode: "50667" }, "city"],
  ["SG", {}, "postalCode"],
  ["AE", {}, "city"]
])("an address in %s lacks something: %j", (country, places, field) => {
  assert.include(faults({ ...street, country, ...places }), `["${field}"]`)
})

it("what is left empty is not there", () => {
  const given = { ...street, line2: " ", city: "Kowloon", postalCode: "", region: "", country: "HK" }
  assert.deepStrictEqual(Result.getOrThrow(decode(given)), { ...street, city: "Kowloon", country: "HK" })
})

it.each(["ZZ", "XX", "AA", "EU", "XK", "gb", "GBR", "", "G", "__"])("%s is no country", (country) => {
  assert.include(faults({ ...street, city: "London", postalCode: "N1 1AA", country }), "ISO 3166-1")
})

it.each([
  ["UK", "GB"],
  ["EL", "GR"],
  ["gb", "GB"]
])("who writes %s is told of %s", (country, meant) => {
  assert.include(faults({ ...street, city: "London", postalCode: "N1 1AA", country }), `: ${meant}`)
})

it("countries are those that are assigned", () => {
  const all = Array.from({ length: 676 }, (_, index) =>
    String.fromCharCode(65 + Math.floor(index / 26), 65 + (index % 26))
  )
  assert.lengthOf(all.filter(Countries.isCountry), 249)
})

it.each(["name", "line1", "line2", "city", "postalCode", "region"])("a card's number is no %s", (field) => {
  const address = { ...street, city: "London", postalCode: "N1 1AA", country: "GB", [field]: "4111 1111 1111 1111" }
  assert.include(faults(address), "card number")
})

it.prop("an address is the same after the wire", [Address], ([address]) => {
  const again = Schema.decodeUnknownOption(Address)(JSON.parse(JSON.stringify(Schema.encodeSync(Address)(address))))
  assert.deepStrictEqual(again, Option.some(address))
})
