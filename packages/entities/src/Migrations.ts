import * as AuditTables from "@halles/shared/audit/AuditTables"
import * as WebhookTables from "@halles/shared/security/WebhookTables"
import * as PartnerKeyTables from "@halles/shared/security/PartnerKeyTables"
import * as PlacementTables from "@halles/engine/placement/PlacementTables"
import * as ProjectionTables from "@halles/engine/projections/ProjectionTables"
import * as RegionTables from "@halles/engine/RegionTables"
import { migrate } from "@halles/shared/clients/Migrate"
import { grant } from "@halles/shared/security/Grant"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { tables } from "./Domains.ts"
import { CategoryTable } from "./category/CategoryTable.ts"
import { CategoryTreeTable } from "./category/CategoryTreeTable.ts"
import { ProductModelTable } from "./productmodel/ProductModelTable.ts"
import { ProductTypeTable } from "./producttype/ProductTypeTable.ts"
import { ProductTable } from "./catalogue/ProductTable.ts"
import { OrderTable } from "./order/OrderTable.ts"
import { SearchRuleTable } from "./searchrule/SearchRuleTable.ts"
import { UnitCostTable } from "./unitcost/UnitCostTable.ts"
import { StockTable } from "./inventory/StockTable.ts"
import { sku } from "./inventory/SkuDomain.ts"
import { makeMaskedViews } from "./inspector/MaskedViews.ts"
import * as SearchCounts from "./searchrule/SearchCounts.ts"
import * as SaleRetention from "./sale/SaleRetention.ts"

/** All tables of a region but the read tables. The histories of SKUs are the hot ones. */
const region = Effect.andThen(RegionTables.create([sku.type]), SaleRetention.create)

/**
 * Runners call whatever there is but what is for operators, who look at everything and write nothing, but that they let a
 * parked entity go on.
 */
const regionGrants = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC`
  yield* grant("halles_runner", "EXECUTE ON ALL FUNCTIONS IN SCHEMA public")
  yield* sql`
    DO $$ BEGIN
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        REVOKE EXECUTE ON FUNCTION entity_resume, parked_event_retry, parked_event_resolve FROM halles_runner;
      END IF;
    END $$`
  yield* grant(
    "halles_ops",
    "SELECT ON ALL TABLES IN SCHEMA public",
    "EXECUTE ON FUNCTION entity_resume, parked_event_retry, parked_event_resolve"
  )
  yield* grant("halles_auditor", "SELECT ON ALL TABLES IN SCHEMA public")
  yield* makeMaskedViews
  // What is searched, and which articles orders have.
  const searched = [
    ProductTable,
    ProductModelTable,
    ProductTypeTable,
    CategoryTable,
    CategoryTreeTable,
    SearchRuleTable,
    UnitCostTable,
    StockTable,
    OrderTable
  ].map(({ table }) => table)
  yield* grant(
    "halles_search",
    `SELECT ON projection, ${searched.join(", ")}`,
    "USAGE ON SCHEMA masked",
    "EXECUTE ON FUNCTION masked.impersonal",
    "SELECT ON masked.journal_all"
  )
  yield* SearchCounts.grants
})

/** Brings one region's database up to date; needs its owner. */
export const migrateRegion = Effect.gen(function* () {
  yield* migrate("effect_sql_migrations", {
    "0001_region": region,
    "0002_search_counts": SearchCounts.create
  })
  yield* ProjectionTables.ensure(tables)
  yield* regionGrants
})

const control = Effect.all(
  [PlacementTables.create, AuditTables.create, PartnerKeyTables.create, WebhookTables.create],
  { discard: true }
)

/** The placement of shards, the audit log, partners' keys and outgoing webhooks of the whole cluster, in `halles_control`. */
export const migrateControl = Effect.gen(function* () {
  yield* migrate("control_migrations", { "0001_control": control })
  yield* PlacementTables.grants
  yield* AuditTables.grants
  yield* PartnerKeyTables.grants
  yield* WebhookTables.grants
})

/** A region's database that is up to date, for tests and tools that own theirs. */
export const layerRegion = Layer.effectDiscard(migrateRegion)
