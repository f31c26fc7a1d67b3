import { migrate } from "@halles/shared/clients/Migrate"
import { grant } from "@halles/shared/security/Grant"
import { Effect } from "effect"
import * as IdentityTables from "./IdentityTables.ts"

/** Schema `identity` of `halles_control`, and what its role may do: its own rows, and reading where shards are. */
export const migrateIdentity = Effect.gen(function* () {
  yield* migrate("identity_migrations", { "0001_identity": IdentityTables.create })
  yield* grant(
    "halles_identity",
    "USAGE ON SCHEMA identity",
    "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA identity"
  )
})
