import { assert, describe, it, layer } from "@effect/vitest"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { signed, signingKey } from "@halles/shared/audit/AnchorKey"
import { publicKey, publicText } from "@halles/shared/security/DerivedKey"
import * as Anchors from "@halles/shared/audit/Anchors"
import { type Act, canonical, mask, maskAddress } from "@halles/shared/audit/AuditEntry"
import * as Signer from "@halles/shared/audit/AuditSigner"
import * as Tables from "@halles/shared/audit/AuditTables"
import { verify } from "@halles/shared/audit/AuditVerify"
import { Nats } from "@halles/shared/clients/Nats"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Cause, Effect, Exit, Layer, Logger, Option, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import * as fc from "fast-check"
import { createPublicKey } from "node:crypto"

const act = (subject: string, rest: Partial<Act> = {}): Act => ({
  actor: "account-1",
  action: "role.grant",
  subject,
  outcome: "allowed",
  ...rest
})

/** As a cluster has it; the roles stay in a server that tests share. */
const tables = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`
      DO $$ BEGIN CREATE ROLE halles_edge; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`
    yield* Tables.create
    yield* Tables.grants
  })
)
const world = AuditLog.layer.pipe(
  Layer.provideMerge(tables),
  Layer.provideMerge(Layer.merge(PgTest.layer("audit"), NatsTest.layerConnection("audit"))),
  Layer.provideMerge(NatsTest.layer),
  Layer.provideMerge(Logger.layer([]))
)

/** Whoever owns the database can do anything; the chain shows that it was done. */
const forcing = <A, E>(change: Effect.Effect<A, E, SqlClient.SqlClient>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`ALTER TABLE audit.entry DISABLE TRIGGER append_only`
    yield* change
    yield* sql`ALTER TABLE audit.entry ENABLE TRIGGER append_only`
  })

