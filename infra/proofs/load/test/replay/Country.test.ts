import { assert, describe, it } from "@effect/vitest"
import * as Country from "../../src/replay/Country.ts"

describe("Country", () => {
  it.each([
    ["USA", "am", "US"],
    ["Canada", "am", "CA"],
    ["Brazil", "am", "BR"],
    ["Australia", "ap", "AU"],
    ["Japan", "ap", "JP"],
    ["Singapore", "ap", "SG"],
    ["Hong Kong", "ap", "HK"],
    ["United Kingdom", "eu", "GB"],
    ["EIRE", "eu", "IE"],
    ["Czech Republic", "eu", "CZ"],
    ["Channel Islands", "eu", "JE"],
    ["RSA", "eu", "ZA"],
    ["United Arab Emirates", "eu", "AE"],
    ["European Community", "eu", "GB"],
    ["Unspecified", "eu", "GB"],
    ["", "eu", "GB"]
  ] as const)("%s is served by %s and has the code %s", (country, region, code) => {
    assert.strictEqual(Country.region(country), region)
    assert.strictEqual(Country.code(country), code)
  })
})
