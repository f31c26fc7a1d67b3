import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { publicKey } from "@halles/shared/security/DerivedKey"
import * as Anchors from "@halles/shared/audit/Anchors"
import { verify } from "@halles/shared/audit/AuditVerify"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Config, Console, Effect, Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { SqlClient } from "effect/sql"

/** Anchors that are looked at; the newest vouch for all rows before them. */
const anchorsMax = 10_000
const listMax = 10_000

const database = Layer.unwrap(
  Effect.map(Config.Redacted("HALLES_PG_CONTROL_URL"), (url) =>
    Postgres.layer({ url, applicationName: "halles:audit", connectionsMax: 1 })
  )
)
const stream = Layer.unwrap(Effect.map(Config.Redacted("HALLES_NATS_URL"), (url) => Nats.layer({ url, name: "audit" })))

const json = Flag.Boolean("json").pipe(Flag.withDescription("Print the last line only"), Flag.withDefault(false))

const verifyCommand = Command.make(
  "verify",
  { json },
  Effect.fn("audit.verify")(function* ({ json }) {
    const anchors = yield* Effect.flatMap(Nats, (nats) => Anchors.newest(nats, anchorsMax))
    const keys = yield* Config.String("HALLES_AUDIT_PUBLIC_KEYS")
    const { findings, head, rows, unsigned } = yield* verify(anchors, keys.split(",").map(publicKey))
    if (!json) {
      yield* Console.log(`${rows} rows up to ${head.seq}, compared with ${anchors.length} anchors`)
      const span = unsigned === null ? "every row" : `all but rows ${unsigned.from} to ${unsigned.to}`
      yield* Console.log(`signatures cover ${span}`)
      for (const { detail, kind, seq } of findings) yield* Console.log(`${kind} row ${seq}: ${detail}`)
    }
    const summary = {
      ok: findings.length === 0,
      rows,
      anchors: anchors.length,
      unsigned: unsigned === null ? null : { from: String(unsigned.from), to: String(unsigned.to) },
      head: { seq: String(head.seq), hash: head.hash },
      findings: findings.map(({ kind, seq }) => ({ kind, seq: String(seq) }))
    }
    yield* Console.log(JSON.stringify(summary))
    yield* Effect.sync(() => (process.exitCode = findings.length === 0 ? 0 : 1))
  })
).pipe(
  Command.withDescription(
    "Compare every row of the audit log with the one before it, and its end with what was anchored; exit code 1 when a row " +
      "was changed, is missing or out of order, when the end was cut off, when an anchor is forged, or when rows have gone unsigned for a minute"
  ),
  Command.provide(Layer.merge(database, stream))
)

const listCommand = Command.make(
  "list",
  {
    actor: Flag.String("actor").pipe(Flag.withDescription("Who: an account, a client or a tool"), Flag.optional),
    action: Flag.String("action").pipe(
      Flag.withDescription("What, or its beginning: edge.denied, sign_in"),
      Flag.optional
    ),
    limit: Flag.Int("limit").pipe(Flag.withDescription("The newest so many"), Flag.withDefault(100)),
    json: Flag.Boolean("json").pipe(Flag.withDescription("One object a line"), Flag.withDefault(false))
  },
  Effect.fn("audit.list")(function* ({ action, actor, json, limit }) {
    const sql = yield* SqlClient.SqlClient
    const who = Option.getOrNull(actor)
    const what = Option.getOrNull(action)
    const rows = yield* sql<{ seq: bigint; at: bigint; entry: string }>`
      SELECT seq, at, entry FROM audit.entry
      WHERE (${who}::text IS NULL OR actor = ${who}) AND (${what}::text IS NULL OR starts_with(action, ${what}))
      ORDER BY seq DESC LIMIT ${Math.min(limit, listMax)}::int`
    for (const { at, entry, seq } of rows.toReversed()) {
      const when = new Date(Number(at / 1_000n)).toISOString()
      const act = JSON.parse(entry) as Record<string, unknown>
      const { action, actor, id: _, outcome, subject, ...rest } = act
      const more = Object.keys(rest).length === 0 ? "" : ` ${JSON.stringify(rest)}`
      yield* Console.log(
        json
          ? JSON.stringify({ seq: String(seq), at: when, ...act })
          : `${seq} ${when} ${String(outcome)} ${String(actor)} ${String(action)} ${String(subject)}${more}`
      )
    }
  })
).pipe(Command.withDescription("Print rows of the audit log, oldest first; never writes"), Command.provide(database))

const audit = Command.make("audit").pipe(
  Command.withDescription("The audit log: who did what, and whether the log is whole"),
  Command.withSubcommands([verifyCommand, listCommand])
)

Command.run(audit, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