/** What a verification says after a change, which is then taken back. */
const after = <E>(
  change: Effect.Effect<unknown, E, SqlClient.SqlClient>,
  anchors: ReadonlyArray<Anchors.Anchor> = []
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE saved AS SELECT seq, at, entry, hash FROM audit.entry`
    yield* forcing(change)
    const { findings } = yield* verify(anchors)
    yield* forcing(sql`TRUNCATE audit.entry`)
    yield* sql`INSERT INTO audit.entry (seq, at, entry, hash) SELECT seq, at, entry, hash FROM saved`
    yield* sql`DROP TABLE saved`
    return findings.map(({ kind, seq }) => `${kind} ${seq}`)
  })

layer(world, { excludeTestServices: true, timeout: "60 seconds" })("the audit log", (it) => {
  it.effect("holds what was recorded, in a chain that every writer continues", () =>
    Effect.gen(function* () {
      const audit = yield* AuditLog
      yield* Effect.forEach(Array.from({ length: 300 }), (_, at) => audit.record(act(`one-${at}`)), {
        concurrency: "unbounded",
        discard: true
      })
      const writers = Array.from({ length: 3 }, (_, writer) =>
        Effect.gen(function* () {
          const another = yield* AuditLog
          yield* Effect.forEach(Array.from({ length: 20 }), (_, at) => another.record(act(`w${writer}-${at}`)))
        }).pipe(Effect.provide(Layer.fresh(AuditLog.layer)))
      )
      yield* Effect.all(writers, { concurrency: "unbounded" })
      const report = yield* verify([])
      assert.deepStrictEqual([report.rows, report.findings], [360, []])
    })
  )

  it.effect("shows a row that is changed, missing, out of order or cut off, and which", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const { head } = yield* verify([])
      const anchor = { seq: String(head.seq), hash: head.hash }
      const of = (change: Effect.Effect<unknown, unknown, SqlClient.SqlClient>) => after(change, [anchor])
      const other = canonical(act("another"), "forged")
      assert.deepStrictEqual(yield* of(sql`UPDATE audit.entry SET entry = ${other} WHERE seq = 7`), ["changed 7"])
      assert.deepStrictEqual(yield* of(sql`UPDATE audit.entry SET at = at + 1 WHERE seq = 8`), ["changed 8"])
      assert.deepStrictEqual(yield* of(sql`DELETE FROM audit.entry WHERE seq = 9`), ["missing 9"])
      assert.deepStrictEqual(
        yield* of(
          Effect.andThen(
            sql`UPDATE audit.entry SET seq = -seq WHERE seq IN (20, 21)`,
            sql`UPDATE audit.entry SET seq = 41 + seq WHERE seq < 0`
          )
        ),
        ["changed 20", "changed 21", "changed 22"]
      )
      assert.deepStrictEqual(yield* of(sql`DELETE FROM audit.entry WHERE seq > 350`), ["truncated 351"])
      assert.deepStrictEqual(yield* of(sql`DELETE FROM audit.entry`), ["truncated 1"])
      // Without an anchor a shorter log is a log like any other: this is what anchors are for.
      assert.deepStrictEqual(yield* after(sql`DELETE FROM audit.entry WHERE seq > 350`), [])
      // A tail that was cut off and written anew has the length that it had, and is another.
      const rewritten = Effect.andThen(
        sql`DELETE FROM audit.entry WHERE seq > 350`,
        sql`SELECT audit.append(ARRAY(SELECT jsonb_build_object('id', g)::text FROM generate_series(1, 10) g))`
      )
      assert.deepStrictEqual(yield* of(rewritten), ["changed 360"])
      assert.deepStrictEqual(yield* of(Effect.void), [])
      // Whoever takes the anchors away is noticed, once there should have been some.
      const aged = sql`UPDATE audit.entry SET at = at - 120000000 WHERE seq = 1`
      assert.includeMembers(yield* after(aged), ["changed 1", "unanchored 360"])
    })
  )

  it.effect("is appended to, and nothing else, by nobody", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      for (const statement of ["UPDATE audit.entry SET at = 0", "DELETE FROM audit.entry", "TRUNCATE audit.entry"]) {
        const exit = yield* Effect.exit(sql.unsafe(statement))
        assert.isTrue(Exit.isFailure(exit), statement)
      }
      const [allowed] = yield* sql<Record<string, boolean>>`
        SELECT has_table_privilege('halles_edge', 'audit.entry', 'SELECT') AS read,
          has_table_privilege('halles_edge', 'audit.entry', 'INSERT') AS insert,
          has_table_privilege('halles_edge', 'audit.entry', 'UPDATE') AS update,
          has_table_privilege('halles_edge', 'audit.entry', 'DELETE') AS delete,
          has_function_privilege('halles_edge', 'audit.append(text[])', 'EXECUTE') AS append`
      assert.deepStrictEqual(allowed, { read: true, insert: false, update: false, delete: false, append: true })
    })
  )

  it.effect("counts denied attempts that are alike, and writes an entry once however often it is sent", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.gen(function* () {
        const audit = yield* AuditLog
        const attempt = act("POST /v1/skus", { action: "edge.denied", outcome: "denied", actor: "anonymous" })
        for (let at = 0; at < 50; at++) yield* audit.record(attempt)
      }).pipe(Effect.provide(Layer.fresh(AuditLog.layer)))
      const denied = yield* sql<{ entry: string }>`
        SELECT entry FROM audit.entry WHERE action = 'edge.denied' ORDER BY seq`
      assert.deepStrictEqual(
        denied.map(({ entry }) => JSON.parse(entry).details),
        [undefined, { repeats: 49 }]
      )
      const text = canonical(act("twice"), "same")
      yield* sql`SELECT audit.append(${[text, text]}::text[])`
      yield* sql`SELECT audit.append(${[text]}::text[])`
      const [count] = yield* sql<{ count: number }>`SELECT count(*)::int AS count FROM audit.entry WHERE id = 'same'`
      assert.strictEqual(count?.count, 1)
    })
  )

  it.effect("anchors its end in the stream, out of which nothing can be taken", () =>
    Effect.gen(function* () {
      const nats = yield* Nats
      yield* Effect.provide(
        Effect.flatMap(AuditLog, (audit) => audit.record(act("anchored"))),
        Layer.fresh(AuditLog.layer)
      )
      const anchors = yield* Anchors.newest(nats, 100)
      const { findings, head } = yield* verify(anchors)
      assert.deepStrictEqual(findings, [])
      assert.deepStrictEqual(anchors.at(-1), { seq: String(head.seq), hash: head.hash })
      const purge = yield* Effect.promise(() => nats.request("$JS.API.STREAM.PURGE.AUDIT_ANCHORS"))
      assert.property(purge.json(), "error")
    })
  )

  it.effect("is signed as it grows: a log that was written anew has no signature, whatever anchors come with it", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const nats = yield* Nats
      const secret = Redacted.make("a secret of the deployment")
      const keys = [createPublicKey(signingKey(secret))]
      /** Runs the signer until the newest anchors have a property, or for so many looks. */
      const signing = (enough: (anchors: ReadonlyArray<Anchors.Anchor>) => boolean) =>
        Effect.repeat(Anchors.newest(nats, 1_000), {
          schedule: Schedule.spaced("20 millis"),
          until: enough,
          times: 200
        }).pipe(Effect.provide(Layer.fresh(Signer.layer(secret))))
      yield* Effect.provide(
        Effect.flatMap(AuditLog, (audit) => audit.record(act("signed"))),
        Layer.fresh(AuditLog.layer)
      )
      const anchors = yield* signing((found) => found.at(-1)?.signature !== undefined)
      const { head, findings, unsigned } = yield* verify(anchors, keys)
      assert.deepStrictEqual([findings, unsigned], [[], null])
      assert.isTrue(publicKey(publicText(signingKey(secret))).equals(keys[0]!))

      // Rows that no signature covers yet are told, and are a finding once they should have been signed.
      yield* sql`SELECT audit.append(${[canonical(act("later"), "later")]}::text[])`
      const next = head.seq + 1n
      assert.deepStrictEqual((yield* verify(anchors, keys)).unsigned, { from: next, to: next })

      // Who owns the database and the stream writes the log anew, and anchors it.
      yield* sql`CREATE TABLE kept AS SELECT seq, at, entry, hash FROM audit.entry`
      yield* forcing(sql`TRUNCATE audit.entry`)
      yield* sql`SELECT audit.append(ARRAY(SELECT jsonb_build_object('id', g)::text FROM generate_series(1, ${Number(next)}) g))`
      const [rewritten] = yield* sql<{ hash: string }>`SELECT hash FROM audit.entry WHERE seq = ${next}`
      const anchor = { seq: String(next), hash: rewritten!.hash }
      const own = signed(signingKey(Redacted.make("another secret")), anchor)
      const kinds = (given: ReadonlyArray<Anchors.Anchor>) =>
        Effect.map(verify(given, keys), ({ findings, unsigned }) => [
          findings.map(({ kind, seq }) => `${kind} ${seq}`),
          unsigned
        ])
      const all = { from: 1n, to: next }
      assert.deepStrictEqual(yield* kinds([anchor]), [[], all])
      assert.deepStrictEqual(yield* kinds([own]), [[`forged ${next}`], all])
      assert.deepStrictEqual(yield* kinds([{ ...anchor, signature: anchors.at(-1)!.signature! }]), [
        [`forged ${next}`],
        all
      ])
      const both = yield* kinds([...anchors, own])
      assert.includeMembers(both[0] as Array<string>, [`forged ${next}`, `changed ${head.seq}`])
      // The signer does not vouch for it either.
      const after = yield* signing(() => false).pipe(Effect.timeoutOption("500 millis"))
      assert.isTrue(Option.isNone(after))
      const still = yield* Anchors.newest(nats, 1_000)
      assert.notInclude(
        still.map(({ seq }) => seq),
        String(next)
      )
      yield* forcing(sql`TRUNCATE audit.entry`)
      yield* sql`INSERT INTO audit.entry (seq, at, entry, hash) SELECT seq, at, entry, hash FROM kept`
      yield* sql`DROP TABLE kept`
    })
  )

  it.effect("refuses acts while the database is away, and keeps attempts for later", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* Effect.gen(function* () {
        const audit = yield* AuditLog
        yield* sql`ALTER FUNCTION audit.append(text[]) RENAME TO gone`
        yield* audit.record(act("kept", { outcome: "denied", action: "later" }))
        const exit = yield* Effect.exit(audit.record(act("refused", { action: "now" })))
        yield* sql`ALTER FUNCTION audit.gone(text[]) RENAME TO append`
        assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      }).pipe(Effect.provide(Layer.fresh(AuditLog.layer)))
      const found = yield* sql<{ action: string }>`SELECT action FROM audit.entry WHERE action IN ('later', 'now')`
      assert.deepStrictEqual(found, [{ action: "later" }])
    })
  )
})

describe("an entry", () => {
  it("names nobody by mail, card or exact address", () => {
    assert.strictEqual(
      mask("sign-in of ada.l@example.com, 4111 1111 1111 1111"),
      "sign-in of a***@example.com, ***1111"
    )
    assert.strictEqual(maskAddress("203.0.113.77"), "203.0.113.0/24")
    assert.strictEqual(maskAddress("::ffff:203.0.113.77"), "203.0.113.0/24")
    assert.strictEqual(maskAddress("2001:db8:1:2:3:4:5:6"), "2001:db8:1::/48")
    fc.assert(
      fc.property(fc.emailAddress(), (email) => {
        const text = canonical(act(email, { actor: email, reason: email, details: { email } }), "id")
        const local = email.slice(0, email.lastIndexOf("@"))
        assert.isTrue(local.length === 1 || !text.includes(email))
      })
    )
  })

  it("has a statement as a whole, up to a bound, whatever stands before it", () => {
    const statement = `SELECT ${" ".repeat(5_000)} ada@example.com FROM secrets`
    const { details } = JSON.parse(canonical(act("sql", { details: { statement, other: statement } }), "id"))
    assert.strictEqual(details.statement, statement.replace("ada@", "a***@"))
    assert.isAtMost(details.other.length, 200)
    const tooLong = canonical(act("sql", { details: { statement: "\u0001".repeat(9_000) } }), "id")
    assert.isBelow(tooLong.length, 16_384)
  })

  it("is one line whose members are in order and which is bounded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.dictionary(fc.string(), fc.string()), (text, details) => {
        const line = canonical(act(text, { details, reason: text.repeat(100) }), "id")
        assert.notInclude(line, "\n")
        assert.isBelow(line.length, 16_384)
        const names = Object.keys(JSON.parse(line))
        assert.deepStrictEqual(names, names.toSorted())
      }),
      { numRuns: 25 }
    )
  })
})
