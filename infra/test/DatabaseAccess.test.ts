import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { tables } from "@halles/entities/Domains"
import { masked } from "@halles/entities/inspector/Masked"
import { PgTest } from "@halles/shared/testing/PgTest"
import * as RunClock from "@halles/shared/testing/RunClock"
import { type Cause, Context, Effect, Exit, Layer, Redacted } from "effect"
import { Reactivity } from "effect/reactivity"
import { randomBytes } from "node:crypto"
import * as Environment from "../src/Environment.ts"
import { type Database, logins, type Role } from "../src/servers/Logins.ts"
import { provision } from "../src/servers/Provision.ts"
import { Secrets } from "../src/servers/Secrets.ts"

/** A Postgres with all databases and logins of a cluster. */
class Provisioned extends Context.Service<Provisioned, Environment.Parts & { readonly admin: string }>()(
  "@halles/infra/test/Provisioned"
) {
  static readonly layer = Layer.effect(
    Provisioned,
    Effect.gen(function* () {
      const admin = Environment.withDatabase(Redacted.value(yield* PgTest.url), "postgres")
      const names = ["eu", "am", "ap", "control"]
      const secrets = new Secrets(
        Object.fromEntries(
          Object.keys(Secrets.fields).map((name) => [name, randomBytes(24).toString("hex")])
        ) as ConstructorParameters<typeof Secrets>[0]
      )
      const parts: Environment.Parts = {
        layout: { directory: "", portBase: 4400 },
        secrets,
        addresses: {
          nats: "",
          redis: "",
          counters: "",
          databases: Object.fromEntries(
            names.map((name) => [name, Environment.withDatabase(Environment.withoutLogin(admin), `halles_${name}`)])
          )
        }
      }
      const admins = Object.fromEntries(names.map((name) => [name, admin]))
      // The second time it meets everything that it made.
      yield* provision({ admins }, parts)
      yield* provision({ admins }, parts)
      return { ...parts, admin }
    })
  ).pipe(Layer.provide(PgTest.layerServer("provisioned")), Layer.orDie)
}

const everywhere: ReadonlyArray<Database> = ["eu", "am", "ap", "control"]
const session = (url: string) =>
  PgClient.make({ url: Redacted.make(url), maxConnections: 1, applicationName: "attack", connectTimeout: "5 seconds" })
const as = Effect.fnUntraced(function* (role: Role, database: Database) {
  return yield* session(Environment.databaseUrl(yield* Provisioned, role, database))
})
const asAdmin = Effect.fnUntraced(function* (database: Database) {
  return yield* session(Environment.withDatabase((yield* Provisioned).admin, `halles_${database}`))
})
const roles = Effect.map(
  Provisioned,
  ({ secrets }) => Object.entries(logins(secrets)) as ReadonlyArray<readonly [Role, ReturnType<typeof logins>[Role]]>
)

/** The code by which Postgres refuses; null if it does not. */
const refusalOf = <A, E>(exit: Exit.Exit<A, E>): string | null => {
  if (Exit.isSuccess(exit)) return null
  const codes = (exit.cause as Cause.Cause<unknown>).reasons.map((reason) => JSON.stringify(reason))
  return /"code":"([0-9A-Z]{5})"/.exec(codes.join())?.[1] ?? codes.join()
}
const denied = "42501"
const tries = (sql: PgClient.PgClient, statement: string) => Effect.map(Effect.exit(sql.unsafe(statement)), refusalOf)
const entry = () => JSON.stringify({ id: randomBytes(8).toString("hex"), actor: "a", action: "b" })
const query = () => JSON.stringify({ id: randomBytes(8).toString("hex"), action: "sql.query", actor: "service:sql" })
/** Locks the audit log in a transaction that does not end; when the database ends its session, tries again in another one. */
const keep = (sql: PgClient.PgClient, onLocked: () => void) =>
  Effect.scoped(
    Effect.gen(function* () {
      const connection = yield* sql.reserve
      for (const statement of [
        "SET idle_in_transaction_session_timeout = 0",
        "SET lock_timeout = 0",
        "SET statement_timeout = 0",
        "BEGIN",
        `SELECT audit.append_query('${query()}')`
      ]) {
        yield* connection.executeRaw(statement, [])
      }
      onLocked()
      yield* Effect.sleep("1 minute")
    })
  ).pipe(Effect.exit, Effect.forever)
