import type { CommandId, SkuCode } from "@halles/shared/Ids"
import { skuId } from "@halles/shared/Ids"
import type { Region } from "@halles/shared/Region"
import type { Origin } from "@halles/shared/Command"
import { Effect, Equal, Result, Schema } from "effect"
import { declaring } from "../catalogue/AsDeclared.ts"
import { claimedSlug } from "../catalogue/ClaimedSlug.ts"
import type { Details } from "../catalogue/Details.ts"
import {
  DescribeProduct,
  type Edited,
  NameProduct,
  Product,
  type ProductView,
  TranslateProduct
} from "../catalogue/Product.ts"
import { detailsOf } from "../catalogue/ProductJson.ts"
import type { Translations } from "../catalogue/Translations.ts"
import * as AttributeRules from "../producttype/AttributeRules.ts"
import type { Declaration } from "../producttype/Declaration.ts"
import { ProductTypeCode } from "../producttype/ProductType.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { Slug, slugId, type SlugText } from "../slug/Slug.ts"
import { describedBy, detailsIn, isSame, translatedBy, typeAfter } from "./DetailsPatch.ts"
import { patchOf, type ReadRow } from "./ImportRows.ts"

/** Times that a change of a product is begun anew, since somebody else changed the product meanwhile. */
const changesMax = 5
const isTypeCode = Schema.is(ProductTypeCode)
/** What a row changes of a product beside its listing, and the version that it was made for; `null` for what stays as it is. */
export interface Plan {
  /** 0: there is no product yet. */
  readonly seq: number
  /** What the product says at that version. */
  readonly before: Details
  readonly details: Details | null
  readonly translations: Translations | null
  readonly slug: SlugText | null
}
export interface Ids {
  readonly describe: CommandId
  readonly translate: CommandId
  readonly name: CommandId
}

/** Each refusal has a tag, also where its type is not known. */
interface Refused {
  readonly _tag: string
}
const known = <A, R>(asked: Effect.Effect<A, unknown, R>) => Effect.mapError(asked, (refused) => refused as Refused)

const isLate = ({ _tag }: Refused) => _tag === "PreconditionFailed"
const refusedIf = <A>(said: Result.Result<A, ContentRefused["errors"]>) =>
  Effect.mapError(Effect.fromResult(said), (errors) => new ContentRefused({ errors }))

/** Plans what the details of a row change, and changes it. */
export const makeImportDetails = Effect.gen(function* () {
  const edge = yield* Edge
  const product = yield* edge.entity(Product)
  const slug = yield* edge.entity(Slug)
  const declared = yield* declaring
  const typeOf = yield* AttributeRules.typeOf
  const claimed = yield* claimedSlug

  const editedOf = (region: Region, sku: SkuCode) =>
    edge
      .call(product(skuId(region, sku)).Edited({}))
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed<typeof Edited.Type | null>(null)))

  /** The declarations that the cells of attributes are read by. */
  const declarationsOf = Effect.fnUntraced(function* (before: Details, row: ReadRow) {
    const code = (row.cells?.size ?? 0) === 0 ? undefined : typeAfter(before, patchOf(row) ?? {})
    // Where there is no such type, a description that says something new is refused for it.
    if (!isTypeCode(code)) return []
    const type = known(typeOf(row.region, { code }))
    return yield* type.pipe(
      Effect.map(({ attributes }) => attributes),
      Effect.catchIf(
        ({ _tag }) => _tag === "ContentRefused",
        () => Effect.succeed<ReadonlyArray<Declaration>>([])
      )
    )
  })

  const slugFaults = Effect.fnUntraced(function* (region: Region, sku: SkuCode, wanted: SlugText) {
    const holder = yield* edge
      .call(slug(slugId(region, wanted)).View())
      .pipe(Effect.catchTag("NotFound", () => Effect.succeed(null)))
    if (holder !== null && holder.sku !== sku)
      return yield* ContentRefused.at("/slug", `It leads to ${holder.sku}, or did once`)
  })

  /** What the row changes, or `ContentRefused`. Values of unique attributes are claimed only with `claims`. */
  const planned = Effect.fnUntraced(function* (row: ReadRow, claims: boolean): Effect.fn.Return<Plan, Refused> {
    const { cells = new Map<string, string | null>(), region, sku } = row
    const { slug: wanted, translations: texts, ...patch } = patchOf(row) ?? {}
    const now = yield* editedOf(region, sku)
    const before = now === null ? {} : detailsIn(now.product)
    const declarations = yield* declarationsOf(before, row)
    const description = yield* refusedIf(describedBy(sku, before, patch, cells, declarations))
    const translations = texts === undefined ? null : yield* refusedIf(translatedBy(now?.translations ?? [], texts))
    const isNamed = wanted === undefined || wanted === now?.product.slug
    const details = description === null ? null : detailsOf(yield* known(declared(region, sku, description, claims)))
    if (!isNamed) yield* slugFaults(region, sku, row.slug!)
    return { seq: now?.product.seq ?? 0, before, details, translations, slug: isNamed ? null : row.slug! }
  })

  /** Changes what was planned for the version that the product has now, and says whether somebody's later word stands instead. */
  const carriedOut = Effect.fnUntraced(function* (
    row: ReadRow,
    plan: Plan,
    ids: Ids,
    origin: Origin
  ): Effect.fn.Return<boolean, Refused> {
    const { region, sku } = row
    const entity = product(skuId(region, sku))
    let expectedSeq = plan.seq
    let isOld = false
    if (plan.details !== null) {
      const command = new DescribeProduct({ commandId: ids.describe, origin, expectedSeq, ...plan.details })
      const view = yield* edge.call(entity.DescribeProduct(command))
      expectedSeq = view.seq
      isOld ||= !isSame(detailsIn(view), plan.details)
    }
    if (plan.translations !== null) {
      const { translations } = plan
      const command = new TranslateProduct({ commandId: ids.translate, origin, expectedSeq, translations })
      yield* edge.call(entity.TranslateProduct(command))
      const now = yield* editedOf(region, sku)
      isOld ||= !Equal.equals(now?.translations, translations)
    }
    if (plan.slug !== null) {
      yield* claimed({ params: { sku }, query: { region }, payload: { slug: plan.slug }, headers: {} })
      const command = new NameProduct({ commandId: ids.name, origin, slug: plan.slug })
      isOld ||= (yield* edge.call(entity.NameProduct(command))).slug !== plan.slug
    }
    return isOld
  })

  /** Carries out the plan for what the product is once it is listed; where it says something else by then, a new plan. */
  const changed = (row: ReadRow, plan: Plan, listed: ProductView, ids: Ids, origin: Origin) => {
    const again = Effect.flatMap(planned(row, true), (now) => carriedOut(row, now, ids, origin))
    const { seq } = listed
    // The listing is one version more. Somebody's translations may be as well, and are not in the view.
    const isNext = seq === plan.seq + 1 && plan.translations === null && isSame(detailsIn(listed), plan.before)
    const first = seq === plan.seq || isNext ? carriedOut(row, { ...plan, seq }, ids, origin) : again
    return Effect.catchIf(first, isLate, () => Effect.retry(again, { times: changesMax, while: isLate }))
  }
  return { planned, changed }
})
