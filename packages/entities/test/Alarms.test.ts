import { assert, layer } from "@effect/vitest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Effect, Layer } from "effect"
import { SqlClient } from "effect/sql"
import * as Alarms from "../src/inspector/Alarms.ts"
import { objectives } from "../src/inspector/Objectives.ts"
import { migrateControl, migrateRegion } from "../src/Migrations.ts"
import * as ParkedEvents from "@halles/engine/journal/ParkedEvents"
import { RegionDatabases } from "../src/routes/Reads.ts"

/** One database is the cluster's and that of `eu`. */
const Test = RegionDatabases.layerOne.pipe(
  // One after the other: they change the same tables of the catalogue.
  Layer.provideMerge(Layer.effectDiscard(Effect.andThen(migrateRegion, migrateControl))),
  Layer.provideMerge(PgTest.layer("alarms"))
)

const now = (live?: Alarms.Live) => Alarms.alarms(live, ["eu"])
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString()

layer(Test, { excludeTestServices: true, timeout: "60 seconds" })("Alarms", (it) => {
  it.effect("name what is late, parked, doubled, gone or homeless, the worst first, and what to run next", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      assert.deepStrictEqual(
        (yield* now()).map(({ code, region, value }) => [code, region, value]),
        [["shard_homeless", "eu", 64]]
      )
      yield* sql`UPDATE shard_placement SET runner = 'eu-1', holder = 'eu-1', held_since = now()`
      assert.deepStrictEqual(yield* now(), [])

      yield* sql`INSERT INTO timer (entity_type, entity_id, shard, due_at) VALUES
        ('Cart', 'eu_late', 3, ${ago(60)}), ('Cart', 'eu_later', 3, ${ago(30)}), ('Cart', 'eu_ontime', 4, ${ago(-60)}),
        ('Cart', 'eu_parked', 5, ${ago(600)}), ('Order', 'eu_slow', 6, ${ago(0)})`
      yield* sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Order', 'eu_slow', 1, 'place', '[{"_tag":"Nonsense"}]', '{"v":1}', 6, 1, ${ago(90)})`
      yield* sql`INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
        VALUES ('Cart', 'eu_parked', 5, 'Error: broken', 5, 'eu-1')`
      yield* sql`INSERT INTO outbox_batch (runner, first_position, last_position, at) VALUES
        ('eu-1', 1, 1, ${ago(20)}), ('eu-1', 2, 2, ${ago(1)})`
      const doubled = { entity: "Sku/eu_TEA", shard: 9, refused: { owner: "eu-1" }, current: { owner: "eu-2" } }
      yield* sql`INSERT INTO alarm (kind, detail) VALUES
        ('duplicate_activation', ${JSON.stringify(doubled)}::text::jsonb),
        ('duplicate_activation', ${JSON.stringify(doubled)}::text::jsonb)`
      yield* sql`INSERT INTO alarm (kind, detail, at) VALUES
        ('duplicate_activation', ${JSON.stringify({ ...doubled, shard: 10 })}::text::jsonb, ${ago(3_600)})`
      yield* sql`INSERT INTO shard_move (region, shard, from_runner, to_runner, reason, started_at) VALUES
        ('eu', 1, 'eu-2', 'eu-1', 'dead', ${ago(40)}), ('eu', 2, 'eu-3', 'eu-1', 'dead', ${ago(40)}),
        ('eu', 3, 'eu-4', 'eu-1', 'balance', ${ago(40)})`
      yield* sql`INSERT INTO webhook.endpoint (id, owner, url, description, types, secret)
        VALUES ('we_1', 'a', 'https://a.test', '', '{}', '')`
      yield* sql`INSERT INTO webhook.delivery (endpoint_id, message_id, type, body, state) VALUES
        ('we_1', 'm1', 'order.placed', '{}', 'dead'), ('we_1', 'm2', 'order.placed', '{}', 'pending')`

      const found = yield* now({
        alive: new Set(["eu-1", "eu-3"]),
        givenUp: { count: 2, since: Date.now() - 500 },
        breakers: [{ process: "eu-1", dependency: "gateway", since: Date.now() - 1_000 }],
        auditFindings: [{ kind: "changed", seq: 7n, detail: "The row does not fit" }]
      })
      assert.deepStrictEqual(
        found.map(({ code, shard, subject }) => [code, shard, subject]),
        [
          ["timer_overdue", 3, "Cart/eu_late"],
          ["events_unpublished", 6, null],
          ["entity_parked", 5, "Cart/eu_parked"],
          ["duplicate_activation", 9, "Sku/eu_TEA"],
          ["audit_chain", null, "row 7"],
          ["saga_stuck", 6, "Order/eu_slow"],
          ["projection_behind", 6, "order"],
          ["runner_gone", null, "eu-2"],
          ["dead_letters", null, null],
          ["breaker_open", null, "eu-1 gateway"],
          ["dead_letters", null, "streams"]
        ].toSorted(byRank(found))
      )
      for (const { code, command, objective, value } of found) {
        assert.isAbove(value, objective, code)
        assert.notMatch(command, /[{}]/, code)
      }
      assert.strictEqual(found[0]!.command, "halles timers Cart/eu_late")
      assert.match(found[0]!.text, /^2 timers of shard 3 overdue, the oldest by 6\d s$/)
      const again = yield* now({ alive: new Set(["eu-3"]) })
      assert.isTrue(again.every(({ id }) => found.some((one) => one.id === id)))
    })
  )

  it.effect("name events that are set aside, until an operator has one sent again or strikes it off", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const parked = Effect.map(now({}), (all) => all.filter(({ code }) => code === "event_parked"))
      yield* sql`INSERT INTO journal (entity_type, entity_id, seq, command_id, events, meta, shard, epoch, at)
        VALUES ('Cart', 'eu_refused', 3, 'c3', '[{"_tag":"A"}]', '{"v":1}', 5, 1, now())`
      for (const wayOut of [ParkedEvents.retry, ParkedEvents.resolve]) {
        yield* sql`INSERT INTO parked_event (consumer, entity_type, entity_id, seq, shard, cause, tries)
          VALUES ('outbox', 'Cart', 'eu_refused', 3, 5, 'message size exceeds maximum allowed', 3)`
        const [alarm] = yield* parked
        assert.deepInclude(alarm, { subject: "outbox", value: 1, command: "halles dlq list", severity: "critical" })
        const [letter] = yield* ParkedEvents.list(sql, "eu", 100)
        assert.isTrue(yield* wayOut(sql, letter!))
        assert.deepStrictEqual(yield* parked, [])
      }
    })
  )

  it.effect("say that a database does not answer, and go on with the others", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      yield* sql`ALTER TABLE outbox_batch RENAME TO elsewhere`
      const found = yield* now()
      assert.deepInclude(found[0], { code: "database_away", region: "eu", severity: "critical", subject: "eu" })
      assert.isTrue(found.some(({ code }) => code === "dead_letters"))
      yield* sql`ALTER TABLE elsewhere RENAME TO outbox_batch`
    })
  )
})

/** By severity, then by age, as the alarms themselves say. */
const byRank = (found: ReadonlyArray<Alarms.Alarm>) => {
  const rank = { critical: 0, warning: 1, info: 2 }
  const of = ([code, , subject]: ReadonlyArray<unknown>) =>
    found.find((one) => one.code === code && one.subject === subject)!
  return (a: ReadonlyArray<unknown>, b: ReadonlyArray<unknown>) =>
    rank[objectives[of(a).code].severity] - rank[objectives[of(b).code].severity] || of(a).since - of(b).since
}
