import { commandFields } from "@halles/shared/Command"
import { SkuCode } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Region } from "@halles/shared/Region"
import { copy, maybeCopy } from "@halles/shared/Text"
import { Schema } from "effect"
import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Details } from "./Details.ts"

/** Basis points: 2000 is 20 %. */
export const TaxRate = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))
export const Title = copy(300)

/** What the shop asks for one unit, before tax. */
export const Price = Schema.Struct({ amount: Amount, currency: Currency, taxRate: TaxRate })
export type Price = typeof Price.Type

/** States what the product is from now on; the same listing again writes nothing. */
export class ListProduct extends Schema.TaggedClass<ListProduct>()("ListProduct", {
  ...commandFields,
  sku: SkuCode,
  title: Title,
  description: maybeCopy(4_000),
  price: Price
}) {}

/** Takes the product off sale; carts that hold it can no longer be checked out. */
export class Unlist extends Schema.TaggedClass<Unlist>()("Unlist", commandFields) {}

/** States what is known of the product beside its listing; the same again writes nothing. */
export class DescribeProduct extends Schema.TaggedClass<DescribeProduct>()("DescribeProduct", {
  ...commandFields,
  ...Details.fields
}) {}

export class ProductView extends Schema.Class<ProductView>("ProductView")({
  sku: SkuCode,
  region: Region,
  title: Title,
  description: Schema.String,
  price: Price,
  listed: Schema.Boolean,
  ...Details.fields,
  seq: Schema.Int
}) {}

export const Product = Contract.make("Product", [
  Contract.command(ListProduct, ProductView, PreconditionFailed),
  Contract.command(Unlist, ProductView, NotFound, PreconditionFailed),
  Contract.command(DescribeProduct, ProductView, NotFound, ContentRefused, PreconditionFailed),
  Contract.view(ProductView)
])