const append = (sql: PgClient.PgClient) => sql`SELECT * FROM audit.append(${[entry()]}::text[])`

/** Functions with effects that a login may call, beside those that everybody may. */
const everybody = `clock_timestamp current_query currval gen_random_uuid lastval nextval pg_advisory_unlock
  pg_advisory_unlock_all pg_advisory_unlock_shared pg_database_size pg_indexes_size pg_is_in_recovery pg_lock_status
  pg_partition_ancestors pg_partition_tree pg_relation_size pg_table_size pg_total_relation_size random setval timeofday`
const ofRunner = `alarm_drop archive_drop journal_append journal_archive shard_epoch_raise set_config`
const placementOfRunner = `placement_leave placement_move placement_plan placement_stay placement_taken set_config`
const mayCall: Readonly<Record<Exclude<Role, "halles_owner">, Partial<Record<Database, string>>>> = {
  halles_runner_eu: { eu: ofRunner, control: placementOfRunner },
  halles_runner_am: { am: ofRunner, control: placementOfRunner },
  halles_runner_ap: { ap: ofRunner, control: placementOfRunner },
  halles_edge: { eu: "set_config", am: "set_config", ap: "set_config", control: "append set_config" },
  halles_identity: { control: "append set_config" },
  halles_webhooks: { control: "set_config" },
  halles_ops: {
    eu: "entity_resume parked_event_resolve parked_event_retry set_config",
    am: "entity_resume parked_event_resolve parked_event_retry set_config",
    ap: "entity_resume parked_event_resolve parked_event_retry set_config",
    control: "append placement_drain placement_leave placement_pin placement_stay placement_unpin set_config"
  },
  halles_reader: { eu: "", am: "", ap: "", control: "append_query" },
  halles_search: { eu: "", am: "", ap: "" },
  halles_auditor: { eu: "", am: "", ap: "", control: "" }
}

/** Whole tables that a login may change, which it may lock as well: its own, or those that nothing else waits for. */
const journalOfRunner = `alarm outbox_batch parked_entity parked_event projection quarantined_entity snapshot timer
  ${tables.map(({ table }) => table).join(" ")}`
const mayChange: Readonly<Record<Exclude<Role, "halles_owner">, Partial<Record<Database, string>>>> = {
  halles_runner_eu: { eu: journalOfRunner, control: "" },
  halles_runner_am: { am: journalOfRunner, control: "" },
  halles_runner_ap: { ap: journalOfRunner, control: "" },
  halles_edge: { eu: "", am: "", ap: "", control: "endpoint key" },
  halles_identity: {
    control: `account account_role artifact client consent customer_notice federation passkey pending recovery_code
      session_device signing_key totp`
  },
  halles_webhooks: { control: "delivery" },
  halles_ops: { eu: "", am: "", ap: "", control: "" },
  halles_reader: { eu: "", am: "", ap: "", control: "" },
  halles_search: { eu: "search_count", am: "search_count", ap: "search_count" },
  halles_auditor: { eu: "", am: "", ap: "", control: "" }
}
const words = (text: string): ReadonlyArray<string> =>
  [...new Set(text.split(/\s+/).filter((word) => word !== ""))].toSorted()

