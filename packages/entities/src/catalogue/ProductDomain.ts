import { SkuId } from "@halles/shared/Ids"
import * as Domain from "../Domain.ts"
import { ProductApi } from "./ProductApi.ts"
import { Product } from "./Product.ts"
import { products } from "./ProductLaws.ts"
import { ProductLive } from "./ProductLive.ts"
import * as ProductState from "./ProductState.ts"
import { ProductTable } from "./ProductTable.ts"

export const product = Domain.make({
  contract: Product,
  id: SkuId,
  model: ProductState,
  live: ProductLive,
  table: ProductTable,
  routes: ProductApi,
  laws: products,
  retention: { archiveAfterDays: null, dropAfterDays: null, reason: "lives as long as it is sold" },
  notifies: {
    ProductListed: "product.listed",
    ProductDescribed: "product.described",
    ProductUnlisted: "product.unlisted",
    ProductNamed: "product.named",
    ProductTranslated: "product.translated"
  },
  // A slug is claimed before a product is named by it.
  anytime: ["ListProduct", "Unlist", "DescribeProduct", "TranslateProduct", "ScheduleChange", "WithdrawChange"]
})
