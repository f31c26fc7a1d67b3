import { PgClient } from "@effect/sql-pg"
import { migrateControl, migrateRegion } from "@halles/entities/Migrations"
import { provisionIdentity } from "@halles/identity/Provision"
import { OtherVersion } from "@halles/shared/clients/Migrate"
import { Effect, Redacted } from "effect"
import { databaseUrl, issuer, operations, type Parts, withDatabase } from "../Environment.ts"
import { MadeByOtherVersion, ProvisionFailed } from "../InfraErrors.ts"
import type { Layout } from "../Layout.ts"
import { type Database, type Login, logins } from "./Logins.ts"
import { ports } from "../cluster/Ports.ts"
import type { Servers } from "./Servers.ts"
import { withoutSideEffects } from "./SystemFunctions.ts"

/** Of Postgres's advisory locks; any number that nobody else takes. */
const provisionLock = 4_400_001

const databases: ReadonlyArray<Database> = ["eu", "am", "ap", "control"]

const connect = (url: string) =>
  PgClient.layer({ url: Redacted.make(url), maxConnections: 1, applicationName: "halles-provision" })

/**
 * Makes the roles and databases that are missing, sets passwords and limits, takes from everybody what nobody needs, and runs
 * the migrations. Doing it again changes nothing.
 */
export const provision = Effect.fn("Provision.provision")(function* (
  { admins }: Pick<Servers, "admins">,
  parts: Parts
) {
  const { layout } = parts
  // Roles belong to the server, so they are set up for one database after the other; what is inside the databases, side by side.
  for (const database of databases) {
    yield* rolesAndDatabase(parts, database).pipe(
      Effect.provide(connect(admins[database] ?? "")),
      failed(database, layout)
    )
  }
  const inDatabase = (database: Database) => {
    const admin = withDatabase(admins[database] ?? "", nameOf(database))
    const migrate = database === "control" ? Effect.andThen(migrateControl, identity(parts)) : migrateRegion
    return withoutSideEffects.pipe(
      Effect.provide(connect(admin)),
      Effect.andThen(migrate.pipe(Effect.provide(connect(databaseUrl(parts, "halles_owner", database))))),
      failed(database, layout)
    )
  }
  yield* Effect.forEach(databases, inDatabase, { concurrency: "unbounded", discard: true })
})

const failed = (database: Database, { directory }: Layout) =>
  Effect.mapError((cause: unknown) =>
    cause instanceof OtherVersion
      ? new MadeByOtherVersion({ database: nameOf(database), directory })
      : new ProvisionFailed({ database: nameOf(database), cause })
  )

const nameOf = (database: Database): string => `halles_${database}`

/** On a laptop a web application is developed on port 3000, and the reference page of the edge signs in too. */
const identity = (parts: Parts) => {
  const { edge, ops } = ports(parts.layout.portBase)
  const pages = [operations(parts), `http://127.0.0.1:${ops}`]
  return provisionIdentity({
    issuer: issuer(parts),
    key: Redacted.make(parts.secrets.identityKey),
    shop: ["http://localhost:3000/callback", "http://127.0.0.1:3000/callback", `http://127.0.0.1:${edge}/docs`],
    ops: pages.map((page) => `${page}/signed-in`)
  })
}

/** In PL/pgSQL; one server may have the role already. */
const role = (name: string, options: string): ReadonlyArray<string> => [
  `BEGIN CREATE ROLE ${name}; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END`,
  `ALTER ROLE ${name} ${options}`
]

/** Whoever has a login may change its settings, for all sessions to come: what is not said here is not kept. */
const settingsOf = (name: string, database: string, login: Login): ReadonlyArray<string> => [
  `ALTER ROLE ${name} RESET ALL`,
  `ALTER ROLE ${name} IN DATABASE ${database} RESET ALL`,
  `ALTER ROLE ${name} SET statement_timeout = '${login.statementMax}'`,
  `ALTER ROLE ${name} SET lock_timeout = '${login.lockMax}'`,
  `ALTER ROLE ${name} SET idle_in_transaction_session_timeout = '${login.idleInTransactionMax}'`,
  ...(login.searchPath === undefined ? [] : [`ALTER ROLE ${name} SET search_path = ${login.searchPath}`]),
  ...(login.tempFilesMax === undefined ? [] : [`ALTER ROLE ${name} SET temp_file_limit = '${login.tempFilesMax}'`]),
  ...(login.memberOf === undefined ? [] : [`GRANT ${login.memberOf} TO ${name}`])
]

/** One server may hold several databases: the roles are then there already. No statement here takes parameters; names are constants of ours and passwords hexadecimal. */
const rolesAndDatabase = Effect.fnUntraced(function* ({ secrets }: Parts, database: Database) {
  const sql = yield* PgClient.PgClient
  const name = nameOf(database)
  // One transaction, so that there is one commit to wait for; the lock, since several processes may set up one server at the same time.
  const run = (statements: ReadonlyArray<string>) =>
    sql.unsafe(`DO $$ BEGIN ${[`PERFORM pg_advisory_xact_lock(${provisionLock})`, ...statements].join("; ")}; END $$`)
  const all = Object.entries(logins(secrets))
  const admitted = all.filter(([, login]) => login.databases.includes(database))
  yield* run([
    ...role("halles_runner", "NOLOGIN PASSWORD NULL"),
    ...admitted.flatMap(([login, { connectionsMax, password }]) =>
      role(login, `LOGIN PASSWORD '${password}' CONNECTION LIMIT ${connectionsMax}`)
    )
  ])
  const present = yield* sql`SELECT 1 FROM pg_database WHERE datname = ${name}`
  if (present.length === 0) {
    yield* sql.unsafe("GRANT halles_owner TO CURRENT_USER")
    // By bytes: a language's rules of order would be asked at each step down each index, and ids have none.
    yield* sql.unsafe(`CREATE DATABASE ${name} OWNER halles_owner TEMPLATE template0 LC_COLLATE 'C'`)
  }
  const others = yield* sql<{ rolname: string }>`
    SELECT rolname FROM pg_roles WHERE rolname = 'halles_runner' OR rolname = ANY(${all
      .map(([login]) => login)
      .filter((login) => admitted.every(([one]) => one !== login))})`
  yield* run([
    // Owners of functions that end a session which keeps all others waiting.
    "GRANT pg_signal_backend TO halles_owner",
    ...admitted.flatMap(([login, options]) => settingsOf(login, name, options)),
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC`,
    ...others.map(({ rolname }) => `REVOKE ALL ON DATABASE ${name} FROM ${rolname}`),
    `GRANT CONNECT ON DATABASE ${name} TO ${admitted.map(([login]) => login).join(", ")}`
  ])
})
