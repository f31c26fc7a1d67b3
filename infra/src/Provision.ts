import { PgClient } from "@effect/sql-pg"
import { migrateControl, migrateRegion } from "@halles/entities/Migrations"
import { provisionIdentity } from "@halles/identity/Provision"
import { Effect, Redacted } from "effect"
import { databaseUrl, issuer, operations, type Parts, roles } from "./Environment.ts"
import { ProvisionFailed } from "./InfraErrors.ts"
import { ports } from "./Ports.ts"
import type { Servers } from "./Servers.ts"

type Database = "eu" | "am" | "ap" | "control"
const databases: ReadonlyArray<Database> = ["eu", "am", "ap", "control"]

const connect = (url: string) =>
  PgClient.layer({ url: Redacted.make(url), maxConnections: 1, applicationName: "halles-provision" })

/** Makes the roles and databases that are missing, sets the passwords, and runs the migrations. Doing it again changes nothing. */
export const provision = Effect.fn("Provision.provision")(function* (servers: Servers, parts: Parts) {
  for (const database of databases) {
    yield* Effect.gen(function* () {
      yield* roleAndDatabase(parts, database).pipe(Effect.provide(connect(servers.admins[database] ?? "")))
      const migrate = database === "control" ? Effect.andThen(migrateControl, identity(parts)) : migrateRegion
      yield* migrate.pipe(Effect.provide(connect(databaseUrl(parts, "halles_owner", database))))
    }).pipe(Effect.mapError((cause) => new ProvisionFailed({ database: `halles_${database}`, cause })))
  }
})

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

/** One server may hold several databases: the roles are then there already. */
const roleAndDatabase = Effect.fnUntraced(function* ({ secrets }: Parts, database: Database) {
  const sql = yield* PgClient.PgClient
  for (const [role, password] of Object.entries(roles(secrets))) {
    const present = yield* sql`SELECT 1 FROM pg_roles WHERE rolname = ${role}`
    // Neither statement takes parameters; names are constants of ours and passwords hexadecimal.
    yield* sql.unsafe(`${present.length === 0 ? "CREATE" : "ALTER"} ROLE ${role} LOGIN PASSWORD '${password}'`)
  }
  const name = `halles_${database}`
  const present = yield* sql`SELECT 1 FROM pg_database WHERE datname = ${name}`
  if (present.length === 0) {
    yield* sql.unsafe("GRANT halles_owner TO CURRENT_USER")
    // By bytes: a language's rules of order would be asked at each step down each index, and ids have none.
    yield* sql.unsafe(`CREATE DATABASE ${name} OWNER halles_owner TEMPLATE template0 LC_COLLATE 'C'`)
  }
  yield* sql.unsafe(`REVOKE ALL ON DATABASE ${name} FROM PUBLIC`)
  yield* sql.unsafe(`GRANT CONNECT ON DATABASE ${name} TO ${Object.keys(roles(secrets)).join(", ")}`)
})
