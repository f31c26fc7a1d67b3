import * as Postgres from "@halles/shared/clients/Postgres"
import { CustomerId, OrderId, SkuCode, skuCode, SkuId, skuId } from "@halles/shared/Ids"
import type { Currency } from "@halles/shared/Money"
import { type BadCursor, Cursor, decodeCursor, limitMax, type Page, pageOf } from "@halles/shared/Page"
import { Count } from "@halles/shared/Quantity"
import { type Region, regions, regionOf } from "@halles/shared/Region"
import { Context, Effect, Layer, Option, type Redacted, Schema } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import type { Status } from "./order/Order.ts"
import { OrderSummary } from "./order/OrderSummary.ts"
import { ProductView } from "./catalogue/Product.ts"
import { SkuView } from "./inventory/Sku.ts"

export const Limit = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: limitMax }))
/** Words of one search; the rest is not looked at. */
const wordsMax = 8

/** The database of each region, as its read tables are read. */
export class RegionDatabases extends Context.Service<
  RegionDatabases,
  { readonly of: (region: Region) => SqlClient.SqlClient }
>()("@halles/entities/RegionDatabases") {
  static readonly layer = (options: {
    readonly urls: Readonly<Record<Region, Redacted.Redacted>>
    readonly applicationName: string
    /** For each region. */
    readonly connectionsMax: number
  }): Layer.Layer<RegionDatabases, SqlError.SqlError> =>
    Layer.effect(
      RegionDatabases,
      Effect.gen(function* () {
        const clients = new Map<Region, SqlClient.SqlClient>()
        for (const region of regions) {
          const { applicationName, connectionsMax } = options
          const context = yield* Layer.build(
            Layer.fresh(Postgres.layer({ url: options.urls[region], applicationName, connectionsMax }))
          )
          clients.set(region, Context.get(context, SqlClient.SqlClient))
        }
        return RegionDatabases.of({ of: (region) => clients.get(region)! })
      })
    )

  /** One database for all regions, for tests. */
  static readonly layerOne = Layer.effect(
    RegionDatabases,
    Effect.map(SqlClient.SqlClient, (sql) => RegionDatabases.of({ of: () => sql }))
  )
}

const ProductCursor = Cursor("products", [Schema.String])
const OrderCursor = Cursor("orders", [Schema.Int, Schema.String])

const bounded = (limit: number): number => Math.min(Math.max(1, Math.trunc(limit)), limitMax)

/**
 * `red mug` finds what has words that begin with `red` and with `mug`; anything but letters with their marks and digits parts
 * words. Titles are composed (NFC), so what is looked for is too.
 */
const prefixQuery = (q: string): string | null => {
  const words =
    q
      .normalize("NFC")
      .match(/[\p{L}\p{M}\p{N}]+/gu)
      ?.slice(0, wordsMax) ?? []
  return words.length === 0 ? null : words.map((word) => `'${word}':*`).join(" & ")
}

interface ProductRow {
  readonly id: string
  readonly sku: string
  readonly title: string
  readonly description: string
  readonly price_amount: bigint
  readonly currency: Currency
  readonly tax_rate: number
  readonly listed: boolean
  readonly seq: number
}
interface OrderRow {
  readonly id: string
  readonly status: Status
  readonly customer_id: string | null
  readonly currency: Currency
  readonly total: bigint
  readonly captured: bigint
  readonly refunded: bigint
  readonly disputed: bigint
  readonly placed_ms: bigint
  readonly updated_ms: bigint
  readonly seq: number
}

const products = Effect.fn("Reads.products")(function* (
  sql: SqlClient.SqlClient,
  options: { readonly region: Region; readonly q?: string; readonly cursor?: string; readonly limit: number }
) {
  const limit = bounded(options.limit)
  const after = yield* decodeCursor(ProductCursor, options.cursor)
  const query = options.q === undefined ? null : prefixQuery(options.q)
  const conditions: Array<Statement.Fragment> = [sql`listed`]
  if (after !== null) conditions.push(sql`id > ${after[1]}`)
  if (query !== null) conditions.push(sql`search @@ to_tsquery('simple', ${query})`)
  const rows = yield* sql<ProductRow>`
    SELECT id, sku, title, description, price_amount, currency, tax_rate, listed, seq
    FROM product_view WHERE ${sql.and(conditions)} ORDER BY id LIMIT ${limit + 1}`
  return pageOf(
    rows,
    limit,
    (row) => productView(options.region, row),
    ({ id }) => ["products", id]
  )
})

const productView = (region: Region, row: ProductRow): ProductView =>
  new ProductView(
    {
      sku: SkuCode.make(row.sku),
      region,
      title: row.title,
      description: row.description,
      price: { amount: Number(row.price_amount), currency: row.currency, taxRate: row.tax_rate },
      listed: row.listed,
      seq: row.seq
    },
    { disableChecks: true }
  )

const orderColumns = `id, status, customer_id, currency, total, captured, refunded, disputed, seq,
  (extract(epoch FROM placed_at) * 1000)::bigint AS placed_ms, (extract(epoch FROM updated_at) * 1000)::bigint AS updated_ms`

