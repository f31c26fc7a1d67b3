import { assert, it } from "@effect/vitest"
import * as GroupCommit from "@halles/engine/journal/GroupCommit"
import type { Appended, JournalStore } from "@halles/engine/journal/JournalStore"
import { Deferred, Effect, Fiber } from "effect"

const activationOf = (entityId: string): GroupCommit.WriterLease => ({
  entityType: "Sku",
  entityId,
  shard: 1,
  epoch: 1,
  dead: false
})

/** A writer on a store that answers when it is told to, and all that happened, in order. */
const makeWriter = Effect.gen(function* () {
  const happened: Array<string> = []
  const requests: Array<Deferred.Deferred<Appended>> = []
  const marked: Array<bigint> = []
  const taken: Array<ReadonlyArray<bigint>> = []
  const append: JournalStore["Service"]["append"] = (_owner, entries, published) => {
    taken.push(published)
    happened.push(`asked ${entries.map(({ commandId }) => commandId).join(" ")}`)
    const answer = Deferred.makeUnsafe<Appended>()
    requests.push(answer)
    return Deferred.await(answer)
  }
  const writer = yield* GroupCommit.make({
    store: { append } as unknown as JournalStore["Service"],
    runner: "eu-1",
    onCommitted: ({ entries }) => void happened.push(`published ${entries.length}`),
    published: {
      take: () => [...marked],
      struckOff: (batches) => void marked.splice(0, marked.length, ...marked.filter((one) => !batches.includes(one)))
    },
    onStale: ({ lease }) => Effect.sync(() => happened.push(`stale ${lease.entityId}`))
  })
  const entry = (lease: GroupCommit.WriterLease, seq: number): GroupCommit.Entry => {
    const commandId = `${lease.entityId}${seq}`
    const onCommit = () => void happened.push(`told ${commandId}`)
    return { lease, seq, commandId, events: "[]", meta: "{}", at: 0, dueAt: undefined, onCommit }
  }
  const put = (lease: GroupCommit.WriterLease, seq: number, others: ReadonlyArray<GroupCommit.Entry> = []) =>
    Effect.forkChild(writer.appendUnsafe(entry(lease, seq), others), { startImmediately: true })
  const answer = (nth: number, appended: Appended["_tag"], rows: number) =>
    Effect.gen(function* () {
      // The writer takes a turn to gather, and one to ask.
      while (requests.length <= nth) yield* Effect.yieldNow
      const positions = Array.from({ length: rows }, (_, at) => BigInt(at))
      const said: Appended = appended === "Written" ? { _tag: "Written", batch: 1n, positions } : { _tag: appended }
      yield* Deferred.succeed(requests[nth]!, said)
    })
  const until = (what: string) =>
    Effect.gen(function* () {
      while (!happened.includes(what)) yield* Effect.yieldNow
    })
  return { happened, marked, taken, entry, put, answer, until }
})

it.effect("the database has the next batch before the entities of the last one are told", () =>
  Effect.gen(function* () {
    const { answer, happened, put, until } = yield* makeWriter
    const [a, b] = [activationOf("a"), activationOf("b")]
    const first = yield* put(a, 1)
    yield* until("asked a1")
    const second = yield* put(a, 2)
    const third = yield* put(b, 1)
    yield* answer(0, "Written", 1)
    yield* answer(1, "Written", 2)
    assert.deepStrictEqual(yield* Effect.all([first, second, third].map(Fiber.join)), [null, null, null])
    const notified = ["told a1", "published 1", "told a2", "told b1", "published 2"]
    assert.deepStrictEqual(happened, ["asked a1", "asked a2 b1", ...notified])
  })
)

it.effect("after a refusal nothing more of that activation is asked for, and its neighbours are written", () =>
  Effect.gen(function* () {
    const { answer, happened, put, until } = yield* makeWriter
    const [a, b] = [activationOf("a"), activationOf("b")]
    const refused = yield* put(a, 1)
    const written = yield* put(b, 1)
    yield* until("asked a1 b1")
    const later = yield* put(a, 2)
    const next = yield* put(b, 2)
    yield* answer(0, "Stale", 0)
    yield* answer(1, "Stale", 0)
    yield* answer(2, "Written", 1)
    yield* answer(3, "Written", 1)
    const ends = yield* Effect.all([refused, written, later, next].map(Fiber.join))
    assert.deepStrictEqual(
      ends.map((end) => end?._tag ?? null),
      ["Stale", null, "Dead", null]
    )
    assert.deepStrictEqual(
      happened.filter((line) => line.startsWith("asked") || line.startsWith("stale")),
      ["asked a1 b1", "asked a1", "stale a", "asked b1", "asked b2"]
    )
  })
)

