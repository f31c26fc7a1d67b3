import { assert } from "@effect/vitest"
import type { CommandId } from "@halles/shared/Ids"
import { Cause, Effect, Result, Schedule, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as fc from "fast-check"
import { evolved, type Model } from "@halles/engine/eventsourced/Model"
import { replyOf } from "@halles/engine/eventsourced/Replies"

/** What one random step is made of; each entity reads a command out of it. */
const Step = fc.record({
  kind: fc.nat(999),
  key: fc.nat(3),
  place: fc.nat(2),
  units: fc.integer({ min: 1, max: 9 }),
  yes: fc.boolean(),
  /** An earlier command comes again: as it was, or its id with something else. */
  again: fc.constantFrom("same", "id", "new", "new", "new", "new", "new"),
  earlier: fc.nat(99),
  crash: fc.constantFrom("before", "during", ...Array.from({ length: 16 }, () => "no"))
})
export type Step = typeof Step extends fc.Arbitrary<infer A> ? A : never

export const sequences = (seed: number, numRuns = 6, minLength = 15, maxLength = 25) =>
  fc.sample(fc.array(Step, { minLength, maxLength, size: "max" }), { numRuns, seed })

/** An event-sourced entity to be compared with its model. */
export interface Subject<
  State,
  Command extends { readonly commandId: CommandId; readonly _tag: string },
  Event,
  PendingStep
> {
  readonly model: Model<
    State,
    Command,
    Event & { readonly _tag: string },
    { readonly _tag: string },
    PendingStep & { readonly key: string }
  >
  readonly id: string
  readonly commandOf: (step: Step, commandId: CommandId, state: State) => Command
  /** What happens outside of the entity before a step's command is sent. */
  readonly prepare?: (step: Step) => Effect.Effect<void>
  readonly send: (command: Command, writes: boolean) => Effect.Effect<unknown, { readonly _tag: string }>
  readonly view: Effect.Effect<unknown, { readonly _tag: string }>
  readonly viewOf: (now: Now<State>) => unknown
  /** What the event-sourced entity adds to a command before it decides. */
  readonly completed?: (command: Command, state: State) => Command
  /** What it refuses before it decides. */
  readonly refused?: (command: Command) => string | null
  /** The answer to a command, from the events that are in the journal under its id. */
  readonly answerOf: (command: Command, events: ReadonlyArray<Event>, now: Now<State>) => unknown
  /** What the other party answers to a pending step, as the event-sourced entity notes it. */
  readonly reply?: (pendingStep: PendingStep, state: State) => Command
}
export interface Now<State> {
  readonly state: State
  readonly seq: number
}
/** In `answerOf`: the answer is a refusal. */
export class Refused {
  readonly refused: string
  constructor(tag: string) {
    this.refused = tag
  }
}

/** What the entity answers, by its own table of replies; `null` to a message that has none. */
export const answersOf =
  <Id, Command extends { readonly _tag: string }, State, Event>(id: Id, replies: object) =>
  (command: Command, events: ReadonlyArray<Event>, now: Now<State>): unknown => {
    const reply = replyOf(replies, command._tag)
    if (reply === undefined) return null
    return Result.match(reply(id, { ...now, events, repeated: false }, command), {
      onSuccess: (value) => value ?? null,
      onFailure: ({ _tag }) => new Refused(_tag)
    })
  }

interface Row {
  readonly seq: number
  readonly commandId: string
  readonly events: unknown
  readonly at: number
}

/** Every activation of the runner is refused at its next write, dies, and is rebuilt from the journal. */
export const crash = Effect.flatMap(
  SqlClient.SqlClient,
  (sql) => sql`SELECT count(*) FROM shard_epoch_raise((SELECT array_agg(shard) FROM shard_epoch), 'crash')`
).pipe(Effect.orDie)

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))
const tryAgain = (said: { readonly answer?: unknown; readonly refused?: string }) =>
  said.refused === "Busy" ||
  (typeof said.answer === "object" && said.answer !== null && "_tag" in said.answer && said.answer._tag === "Pending")

