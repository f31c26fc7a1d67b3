import * as Postgres from "@halles/shared/clients/Postgres"
import { Effect, Option, Redacted, Schedule } from "effect"
import { SqlClient } from "effect/sql"
import { writeSync } from "node:fs"
import { Session } from "node:inspector"
import { workerData } from "node:worker_threads"
import { beatMs, question, type Stall, type Watched } from "./EventLoopStall.ts"

/** Who stands still for so long is asked what it is about: earlier than its neighbours take it for dead and its shards over. */
const suspectMs = 1_000
/** And for so long: it will not go on. */
const giveUpMs = 5_000
/** Nobody loads the entity for so long: until the process has given up, or has gone on. */
const quarantine = "15 seconds"
/** This thread was late itself: the machine stood still, and nobody is to blame. */
const lateMs = 300
const answerMs = 500
const lastWordsMs = 1_000

const { beats, regionUrl, runner } = workerData as Watched

const session = new Session()
session.connectToMainThread()

/** Interrupts the other thread, whatever it does, and has it tell. */
const ask = Effect.callback<Stall | null>((resume) => {
  const expression = `globalThis[${JSON.stringify(question)}]()`
  session.post("Runtime.evaluate", { expression, returnByValue: true }, (error, answer) => {
    const text: unknown = error === null ? answer.result.value : null
    resume(Effect.succeed(typeof text === "string" ? JSON.parse(text) : null))
  })
}).pipe(Effect.timeoutOption(answerMs), Effect.map(Option.getOrNull))

const causeOf = ({ entity, where }: Stall, ms: number): string =>
  `${entity?.message ?? "It"} did not yield for ${Math.round(ms / 1_000)} s${where === null ? "" : ` (${where})`}`

/** Under the epoch of its shard: of another owner's entity this process knows nothing. */
const isolate = Effect.fnUntraced(function* (stall: Stall, ms: number) {
  if (stall.entity === null) return false
  const { epoch, id, shard, type } = stall.entity
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM quarantined_entity WHERE until < now()`
  const rows = yield* sql`
    INSERT INTO quarantined_entity (entity_type, entity_id, shard, cause, runner, until)
    SELECT ${type}, ${id}, ${shard}, ${causeOf(stall, ms)}, ${runner}, now() + ${quarantine}::text::interval
    FROM shard_epoch e WHERE e.shard = ${shard} AND e.epoch = ${epoch}
    ON CONFLICT (entity_type, entity_id)
      DO UPDATE SET cause = excluded.cause, runner = excluded.runner, at = now(), until = excluded.until
    RETURNING 1`
  return rows.length > 0
})

const release = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`DELETE FROM quarantined_entity WHERE runner = ${runner}`
)

/** The entity is parked until an operator resumes it; what happened is told as an alarm. */
const tell = Effect.fnUntraced(function* (stall: Stall | null, ms: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql`
    WITH gone AS (DELETE FROM quarantined_entity WHERE runner = ${runner} RETURNING *)
    INSERT INTO parked_entity (entity_type, entity_id, shard, cause, tries, runner)
    SELECT entity_type, entity_id, shard, ${stall === null ? "" : causeOf(stall, ms)}, 1, runner FROM gone
    ON CONFLICT (entity_type, entity_id) DO NOTHING`
  const entity = stall?.entity ?? null
  const detail = {
    runner,
    ms: Math.round(ms),
    shard: entity?.shard ?? null,
    entity: entity === null ? null : `${entity.type}/${entity.id}`,
    command: entity?.message ?? null,
    where: stall?.where ?? null
  }
  yield* sql`INSERT INTO alarm (kind, detail) VALUES ('runner_blocked', ${JSON.stringify(detail)}::text::jsonb)`
})

const giveUp = Effect.fnUntraced(function* (stall: Stall | null, ms: number) {
  yield* Effect.ignore(Effect.timeout(tell(stall, ms), lastWordsMs))
  // What is logged goes through the thread that stands still.
  const message = `The process stood still for ${Math.round(ms)} ms and ends itself`
  writeSync(2, `${JSON.stringify({ level: "FATAL", message, runner, ...stall })}\n`)
  process.kill(process.pid, "SIGKILL")
})

const watch = Effect.gen(function* () {
  let beat = Atomics.load(beats, 0)
  let since = performance.now()
  let lookedAt = since
  let stall: Stall | null = null
  let isolated = false

  yield* Effect.gen(function* () {
    const now = performance.now()
    const wasLate = now - lookedAt > beatMs + lateMs
    const newest = Atomics.load(beats, 0)
    if (newest !== beat || wasLate) {
      beat = newest
      since = now
      stall = null
      if (isolated) yield* release
      isolated = false
    } else if (now - since > giveUpMs) {
      yield* giveUp(stall, now - since)
    } else if (now - since > suspectMs && !isolated) {
      stall = (yield* ask) ?? stall
      if (stall !== null) isolated = yield* isolate(stall, now - since)
    }
  }).pipe(
    Effect.catch((error) => Effect.logWarning("What stands still could not be written down", error.reason._tag)),
    Effect.ensuring(Effect.sync(() => (lookedAt = performance.now()))),
    Effect.repeat(Schedule.spaced(beatMs))
  )
})

Effect.runFork(
  Effect.provide(
    watch,
    Postgres.layer({ url: Redacted.make(regionUrl), applicationName: `halles:${runner}:stalls`, connectionsMax: 1 })
  )
)