it.effect("a joint commit is written whole or not at all, also when its batch is tried again group by group", () =>
  Effect.gen(function* () {
    const { answer, entry, happened, put, until } = yield* makeWriter
    const [a, b, c] = [activationOf("a"), activationOf("b"), activationOf("c")]
    const first = yield* put(a, 1)
    yield* until("asked a1")
    const joint = yield* put(a, 2, [entry(b, 1)])
    const neighbour = yield* put(c, 1)
    const after = yield* put(b, 2)
    yield* answer(0, "Written", 1)
    yield* until("asked b1 a2 c1 b2")
    const late = yield* put(c, 2, [entry(a, 3)])
    const later = yield* put(c, 3)
    yield* answer(1, "CommandTaken", 0)
    yield* answer(2, "CommandTaken", 0)
    yield* answer(3, "Written", 1)
    const ends = yield* Effect.all([first, joint, neighbour, after, late, later].map(Fiber.join))
    assert.deepStrictEqual(
      ends.map((end) => end?._tag ?? null),
      [null, "CommandTaken", null, "CommandTaken", "Dead", "Dead"]
    )
    assert.deepStrictEqual(
      happened.filter((line) => line.startsWith("asked")),
      ["asked a1", "asked b1 a2 c1 b2", "asked b1 a2 b2", "asked c1"]
    )
    assert.deepStrictEqual([a.dead, b.dead, c.dead], [true, true, true])
  })
)

it.effect("markers of published batches go with the next batch that is written, and stay when it is not", () =>
  Effect.gen(function* () {
    const { answer, marked, put, taken } = yield* makeWriter
    marked.push(7n, 8n)
    const refused = yield* put(activationOf("a"), 1)
    yield* answer(0, "Stale", 0)
    yield* answer(1, "Stale", 0)
    yield* Fiber.join(refused)
    assert.deepStrictEqual(marked, [7n, 8n])
    const written = yield* put(activationOf("b"), 1)
    yield* answer(2, "Written", 1)
    yield* Fiber.join(written)
    assert.deepStrictEqual(
      [marked, taken],
      [
        [],
        [
          [7n, 8n],
          [7n, 8n],
          [7n, 8n]
        ]
      ]
    )
  })
)

it.effect("a statement takes a bounded length, and the queue too; one entry always goes", () =>
  Effect.gen(function* () {
    const requests: Array<number> = []
    const gate = Deferred.makeUnsafe<void>()
    const writer = yield* GroupCommit.make({
      store: {
        append: (_owner: string, entries: ReadonlyArray<GroupCommit.Entry>) => {
          requests.push(entries.reduce((sum, { events }) => sum + events.length, 0))
          const positions = entries.map((_, at) => BigInt(at))
          return Effect.as(Deferred.await(gate), { _tag: "Written", batch: 1n, positions })
        }
      } as unknown as JournalStore["Service"],
      runner: "eu-1",
      onCommitted: () => undefined,
      published: { take: () => [], struckOff: () => undefined },
      onStale: () => Effect.void
    })
    const put = (entityId: string, length: number) => {
      const fields = { lease: activationOf(entityId), seq: 1, commandId: entityId, meta: "{}", at: 0 }
      return Effect.forkChild(
        writer.appendUnsafe({ ...fields, events: "x".repeat(length), dueAt: undefined, onCommit: () => undefined }),
        { startImmediately: true }
      )
    }
    const { batchLengthMax, queueLengthMax } = GroupCommit
    const fibers: Array<Fiber.Fiber<unknown>> = []
    while (writer.hasRoom()) fibers.push(yield* put(`e${fibers.length}`, batchLengthMax / 4))
    assert.isAtMost(fibers.length, (4 * queueLengthMax) / batchLengthMax + 1)
    fibers.push(yield* put("large", 3 * batchLengthMax))
    yield* Deferred.succeed(gate, undefined)
    yield* Effect.all(fibers.map(Fiber.join))
    assert.isTrue(
      requests.slice(0, -1).every((length) => length <= batchLengthMax),
      requests.join(" ")
    )
    assert.strictEqual(requests.at(-1), 3 * batchLengthMax)
    assert.isTrue(writer.hasRoom())
  })
)
