import { SkuCode, skuId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { changes, looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { Money, Price } from "@halles/shared/wire/MoneyJson"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Schema } from "effect"
import * as Routes from "../routes/Routes.ts"
import { UnitCost, UnitCostView } from "./UnitCost.ts"

const said = { cost: { amount: "210", currency: "GBP" } }

/** A unit cost as the edge answers it. */
const UnitCostJson = ViewJson.object<UnitCostView>()(
  "UnitCost",
  { ...UnitCostView.fields, cost: Money },
  { sample: { region: "eu", sku: "TEA-01", ...said, removed: false, seq: 1 } }
)

const one = {
  contract: UnitCost,
  json: UnitCostJson,
  params: { sku: SkuCode },
  query: { region: Region },
  id: ({
    params,
    query
  }: {
    readonly params: { readonly sku: SkuCode }
    readonly query: { readonly region: Region }
  }) => skuId(query.region, params.sku)
}
const change = { ...one, access: { ...changes, ...ofCatalogue }, authored: true } as const

export const UnitCostApi = Routes.group(
  "unitCosts",
  {
    title: "Unit costs",
    about: "What products cost the merchant. Only merchants see it; searches rank by what is left of the price."
  },
  [
    Routes.query("getUnitCost", "/products/:sku/cost", {
      ...one,
      access: { ...looks, ...ofCatalogue },
      summary: "What a unit of a product costs the merchant",
      about: "With `If-None-Match`, a version that you have already is answered with 304."
    }),
    Routes.command("putUnitCost", "PUT", "/products/:sku/cost", {
      ...change,
      summary: "State what a unit of a product costs the merchant",
      about:
        'Before tax. Searches move products up of whose price more is left, where both are in one currency. Needs the `ETag` of the cost that it replaces, or `"0"` for the first one.',
      example: said,
      message: "PutUnitCost",
      payload: Schema.Struct({ cost: Price }),
      version: "required"
    }),
    Routes.command("removeUnitCost", "DELETE", "/products/:sku/cost", {
      ...change,
      summary: "Forget what a unit of a product costs",
      about: "The margin of the product counts in no ranking any more.",
      message: "RemoveUnitCost"
    })
  ]
)