layer(Layer.merge(Provisioned.layer, Reactivity.layer), { excludeTestServices: true, timeout: "60 seconds" })(
  "logins to Postgres",
  (it) => {
    it.effect("lead to the databases that they are for, and to no other", () =>
      Effect.gen(function* () {
        for (const [role, { databases }] of yield* roles) {
          for (const database of everywhere) {
            const exit = yield* Effect.exit(Effect.scoped(Effect.flatMap(as(role, database), (sql) => sql`SELECT 1`)))
            assert.strictEqual(
              refusalOf(exit),
              databases.includes(database) ? null : denied,
              `${role} at ${database}: ${String(exit)}`
            )
          }
        }
      })
    )

    it.effect("may call the functions with effects that are named here, and change the tables, and no other", () =>
      Effect.gen(function* () {
        for (const [role, { databases }] of yield* roles) {
          if (role === "halles_owner") continue
          for (const database of databases) {
            const sql = yield* asAdmin(database)
            const functions = yield* sql<{ name: string }>`
            SELECT DISTINCT p.proname AS name FROM pg_proc p
            WHERE (p.provolatile = 'v' OR p.proname IN ('pg_current_xact_id', 'txid_current'))
              AND has_function_privilege(${role}, p.oid, 'EXECUTE') AND has_schema_privilege(${role}, p.pronamespace, 'USAGE')
              AND p.prorettype::regtype::text NOT IN ('trigger', 'event_trigger', 'language_handler', 'index_am_handler', 'table_am_handler', 'tsm_handler', 'internal')
              AND NOT 'internal'::regtype = ANY(p.proargtypes)`
            assert.deepStrictEqual(
              words(functions.map(({ name }) => name).join(" ")),
              words(`${everybody} ${mayCall[role][database]}`),
              `${role} at ${database}`
            )
            const tables = yield* sql<{ name: string }>`
            SELECT c.relname AS name FROM pg_class c
            WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND c.relnamespace::regnamespace::text NOT IN ('pg_catalog', 'information_schema')
              AND c.relnamespace::regnamespace::text NOT LIKE 'pg\\_%' AND c.relkind <> 'S'
              AND has_schema_privilege(${role}, c.relnamespace, 'USAGE')
              AND has_table_privilege(${role}, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')`
            assert.deepStrictEqual(
              words(tables.map(({ name }) => name).join(" ")),
              words(mayChange[role][database] ?? ""),
              `${role} at ${database}`
            )
          }
        }
      })
    )

    it.effect("are refused whatever would keep others from writing, or fill the disk", () =>
      Effect.gen(function* () {
        const anywhere = [
          "SELECT pg_advisory_lock(7301, 0)",
          "SELECT pg_advisory_lock(7301)",
          "SELECT pg_advisory_lock_shared(7201, 1)",
          "SELECT pg_advisory_xact_lock(7201, s) FROM generate_series(1, 64) AS s",
          "SELECT pg_advisory_xact_lock_shared(7201, 1)",
          "SELECT pg_catalog.pg_try_advisory_lock(7301, 0)",
          "SELECT pg_try_advisory_lock_shared(7301, 0)",
          "SELECT pg_try_advisory_xact_lock(7301, 0)",
          "SELECT pg_try_advisory_xact_lock_shared(-1455371005, 1000001)",
          "SELECT pg_sleep(3600)",
          "SELECT pg_sleep_for('1 hour')",
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity",
          "SELECT pg_cancel_backend(pid) FROM pg_stat_activity",
          "SELECT lo_create(0)",
          "SELECT lo_from_bytea(0, 'x')",
          "SELECT pg_logical_emit_message(false, 'a', 'b')",
          "SELECT pg_create_physical_replication_slot('a', true)",
          "SELECT pg_export_snapshot()",
          "SELECT pg_notify('a', 'b')",
          "SELECT query_to_xml('SELECT 1', true, true, '')",
          "SELECT txid_current()",
          "DO $$ BEGIN PERFORM 1; END $$",
          "CREATE TABLE mine (a int)",
          "CREATE TEMP TABLE mine (a int)",
          "CREATE SCHEMA mine",
          "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
          "SELECT pg_read_file('/etc/passwd')",
          "COPY (SELECT 1) TO PROGRAM 'true'"
        ]
        const regional = [
          "LOCK TABLE public.journal IN SHARE MODE",
          "LOCK TABLE public.journal IN ACCESS EXCLUSIVE MODE",
          "LOCK TABLE public.shard_epoch IN SHARE MODE",
          "LOCK TABLE public.events_archive IN ROW SHARE MODE",
          "SELECT * FROM public.journal FOR SHARE",
          "SELECT * FROM public.journal FOR KEY SHARE",
          "UPDATE public.shard_epoch SET epoch = epoch + 1",
          "INSERT INTO public.journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at) SELECT entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at FROM public.journal",
          "DELETE FROM public.journal"
        ]
        const central = [
          "LOCK TABLE audit.entry IN SHARE MODE",
          "LOCK TABLE audit.entry IN ROW EXCLUSIVE MODE",
          "SELECT * FROM audit.entry FOR UPDATE",
          "SELECT audit.take_turn()",
          "SELECT audit.wait_for(7301, 0)",
          "SELECT audit.pass_gate()",
          "LOCK TABLE shard_placement IN SHARE MODE",
          "LOCK TABLE runner_leaving IN ACCESS EXCLUSIVE MODE",
          "LOCK TABLE shard_pin IN EXCLUSIVE MODE",
          "LOCK TABLE shard_move IN ACCESS EXCLUSIVE MODE",
          "SELECT * FROM shard_placement FOR UPDATE",
          "UPDATE shard_placement SET runner = NULL",
          "DELETE FROM control_migrations"
        ]
        const reading = ["LOCK TABLE shard_epoch, timer IN ACCESS EXCLUSIVE MODE", "SELECT * FROM timer FOR UPDATE"]
        const unseen = [
          "LOCK TABLE identity.account IN ACCESS SHARE MODE",
          "SELECT * FROM identity.signing_key",
          "SELECT * FROM identity.artifact"
        ]
        for (const [role, { databases }] of yield* roles) {
          if (role === "halles_owner") continue
          const isRunner = role.startsWith("halles_runner")
          for (const database of databases) {
            const sql = yield* as(role, database)
            const attacks = [
              ...anywhere,
              ...(database === "control" ? central : [...regional, ...(isRunner ? [] : reading)]),
              ...(database === "control" && role !== "halles_identity" ? unseen : [])
            ]
            for (const attack of attacks) {
              const exit = yield* Effect.exit(sql.withTransaction(sql.unsafe(attack)))
              assert.strictEqual(refusalOf(exit), denied, `${role} at ${database}: ${attack}`)
            }
          }
        }
      })
    )

    it.effect("of a runner move the shards of their own region", () =>
      Effect.gen(function* () {
        const eu = yield* as("halles_runner_eu", "control")
        assert.isNull(yield* tries(eu, "SELECT placement_taken('eu', 'eu-1', '{1}')"))
        const foreign = [
          "SELECT pg_try_advisory_lock(7301, 0)",
          "SELECT pg_try_advisory_lock(7201, 1)",
          "SELECT placement_taken('am', 'eu-1', '{1}')",
          `SELECT placement_move('am', '[{"shard":1,"from":null,"to":"eu-1"}]', 'dead')`,
          "SELECT placement_plan('ap', '[]', 'balance', '1 day')",
          "SELECT placement_leave('am-1', 'operator')",
          "SELECT placement_stay('am-1', 'stopping')",
          "SELECT placement_drain('eu-1', '{eu-2}')",
          "SELECT placement_pin('eu', 1, 'eu-1')"
        ]
        for (const statement of foreign) assert.strictEqual(yield* tries(eu, statement), denied, statement)
        const admin = yield* asAdmin("control")
        yield* admin`UPDATE shard_placement SET holder = NULL, held_since = NULL`
      })
    )

    it.effect(
      "that hold the audit log in an open transaction are ended by the next in line, within three seconds",
      () =>
        Effect.gen(function* () {
          const attacker = yield* as("halles_edge", "control")
          const others = yield* Effect.forEach(["halles_identity", "halles_ops"] as const, (role) =>
            as(role, "control")
          )
          const connection = yield* attacker.reserve
          const run = (statement: string) => Effect.exit(connection.executeRaw(statement, []))
          for (const statement of [
            "SET idle_in_transaction_session_timeout = 0",
            "SET statement_timeout = 0",
            "BEGIN",
            `SELECT count(*) FROM audit.append(ARRAY['${entry()}'])`
          ]) {
            assert.isNull(refusalOf(yield* run(statement)), statement)
          }
          const [since, ownSince] = [performance.now(), RunClock.nowMs()]
          yield* Effect.forEach(others, append, { concurrency: "unbounded" })
          assert.isBelow(RunClock.nowMs() - ownSince, 3_000)
          assert.isAbove(performance.now() - since, 900, "it did hold the log")
          assert.isNotNull(refusalOf(yield* run("SELECT 1")), "its session is over")
          // Sessions that append and commit at once end nobody's session.
          yield* Effect.forEach(
            Array.from({ length: 60 }, (_, index) => others[index % 2]!),
            append,
            { concurrency: "unbounded" }
          )
        })
    )

    it.effect("have one place each in the line for the audit log, however many sessions they come with", () =>
      Effect.gen(function* () {
        const crowd = yield* Effect.forEach(Array.from({ length: 12 }), () => as("halles_reader", "control"))
        let turns = 0
        yield* Effect.forEach(crowd, (sql) => Effect.forkScoped(keep(sql, () => void turns++)))
        yield* Effect.sleep("500 millis")
        const honest = yield* as("halles_identity", "control")
        for (let time = 0; time < 5; time++) {
          const before = turns
          yield* append(honest)
          // `append` ends the session that has the lock. Another one may get the lock before `append` waits for it again, but not all
          // twelve: the rest of them wait for each other.
          assert.isAtMost(turns - before, 2)
        }
      })
    )

    it.effect("leave so many statements in the audit log a minute, and no more", () =>
      Effect.gen(function* () {
        const reader = yield* as("halles_reader", "control")
        const append = `SELECT audit.append_query(format('{"id":"flood-%s","action":"sql.query","actor":"service:sql"}', g))
          FROM generate_series(1, 2000) AS g`
        assert.strictEqual(yield* tries(reader, append), "53400")
      })
    )

    it.effect("keep no setting that they gave themselves, once the databases are set up again", () =>
      Effect.gen(function* () {
        const parts = yield* Provisioned
        const reader = yield* as("halles_reader", "eu")
        for (const setting of ["statement_timeout = 0", "default_transaction_read_only = on", "search_path = public"]) {
          yield* reader.unsafe(`ALTER ROLE halles_reader SET ${setting}`)
        }
        yield* reader.unsafe("ALTER ROLE halles_reader IN DATABASE halles_eu SET lock_timeout = 0")
        yield* reader.unsafe("ALTER ROLE halles_reader PASSWORD 'mine'")
        const admins = Object.fromEntries(everywhere.map((database) => [database, parts.admin]))
        yield* provision({ admins }, parts)
        const again = yield* as("halles_reader", "eu")
        const names = [
          "statement_timeout",
          "default_transaction_read_only",
          "search_path",
          "lock_timeout",
          "temp_file_limit"
        ]
        const settings = yield* Effect.forEach(names, (name) => again.unsafe<Record<string, string>>(`SHOW ${name}`))
        assert.deepStrictEqual(
          settings.map(([row]) => Object.values(row ?? {})[0]),
          ["30s", "off", "masked, public", "2s", "128MB"]
        )
      })
    )

    it.effect("for people show histories without what says who somebody is, and the tables not at all", () =>
      Effect.gen(function* () {
        const admin = yield* asAdmin("eu")
        const address = {
          name: "Ada Lovelace",
          line1: "1 Mill Lane",
          city: "Yorkville",
          postalCode: "YO1 7HH",
          country: "GB"
        }
        const events = [
          {
            _tag: "Placed",
            at: 1,
            draft: {
              cartId: "eu_c",
              email: "ada@example.org",
              shippingAddress: address,
              paymentToken: "tok_9",
              lines: []
            }
          },
          { _tag: "CancelRequested", reason: "call Ada on 0123 456789", note: "her house burnt down", at: 2 },
          {
            _tag: "Unheard",
            somethingNew: "Countess",
            somethingElse: [1815, true, { somethingWithin: "Byron" }],
            total: 5
          }
        ]
        const text = JSON.stringify(events)
        yield* admin`
        INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Order', 'eu_m', 1, 'c', ${text}::text::jsonb, '{"actor":"acc_1"}', 1, 1, now()) ON CONFLICT DO NOTHING`
        yield* admin`
        INSERT INTO snapshot (entity_type, entity_id, seq, version, state, commands)
        VALUES ('Order', 'eu_m', 1, 1, ${text}::text::jsonb, '{}') ON CONFLICT DO NOTHING`
        const reader = yield* as("halles_reader", "eu")
        const seen = yield* Effect.forEach(
          [
            "SELECT * FROM journal",
            "SELECT * FROM journal_all WHERE entity_id = 'eu_m'",
            "SELECT * FROM snapshot",
            "TABLE masked.journal"
          ],
          (statement) => reader.unsafe(statement)
        )
        for (const rows of seen) assert.isAbove(rows.length, 0)
        const printed = JSON.stringify(seen, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))
        const personal = [
          "Ada",
          "Lovelace",
          "Mill",
          "Yorkville",
          "YO1",
          "tok_9",
          "0123",
          "burnt",
          "Countess",
          "1815",
          "Byron",
          "ada@"
        ]
        for (const one of personal) assert.notInclude(printed, one)
        for (const one of ["Placed", "GB", "eu_c", "acc_1", '"total":5']) assert.include(printed, one)
        const [stored] = yield* reader<{ events: unknown }>`SELECT events FROM journal WHERE entity_id = 'eu_m'`
        assert.deepStrictEqual(stored?.events, masked(events), "as the inspector hides it")
        for (const table of ["public.journal", "public.journal_all", "public.events_archive", "public.snapshot"]) {
          assert.strictEqual(yield* tries(reader, `SELECT * FROM ${table}`), denied, table)
        }
        assert.strictEqual(yield* tries(reader, "SELECT 1; SELECT 2"), "42601", "one statement at a time")
        const control = yield* as("halles_reader", "control")
        assert.strictEqual(yield* tries(control, "SELECT * FROM audit.entry"), denied)
        assert.strictEqual(
          yield* tries(control, `SELECT audit.append_query('{"action":"role.grant","actor":"x"}')`),
          denied
        )
        yield* control`SELECT audit.append_query(${query()})`
      })
    )

    it.effect("wait, run and idle for so long at the most, and take so many sessions and no more", () =>
      Effect.gen(function* () {
        for (const [role, login] of yield* roles) {
          const sql = yield* as(role, login.databases[0]!)
          const [set] = yield* sql<Record<string, string>>`
          SELECT current_setting('statement_timeout') AS statement, current_setting('lock_timeout') AS lock,
            current_setting('idle_in_transaction_session_timeout') AS idle`
          for (const value of Object.values(set ?? {})) assert.match(value, /^[1-9]/, role)
          if (role !== "halles_auditor") continue
          const more = yield* Effect.exit(
            Effect.forEach(Array.from({ length: login.connectionsMax + 1 }), () =>
              Effect.flatMap(as(role, "eu"), (one) => one.reserve)
            )
          )
          assert.strictEqual(refusalOf(more), "53300", "too many connections for this role")
        }
      })
    )
  }
)