/** Newest first. */
const orders = Effect.fn("Reads.orders")(function* (
  sql: SqlClient.SqlClient,
  options: { readonly customerId: CustomerId; readonly cursor?: string; readonly limit: number }
) {
  const limit = bounded(options.limit)
  const after = yield* decodeCursor(OrderCursor, options.cursor)
  const conditions: Array<Statement.Fragment> = [sql`customer_id = ${options.customerId}`]
  if (after !== null) {
    const [, placedAt, id] = after
    conditions.push(sql`(placed_at, id) < (to_timestamp(${String(placedAt)}::text::double precision / 1000), ${id})`)
  }
  const rows = yield* sql<OrderRow>`
    SELECT ${sql.literal(orderColumns)} FROM order_view
    WHERE ${sql.and(conditions)} ORDER BY placed_at DESC, id DESC LIMIT ${limit + 1}`
  return pageOf(rows, limit, orderSummary, ({ id, placed_ms }) => ["orders", Number(placed_ms), id])
})

const orderSummary = (row: OrderRow): OrderSummary =>
  new OrderSummary(
    {
      id: OrderId.make(row.id),
      status: row.status,
      customerId: row.customer_id === null ? null : CustomerId.make(row.customer_id),
      currency: row.currency,
      total: Number(row.total),
      captured: Number(row.captured),
      refunded: Number(row.refunded),
      disputed: Number(row.disputed),
      placedAt: Number(row.placed_ms),
      updatedAt: Number(row.updated_ms),
      seq: row.seq
    },
    { disableChecks: true }
  )

type StockRow = {
  readonly [Key in "on_hand" | "held" | "reserved" | "available" | "shipped" | "back_ordered"]: bigint
} & {
  readonly id: string
  readonly seq: number
  readonly back_order_allowed: boolean
  readonly warehouses: SkuView["warehouses"]
}

const stock = Effect.fn("Reads.stock")(function* (sql: SqlClient.SqlClient, id: SkuId) {
  const [row] = yield* sql<StockRow>`
    SELECT id, seq, on_hand, held, reserved, available, shipped, back_ordered, back_order_allowed, warehouses
    FROM stock_view WHERE id = ${id}`
  return Option.map(Option.fromNullishOr(row), skuView)
})

const skuView = (row: StockRow): SkuView =>
  new SkuView(
    {
      id: SkuId.make(row.id),
      warehouses: row.warehouses,
      totals: {
        onHand: Count.make(Number(row.on_hand)),
        held: Number(row.held),
        reserved: Number(row.reserved),
        available: Number(row.available),
        shipped: Number(row.shipped),
        backOrdered: Number(row.back_ordered)
      },
      backOrderAllowed: row.back_order_allowed,
      seq: row.seq
    },
    { disableChecks: true }
  )

/** What could be sold of a SKU now, over all its warehouses. */
export interface Available {
  readonly units: number
  /** More may be ordered than there is. */
  readonly backOrder: boolean
}

/** One statement, however many. */
const availability = (sql: SqlClient.SqlClient, region: Region, skus: ReadonlyArray<SkuCode>) =>
  Effect.map(
    sql<{ id: string; available: bigint; back_order_allowed: boolean }>`
      SELECT id, available, back_order_allowed FROM stock_view
      WHERE id = ANY(${skus.map((sku) => skuId(region, sku))}::text[])`,
    (rows): ReadonlyMap<SkuCode, Available> =>
      new Map(
        rows.map((row) => [
          skuCode(SkuId.make(row.id)),
          { units: Number(row.available), backOrder: row.back_order_allowed }
        ])
      )
  )

const tables = { products: "product_view", orders: "order_view", stock: "stock_view" } as const

const seqs = (sql: SqlClient.SqlClient, list: keyof typeof tables, ids: ReadonlyArray<string>) =>
  Effect.map(
    sql<{ id: string; seq: number }>`SELECT id, seq FROM ${sql(tables[list])} WHERE id = ANY(${[...ids]}::text[])`,
    (rows) => new Map(rows.map(({ id, seq }) => [id, seq]))
  )

/**
 * Lists and stock levels, from the read tables. They follow the journal by a moment: who must not read older than a write
 * asks the entity.
 */
export class Reads extends Context.Service<
  Reads,
  {
    /** What is on sale, by SKU; `q` looks for words that begin so. `limit` is brought into 1 to 200. */
    readonly products: (options: {
      readonly region: Region
      readonly q?: string
      readonly cursor?: string
      readonly limit: number
    }) => Effect.Effect<Page<ProductView>, BadCursor | SqlError.SqlError>
    /** A customer's orders, newest first. */
    readonly orders: (options: {
      readonly customerId: CustomerId
      readonly cursor?: string
      readonly limit: number
    }) => Effect.Effect<Page<OrderSummary>, BadCursor | SqlError.SqlError>
    /** Of many SKUs at once; one that was never stocked is absent. */
    readonly availability: (
      region: Region,
      skus: ReadonlyArray<SkuCode>
    ) => Effect.Effect<ReadonlyMap<SkuCode, Available>, SqlError.SqlError>
    readonly stock: (id: SkuId) => Effect.Effect<Option.Option<SkuView>, SqlError.SqlError>
    /** How far the rows of a list have come; an entity without a row is absent. */
    readonly seqs: (
      list: keyof typeof tables,
      region: Region,
      ids: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlyMap<string, number>, SqlError.SqlError>
  }
>()("@halles/entities/Reads") {
  static readonly layer = Layer.effect(
    Reads,
    Effect.map(RegionDatabases, (databases) =>
      Reads.of({
        products: (options) => products(databases.of(options.region), options),
        orders: (options) => orders(databases.of(regionOf(options.customerId)), options),
        availability: (region, skus) => availability(databases.of(region), region, skus),
        stock: (id) => stock(databases.of(regionOf(id)), id),
        seqs: (list, region, ids) => seqs(databases.of(region), list, ids)
      })
    )
  )
}
