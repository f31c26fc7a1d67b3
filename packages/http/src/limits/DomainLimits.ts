import { historyBytesMax, historyMax } from "@halles/engine/journal/JournalStore"
import * as Cart from "@halles/entities/cart/Cart"
import * as Details from "@halles/entities/catalogue/Details"
import * as History from "@halles/entities/history/History"
import * as Parts from "@halles/entities/catalogue/Parts"
import * as Product from "@halles/entities/catalogue/Product"
import * as CategoryTree from "@halles/entities/category/CategoryTree"
import * as ProductModel from "@halles/entities/productmodel/ProductModel"
import * as Attributes from "@halles/entities/producttype/Attributes"
import { attributesMax, optionsMax } from "@halles/entities/producttype/Declaration"
import { everDeclaredMax } from "@halles/entities/producttype/ProductType"
import * as Content from "@halles/entities/media/MediaContent"
import { usesMax } from "@halles/entities/media/Media"
import { plainBytesMax } from "@halles/entities/media/MediaProcess"
import { declaredMaxMs, unusedMaxMs } from "@halles/entities/media/MediaState"
import { madeSideMax } from "@halles/entities/media/MediaUrl"
import * as Sale from "@halles/entities/sale/Sale"
import { domains } from "@halles/entities/Domains"
import { levelsMax } from "@halles/entities/inspector/MaskedViews"
import * as SearchRule from "@halles/entities/searchrule/SearchRule"
import * as Sku from "@halles/entities/inventory/Sku"
import { portionMax } from "@halles/entities/inventory/SkuExpiry"
import * as Order from "@halles/entities/order/Order"
import * as Payment from "@halles/entities/payment/Payment"
import { noticesMax } from "@halles/entities/payment/PaymentEvents"
import { membersMax } from "@halles/entities/release/Release"
import { reasonMax } from "@halles/shared/Command"
import { checkoutsMax } from "@halles/shared/Ids"
import { bytes, characters, count, time } from "./Figures.ts"

const archived = domains.flatMap(({ retention: { archiveAfterDays }, type }) =>
  archiveAfterDays === null ? [] : [`${type} ${count(archiveAfterDays)} days`]
)

export const domainLimits = `## Carts, orders, stock

| what | bound | at the bound |
| --- | --- | --- |
| lines of a cart | ${count(Sale.linesMax)} | \`CartFull\`, 422 |
| charges of a cart | ${count(Sale.chargesMax)} | \`CartFull\`, 422 |
| lines and charges of a cart, as JSON | ${count(Sale.bytesMax)} bytes; of one that took another over, twice | \`CartFull\` with \`bytes\`, 422; it must shrink before it is checked out or merged |
| SKUs that the lines of a cart come to, bundles counted as their parts | ${count(Sale.linesMax)} | \`CartFull\` with \`skus\`, 422 |
| lines that one command states | ${count(Cart.linesAtOnceMax)} | 400 |
| checkouts of a cart | ${count(checkoutsMax)} | \`CartFull\`, 422; another cart may take its lines over |
| returns of an order; their lines together | ${count(Order.returnsMax)}; ${count(Order.returnLinesMax)} | \`TooManyReturns\`, 422 |
| entries of a payment's ledger | ${count(Payment.entriesMax)} | refused, shown to operators |
| refunds of one return | one, and one more for each dispute, refusal or retry | refused, shown to operators |
| chargebacks, and reversals, of one payment | ${count(noticesMax)} each | noted as contradictions |
| orders that one SKU holds or has reserved units for | ${count(Sku.promisesMax)} | refused as if there were no stock |
| a hold | ${time(Sku.holdTtlMs)} | an order that is not paid for is given up; what another one still needs becomes a reservation |
| warehouses of one SKU | ${count(Sku.warehousesMax)} | refused |
| holds whose orders were asked, back orders that are filled, in one row | ${characters(portionMax)} each | the next portion follows at once, by the timer |
| a picture that is uploaded | ${bytes(Content.kinds["image/jpeg"].bytesMax)}; ${count(Content.pixelsMax)} pixels, all frames together; ${count(Content.sideMax)} on a side; ${count(Content.framesMax)} frames | \`MediaUnfit\`, 422, before anything is decoded |
| a document, a video | ${bytes(Content.kinds["application/pdf"].bytesMax)}, ${bytes(Content.kinds["video/mp4"].bytesMax)} | \`MediaUnfit\`, 422 |
| a plain upload | ${bytes(plainBytesMax)} | \`MediaUnfit\`, 422 |
| a side of what is made of a picture | ${count(madeSideMax)} | 400 |
| things that show one picture | ${count(usesMax)} | \`TooManyUses\`, 422 |
| a picture that nothing shows; one that was declared and does not come | ${time(unusedMaxMs)}; ${time(declaredMaxMs)} | removed |
| attributes of a product type; of all that it ever declared | ${count(attributesMax)}; ${count(everDeclaredMax)} | 400; \`AttributesUsedUp\`, 409 |
| options of a choice; those that one value names | ${count(optionsMax)}; ${count(Attributes.chosenMax)} | 400 |
| attributes of one product, as JSON | ${bytes(Attributes.attributesBytesMax)} | \`ContentRefused\`, 422 |
| languages of one text; relations of a product; categories that it names | ${count(Attributes.languagesMax)}; ${count(Details.relationsMax)}; ${count(Details.categoriesOfProductMax)} | 400 |
| parts of a bundle; units of one part in it | ${count(Parts.partsMax)}; ${count(Parts.partUnitsMax)} | 400 |
| variants of a product model; axes by which they differ | ${count(ProductModel.variantsMax)}; ${count(ProductModel.axesMax)} | 400 |
| categories of a region; below each other | ${count(CategoryTree.categoriesMax)}; ${count(CategoryTree.depthMax)} | \`CategoryTreeFull\`, 409 |
| search rules of a region | ${count(SearchRule.rulesMax)} | \`TooManySearchRules\`, 409 |
| terms of a search rule; its queries; products that it pins; those that it boosts | ${count(SearchRule.termsMax)}; ${count(SearchRule.queriesMax)}; ${count(SearchRule.pinsMax)}; ${count(SearchRule.boostedMax)} | 400 |
| changes of a product that wait for their time; for how long | ${count(Product.scheduledMax)}; ${time(Product.aheadMsMax)} | \`TooManyChanges\`, 409; \`ContentRefused\`, 422 |
| products of a release; for how long it waits | ${count(membersMax)}; ${time(Product.aheadMsMax)} | 400; \`ContentRefused\`, 422 |
| reason of a change | ${count(reasonMax)} characters | 400 |
| reads of a journal for one look at a history; bytes of a page of it | ${count(History.readsMax)}, each of ${count(historyMax)} rows or ${bytes(historyBytesMax)}; ${bytes(History.pageBytesMax)} | \`HistoryTooLong\`, 422; the rest on the next page |
| history in \`journal\` after its newest row | ${archived.join(", ")} | moves to the archive |
| levels of JSON that masked views show | ${count(levelsMax)} | hidden |
`
