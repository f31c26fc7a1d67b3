import { assert } from "@effect/vitest"
import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import type { Commanded, Tagged } from "@halles/engine/eventsourced/Kind"
import { evolved } from "@halles/engine/eventsourced/Model"
import { replyOf } from "@halles/engine/eventsourced/Replies"
import { Shows } from "@halles/shared/wire/Operation"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Context, Equal, Result, Schema } from "effect"
import type { HttpApiGroup } from "effect/http-api"
import type { Rpc } from "effect/rpc"
import type { Domain } from "../src/Domain.ts"
import { domains } from "../src/Domains.ts"

/** A command, and the time at which it is decided, in Unix milliseconds. */
export interface Step {
  readonly command: Commanded
  readonly now: number
}

const throughText = (stored: unknown): unknown => JSON.parse(JSON.stringify(stored))

/** What the contract allows as the answer to a message. */
const allowedOf = ({ contract }: Domain, tag: string) => {
  const { errorSchema, successSchema } = contract.protocol.requests.get(tag) as unknown as Rpc.AnyWithProps
  return { refusal: Schema.is(errorSchema), success: Schema.is(successSchema) }
}

/** Puts what a message is answered with on the wire, as each route does that shows it, and takes it from there again. */
const wiresOf = (type: string) => {
  const endpoints = domains.flatMap(({ routes }) =>
    Object.entries((routes?.api as HttpApiGroup.Top | undefined)?.endpoints ?? {})
  )
  const wires = endpoints.flatMap(([name, { annotations }]) => {
    const shows = Context.get(annotations, Shows)
    if (shows === null || shows.type !== type) return []
    const encode = ViewJson.encoder(shows.json)
    const read = Schema.decodeUnknownResult(shows.json as Schema.Codec<unknown, unknown>)
    return [{ name, message: shows.message, through: (value: object) => read(throughText(encode(value))) }]
  })
  return Map.groupBy(wires, ({ message }) => message)
}

/**
 * The laws of every domain, along one history of one entity:
 *
 * - `decide` gives events, or a refusal that the contract declares for the command; it never throws.
 * - Events and states survive the journal: what is read back is what was written, and goes on as if it had never been away.
 * - What a command and `View` are answered with is what the contract says, and what routes put on the wire of it is what they promise.
 * - The read table takes the events.
 *
 * Gives the tags of all events, so that a test can say which ones it has seen.
 */
export const laws = (domain: Domain, id: string): ((steps: ReadonlyArray<Step>) => ReadonlySet<string>) => {
  const { begin, contract, model, table } = domain
  const { decodeEvents, encodeEvents } = codecsOf(model)
  const encodeState = Schema.encodeSync(model.State)
  const decodeState = Schema.decodeUnknownSync(model.State)
  const allowed = new Map([...contract.protocol.requests.keys()].map((tag) => [tag, allowedOf(domain, tag)] as const))

  const wires = wiresOf(domain.type)

  const answered = (tag: string, message: unknown, state: unknown, seq: number, events: ReadonlyArray<Tagged>) => {
    const reply = replyOf(model.replies, tag)
    if (reply === undefined) return
    const { refusal, success } = allowed.get(tag)!
    Result.match(reply(id, { state, seq, events, repeated: false }, message), {
      onSuccess: (value) => {
        assert.isTrue(success(value), `${tag} is answered with ${JSON.stringify(value)}`)
        for (const { name, through } of wires.get(tag) ?? []) {
          const read = through(value as object)
          assert.isTrue(Result.isSuccess(read), `${name} shows ${JSON.stringify(value)}: ${String(read)}`)
        }
      },
      onFailure: (refused) => assert.isTrue(refusal(refused), `${tag} is refused with ${refused._tag}`)
    })
  }
  return (steps) => {
    const seen = new Set<string>()
    let state = model.initial
    let followed = begin(id)
    let row: object | null = null
    for (const { command, now } of steps) {
      const { _tag } = command
      const decided = model.decide(state, command, now)
      // An entity that was rebuilt from its snapshot decides and shows the same.
      const rebuilt = decodeState(throughText(encodeState(state)))
      assert.isTrue(Equal.equals(rebuilt, state), `before ${_tag}: ${JSON.stringify(state)}`)
      assert.deepStrictEqual(model.decide(rebuilt, command, now), decided, `${_tag}, rebuilt`)
      assert.deepStrictEqual(model.dueAt?.(rebuilt), model.dueAt?.(state))
      assert.deepStrictEqual(model.next?.(rebuilt), model.next?.(state))
      if (Result.isFailure(decided)) {
        // Commands that only the entity sends itself are not of the contract.
        const isDeclared = allowed.get(_tag)?.refusal(decided.failure) !== false
        assert.isTrue(isDeclared, `the contract declares no ${decided.failure._tag} for ${_tag}`)
        continue
      }
      const events = decided.success
      if (events.length > 0) {
        for (const event of events) seen.add(event._tag)
        const stored = throughText(encodeEvents(events)) as ReadonlyArray<unknown>
        const read = decodeEvents(stored)
        assert.deepStrictEqual(read, events, _tag)
        assert.deepStrictEqual(encodeEvents(read), stored, _tag)
        state = evolved(model, state, events, followed.seq + 1)
        followed = followed.after(stored)
        if (table !== null) row = table.fold(row, { at: now, events: stored })
      }
      const view = replyOf(model.replies, "View")!(
        id,
        { state, seq: followed.seq, events: [], repeated: false },
        undefined
      )
      assert.deepStrictEqual(followed.view, Result.getOrNull(view))
      answered(_tag, command, state, followed.seq, events)
      answered("View", undefined, state, followed.seq, [])
    }
    return seen
  }
}
