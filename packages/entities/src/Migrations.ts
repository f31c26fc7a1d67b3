import * as AuditTables from "@halles/shared/audit/AuditTables"
import * as WebhookTables from "@halles/shared/security/WebhookTables"
import * as PartnerKeyTables from "@halles/shared/security/PartnerKeyTables"
import * as PlacementTables from "@halles/engine/placement/PlacementTables"
import { Effect, Layer } from "effect"
import { Migrator, SqlClient } from "effect/sql"
import { makeMaskedViews } from "./inspector/MaskedViews.ts"
import journal from "./migrations/0001_journal.ts"
import projections from "./migrations/0002_projections.ts"
import archive from "./migrations/0003_archive.ts"
import load from "./migrations/0004_load.ts"
import parked from "./migrations/0005_parked.ts"
import quarantine from "./migrations/0006_quarantine.ts"
import bounds from "./migrations/0007_bounds.ts"
import checkouts from "./migrations/0008_checkouts.ts"
import refusals from "./migrations/0009_refusals.ts"
import readable from "./migrations/0010_readable.ts"

const run = Migrator.make({})

/**
 * What fences writes is called in the name of its owner: no login may lock shards by itself, or write into the journal past
 * the fence. Runners call whatever there is but what is for operators, who look at everything and write nothing, but that
 * they let a parked entity go on.
 */
const regionGrants = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  for (const name of ["journal_append", "shard_epoch_raise"]) {
    yield* sql.unsafe(`ALTER FUNCTION ${name} SECURITY DEFINER`)
    yield* sql.unsafe(`ALTER FUNCTION ${name} SET search_path = pg_catalog, public, pg_temp`)
  }
  yield* sql`
    DO $$ BEGIN
      REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_runner') THEN
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO halles_runner;
        REVOKE EXECUTE ON FUNCTION entity_resume, parked_event_retry, parked_event_resolve FROM halles_runner;
        REVOKE INSERT ON journal FROM halles_runner;
        REVOKE INSERT, UPDATE ON shard_epoch FROM halles_runner;
        GRANT UPDATE (owner) ON shard_epoch TO halles_runner;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_ops') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO halles_ops;
        GRANT EXECUTE ON FUNCTION entity_resume, parked_event_retry, parked_event_resolve TO halles_ops;
      END IF;
      IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'halles_auditor') THEN
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO halles_auditor;
      END IF;
    END $$`
  yield* makeMaskedViews
})

/** Brings one region's database up to date; needs its owner. Numbered, in order, each once; frozen once landed. */
export const migrateRegion = Effect.andThen(
  run({
    loader: Migrator.fromRecord({
      "0001_journal": journal,
      "0002_projections": projections,
      "0003_archive": archive,
      "0004_load": load,
      "0005_parked": parked,
      "0006_quarantine": quarantine,
      "0007_bounds": bounds,
      "0008_checkouts": checkouts,
      "0009_refusals": refusals,
      "0010_readable": readable
    })
  }),
  Effect.flatMap(SqlClient.SqlClient, regionGrants)
)

/** The placement of shards, the audit log, partners' keys and outgoing webhooks of the whole cluster, in `halles_control`. */
export const migrateControl = Effect.gen(function* () {
  yield* run({ loader: PlacementTables.migrations, table: "control_migrations" })
  yield* PlacementTables.grants
  yield* run({ loader: AuditTables.migrations, table: "audit_migrations" })
  yield* AuditTables.grants
  yield* run({ loader: PartnerKeyTables.migrations, table: "partner_migrations" })
  yield* PartnerKeyTables.grants
  yield* run({ loader: WebhookTables.migrations, table: "webhook_migrations" })
  yield* WebhookTables.grants
})

/** A region's database that is up to date, for tests and tools that own theirs. */
export const layerRegion = Layer.effectDiscard(migrateRegion)