/** Sends as a caller does: `Busy`, `Pending` and a call cut off are asked again under the same command id. */
const heard = (effect: Effect.Effect<unknown, { readonly _tag: string }>, what: string) =>
  effect.pipe(
    Effect.match({
      onSuccess: (answer) => ({ answer: plain(answer) }),
      onFailure: ({ _tag }): { readonly answer?: unknown; readonly refused?: string } => ({ refused: _tag })
    }),
    // Interrupted by a runner that gave up the shard before it began: the caller asks again, as the edge tells it to.
    Effect.catchCauseIf(Cause.hasInterruptsOnly, () => Effect.succeed({ refused: "Busy" })),
    Effect.repeat({ while: tryAgain, schedule: Schedule.spaced("50 millis") }),
    Effect.timeoutOrElse({ duration: "20 seconds", orElse: () => Effect.die(new Error(`${what}: no answer`)) })
  )

export const rowsOf = (type: string, id: string, afterSeq: number) =>
  Effect.flatMap(
    SqlClient.SqlClient,
    (sql) => sql<Row>`
      SELECT seq, command_id AS "commandId", events, (extract(epoch FROM at) * 1000)::float8 AS at
      FROM journal WHERE entity_type = ${type} AND entity_id = ${id} AND seq > ${afterSeq} ORDER BY seq`
  ).pipe(Effect.orDie)

/** The model of one entity, and the entity itself beside it. */
export const pair = <
  State,
  Command extends { readonly commandId: CommandId; readonly _tag: string },
  Event,
  PendingStep
>(
  first: Subject<State, Command, Event, PendingStep>
) => {
  const { id, model } = first
  let subject = first
  const name = `${model.type}/${id}`
  const encode = Schema.encodeSync(Schema.Array(model.Event))
  const sent: Array<Command> = []
  const written = new Map<string, ReadonlyArray<Event>>()
  const rows: Array<{ readonly seq: number; readonly commandId: string; readonly events: unknown }> = []
  let now: Now<State> = { state: model.initial, seq: 0 }

  const decide = (command: Command, at: number) =>
    model.decide(now.state, subject.completed?.(command, now.state) ?? command, at)

  /** Sent, and part of a row of another command. */
  const deferred = new Set<string>()

  /**
   * A row is of the command that was sent, or of the answer to a pending step of the model, and says what the model says: behind what
   * the model defers of the command and of answers before.
   */
  const follow = (row: Row, command: Command, what: string) => {
    const given = row.events as ReadonlyArray<{ readonly at?: number }>
    const events: Array<Event & { readonly _tag: string }> = []
    const take = (more: ReadonlyArray<Event & { readonly _tag: string }>) => {
      events.push(...more)
      now = { ...now, state: evolved(model, now.state, more, row.seq) }
    }
    const decidedOf = (one: Command) => Result.getOrThrow(decide(one, Math.round(given[events.length]?.at ?? row.at)))
    const isDeferred = (more: ReadonlyArray<Event & { readonly _tag: string }>) =>
      model.isDeferred?.(now.state, more) === true
    const resumed = model.resumed?.(now.state) ?? []
    const isResumed = JSON.stringify(given.slice(0, resumed.length)) === JSON.stringify(encode(resumed))
    if (resumed.length > 0 && isResumed) take(resumed)
    for (let isOver = false; !isOver;) {
      const isSent = row.commandId === command.commandId
      if (!isSent && !written.has(command.commandId) && !deferred.has(command.commandId)) {
        const more = decidedOf(command)
        if (more.length > 0 && isDeferred(more)) {
          deferred.add(command.commandId)
          take(more)
          continue
        }
      }
      const pendingStep = isSent ? null : (model.next?.(now.state) ?? null)
      if (!isSent && (pendingStep === null || subject.reply === undefined)) {
        assert.fail(`${what}: row ${row.seq} of ${row.commandId}, and nothing is owed`)
      }
      const done = pendingStep === null ? command : subject.reply!(pendingStep, now.state)
      const more = decidedOf(done)
      isOver = row.commandId === `${done.commandId}` || !isDeferred(more)
      if (isOver) assert.strictEqual(row.commandId, `${done.commandId}`, what)
      take(more)
    }
    // The events that answers to joint steps lead to are in the same row, where the answers came at once.
    while (given.length > events.length) {
      const joint = model.next?.(now.state) ?? null
      if (joint === null || model.isJoint?.(joint) !== true || subject.reply === undefined) break
      take(decidedOf(subject.reply(joint, now.state)))
    }
    assert.isFalse(written.has(row.commandId), `${what}: ${row.commandId} is written twice`)
    now = { ...now, seq: now.seq + 1 }
    written.set(row.commandId, events)
    rows.push({ seq: now.seq, commandId: row.commandId, events: plain(encode(events)) })
    assert.deepStrictEqual({ seq: row.seq, commandId: row.commandId, events: row.events }, rows.at(-1), what)
  }

  /** All that comes of a command, until no step is pending any more; `moments` are the states from its own row on. */
  const settle = Effect.fnUntraced(function* (command: Command, writes: boolean, what: string) {
    const moments: Array<Now<State>> = writes ? [] : [now]
    for (let left = 1_000; left > 0; left--) {
      const fresh = yield* rowsOf(model.type, id, now.seq)
      if (!writes && fresh.length > 0) assert.fail(`${what}: ${fresh.length} rows for what writes nothing`)
      for (const row of fresh) {
        follow(row, command, what)
        moments.push(now)
      }
      if (moments.length > 0 && (model.next?.(now.state) ?? null) === null) return moments
      yield* Effect.sleep("20 millis")
    }
    return assert.fail(`${what}: it does not come to rest at ${JSON.stringify(now.state)}`)
  })

  const step = Effect.fnUntraced(function* (step: Step) {
    const before = sent.length === 0 || step.again === "new" ? undefined : sent[step.earlier % sent.length]
    const what = `${name} step ${sent.length + 1}`
    // What was deferred has no row under its id: with another command the id is new.
    deferred.clear()
    yield* subject.prepare?.(step) ?? Effect.void
    if (step.crash === "before") yield* crash
    const commandId = (before?.commandId ?? `c${sent.length}`) as CommandId
    const command =
      before !== undefined && step.again === "same" ? before : subject.commandOf(step, commandId, now.state)
    sent.push(command)
    const about = `${what} ${command._tag} ${command.commandId} crash ${step.crash}`

    const known = written.get(command.commandId)
    const early = subject.refused?.(command) ?? null
    const decided = decide(command, Date.now())
    const writes = early === null && known === undefined && Result.isSuccess(decided) && decided.success.length > 0
    const send = heard(subject.send(command, writes), about)
    const [said] = yield* Effect.all([send, step.crash === "during" ? crash : Effect.void], {
      concurrency: "unbounded"
    })
    const moments = yield* settle(command, writes, about)

    const expected = moments.map((moment) => {
      if (early !== null) return { refused: early }
      if (known === undefined && Result.isFailure(decided)) return { refused: decided.failure._tag }
      const answer = subject.answerOf(command, written.get(command.commandId) ?? [], moment)
      return answer instanceof Refused ? { refused: answer.refused } : { answer: plain(answer) }
    })
    const fits = expected.find((one) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(said)))
    if (fits === undefined) assert.deepStrictEqual(said as unknown, expected.at(-1), about)
    return { tag: command._tag, refused: "refused" in said }
  })

  /** What the entity shows is what the model shows, and the journal is the model's list of events. */
  const compare = Effect.fnUntraced(function* (when: string, view = subject.view) {
    const viewReply = yield* heard(view, `${name} view ${when}`)
    const model_ = subject.viewOf(now)
    assert.deepStrictEqual(
      viewReply as unknown,
      model_ === null ? { refused: "NotFound" } : { answer: plain(model_) },
      `${name} ${when}`
    )
    const stored = yield* rowsOf(model.type, id, 0)
    assert.deepStrictEqual(
      stored.map(({ commandId, events, seq }) => ({ seq, commandId, events })),
      rows,
      `${name} ${when}`
    )
  })

  /** Goes on with the activation of another runner. */
  const on = (next: Subject<State, Command, Event, PendingStep>) => {
    subject = next
    return { step, compare }
  }

  return { type: model.type, id, step, compare, on, now: () => now }
}

const sorted = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(sorted)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(
          Object.entries(value)
            .toSorted(([a], [b]) => (a < b ? -1 : 1))
            .map(([key, one]) => [key, sorted(one)])
        )
      : value
