import type { Subscription } from "@nats-io/transport-node"
import { rowsOf } from "@halles/engine/journal/EventMessage"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { masked } from "@halles/entities/inspector/Masked"
import { Nats } from "@halles/shared/clients/Nats"
import { regions } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { type Cause, Clock, Context, Effect, Layer, Queue, Schedule, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { randomBytes } from "node:crypto"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import { type liveEvents, type LiveEventName, LiveTopic, type TailEvent } from "../OperatorEvents.ts"
import type * as Json from "../OperatorJson.ts"
import { ClusterView } from "./ClusterView.ts"
import { sagas } from "./SagaList.ts"
import { Streams } from "./Streams.ts"

/** Between two looks at the cluster, while somebody watches. */
const everyMs = 1_000
export const tailEveryMs = 250
/** Of the live tail; what exceeds it is counted and left out. */
export const tailMaxPerFrame = 250
export const tailBytesMax = 262_144
/** Who watch at a time; frames that wait for one of them, and that are kept for those who come back. */
export const watchersMax = 100
export const framesMax = 64
export const keptMax = 240
/** After so long a stream ends, so that who watches is looked at again. */
export const longestMs = 15 * 60_000
const heartbeat = ": still here\n\n"
const heartbeatEvery = "15 seconds"

type Data<Name extends LiveEventName> = (typeof liveEvents)[Name]["Encoded"]
type Bye = Data<"bye">["reason"]

interface Frame {
  /** Rises with each frame of this process. */
  readonly number: number
  readonly text: string
}
interface Watcher {
  readonly queue: Queue.Queue<string, Cause.Done>
  why: Bye
}

/** A shard's row without what changes by itself: the age of its epoch. */
const steady = (row: typeof Json.ShardRow.Encoded): string => {
  const [shard, runner, holder, epoch, , load, lag, parked, pinned] = row
  return JSON.stringify([shard, runner, holder, epoch, Math.round(load), Math.round(lag / 1_000), parked, pinned])
}

const frameOf = <Name extends LiveEventName>(name: Name, data: Data<Name>, id: string | null): string =>
  `${id === null ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`

/** Which events somebody watches: of any type or of one, of all entities or of one. */
interface Watched {
  readonly type: string | null
  readonly id: string | null
}

/** What a tail names: `*`, `Order,Sku` or `Order:eu_x`. */
const watchedOf = (tail: string): ReadonlyArray<Watched> =>
  tail
    .split(",")
    .slice(0, 10)
    .flatMap((one) => {
      const [, type, id = null] =
        /^(\*|[A-Z][A-Za-z]{0,20})(?::((?:eu|am|ap)_[A-Za-z0-9_-]{1,60}))?$/.exec(one.trim()) ?? []
      return type === undefined ? [] : [{ type: type === "*" ? null : type, id }]
    })

/** Tells all who watch what changes, as server-sent events. Nobody watches, nothing is read. */
export class Live extends Context.Service<
  Live,
  {
    readonly answer: (options: {
      readonly lastEventId: string | undefined
      readonly tail: string | undefined
      readonly topic: LiveTopic | undefined
    }) => Effect.Effect<HttpServerResponse.HttpServerResponse, Unavailable>
  }
>()("@halles/http/Operator/Live") {
  static readonly layer = Layer.effect(
    Live,
    Effect.suspend(() => make)
  )
}

const make = Effect.gen(function* () {
  const view = yield* ClusterView
  const nats = yield* Nats
  const streams = yield* Streams
  const databases = yield* RegionDatabases
  const clock = yield* Clock.Clock
  /** Ids of another run of this process mean nothing here. */
  const run = randomBytes(6).toString("hex")
  const watchers = new Set<Watcher>()
  let frames: Array<Frame> = []
  let number = 0
  const rows = new Map<string, string>()
  let moves = ""
  let lookedAt = 0

  const end = (watcher: Watcher, why: Bye) => {
    watcher.why = why
    watchers.delete(watcher)
    Queue.endUnsafe(watcher.queue)
  }
  /** Who does not keep up is cut off: what was left out of its stream would be missed for good. */
  const offer = (watcher: Watcher, text: string) => {
    if (!Queue.offerUnsafe(watcher.queue, text)) end(watcher, "slow")
  }
  const tell = <Name extends LiveEventName>(name: Name, data: Data<Name>) => {
    number += 1
    const frame = { number, text: frameOf(name, data, `${run}-${number}`) }
    frames.push(frame)
    if (frames.length > keptMax) frames = frames.slice(-keptMax)
    for (const watcher of watchers) offer(watcher, frame.text)
  }

  const look = Effect.gen(function* () {
    if (watchers.size === 0) return
    const shards = yield* view.shards(regions)
    const changed = shards.regions.map(({ region, rows: all }) => ({
      region,
      rows: all.filter((row) => {
        const key = `${region}/${row[0]}`
        const text = steady(row)
        if (rows.get(key) === text) return false
        rows.set(key, text)
        return true
      })
    }))
    tell("overview", yield* view.overview)
    tell("runners", yield* view.runners)
    if (changed.some((region) => region.rows.length > 0)) tell("shards", { ...shards, regions: changed })
    tell("alarms", yield* view.alarms)
    const planned = yield* Effect.option(view.moves(regions))
    const text = JSON.stringify(planned)
    if (planned._tag === "Some" && text !== moves) {
      moves = text
      tell("moves", { items: planned.value.items.slice(0, 50) })
    }
    lookedAt = clock.currentTimeMillisUnsafe()
  })
  yield* look.pipe(
    Effect.catchCause((cause) => Effect.logWarning("The cluster could not be looked at", cause)),
    Effect.repeat(Schedule.spaced(everyMs)),
    Effect.forkScoped
  )
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      for (const watcher of watchers) end(watcher, "stopping")
    })
  )

  /** All that there is, for who begins: what was kept may be older than what nobody watched. */
  const everything = Effect.gen(function* () {
    const shards = yield* view.shards(regions)
    const planned = yield* Effect.option(view.moves(regions))
    return [
      frameOf("overview", yield* view.overview, null),
      frameOf("runners", yield* view.runners, null),
      frameOf("shards", shards, null),
      frameOf("alarms", yield* view.alarms, null),
      ...(planned._tag === "Some" ? [frameOf("moves", { items: planned.value.items.slice(0, 50) }, null)] : [])
    ]
  })

  const missed = (lastEventId: string | undefined): ReadonlyArray<string> | null => {
    const [of, seen] = lastEventId?.split("-") ?? []
    const from = Number(seen)
    if (of !== run || !Number.isInteger(from) || from > number) return null
    // Frames that fell off, and a time in which nobody watched, cannot be made good one by one.
    const isWhole = from === number || (frames[0]?.number ?? Number.POSITIVE_INFINITY) <= from + 1
    const isFresh = clock.currentTimeMillisUnsafe() - lookedAt < 5 * everyMs
    return isWhole && isFresh ? frames.filter((frame) => frame.number > from).map(({ text }) => text) : null
  }

  /**
   * A tail of its own for each who asks for one: the server leaves out messages without rows of a type, and rows of other
   * entities are left out here, unparsed.
   */
  const follow = (watcher: Watcher, tail: string) =>
    Effect.gen(function* () {
      let items: Array<typeof TailEvent.Encoded> = []
      let left = 0
      let bytes = 0
      const take = (text: string) => {
        bytes += text.length
        if (items.length >= tailMaxPerFrame || bytes > tailBytesMax) {
          left += 1
          return
        }
        const row = tailEventOf(text)
        if (row !== null) items.push(row)
      }
      yield* Effect.acquireRelease(
        Effect.sync((): ReadonlyArray<Subscription> =>
          watchedOf(tail).map(({ id, type }) =>
            nats.subscribe(type === null ? Subject.events("*") : Subject.eventsOf("*", type), {
              callback: (error, message) => {
                if (error !== null) return
                for (const row of rowsOf(message.string())) {
                  if ((type ?? row.type) === row.type && (id ?? row.id) === row.id) take(row.text)
                }
              }
            })
          )
        ),
        (subscriptions) =>
          Effect.sync(() => {
            for (const subscription of subscriptions) subscription.unsubscribe()
          })
      )
      yield* Effect.sync(() => {
        bytes = 0
        if (items.length === 0 && left === 0) return
        offer(watcher, frameOf("events", { items, left }, null))
        items = []
        left = 0
      }).pipe(Effect.repeat(Schedule.spaced(tailEveryMs)), Effect.forkScoped)
    })

  const frame = (topic: LiveTopic): Effect.Effect<string, unknown> => {
    if (topic === "types") return Effect.map(view.types, (types) => frameOf("types", types, null))
    if (topic === "streams") return Effect.map(streams.all, (all) => frameOf("streams", all, null))
    const [, state] = topic.split(":") as [string, "stuck" | "open" | "refused" | "done" | undefined]
    return sagas(state === undefined ? {} : { state }).pipe(
      Effect.provideService(RegionDatabases, databases),
      Effect.map((page) => frameOf("sagas", page, null))
    )
  }
  /** However many show a list, it is read once in that time. */
  const lists = new Map(
    yield* Effect.forEach(LiveTopic.literals, (topic) =>
      Effect.map(Effect.cachedWithTTL(Effect.option(frame(topic)), everyMs / 2), (list) => [topic, list] as const)
    )
  )
  /** A list as often as the rest, where it is another than before; one that cannot be read stays as it was told. */
  const list = (watcher: Watcher, topic: LiveTopic) => {
    let lastSent = ""
    return lists.get(topic)!.pipe(
      Effect.map((read) => {
        if (read._tag === "None" || read.value === lastSent) return
        lastSent = read.value
        offer(watcher, lastSent)
      }),
      Effect.repeat(Schedule.spaced(everyMs)),
      Effect.forkScoped
    )
  }

  return Live.of({
    answer: ({ lastEventId, tail, topic }) =>
      Effect.gen(function* () {
        if (watchers.size >= watchersMax) return yield* new Unavailable()
        const stream = Stream.unwrap(
          Effect.gen(function* () {
            const queue = yield* Queue.make<string, Cause.Done>({ capacity: framesMax, strategy: "dropping" })
            const watcher: Watcher = { queue, why: "stopping" }
            const resumed = missed(lastEventId)
            watchers.add(watcher)
            yield* Effect.addFinalizer(() => Effect.sync(() => watchers.delete(watcher)))
            const first = resumed ?? (yield* everything)
            if (tail !== undefined) yield* follow(watcher, tail)
            if (topic !== undefined) yield* list(watcher, topic)
            yield* Effect.sync(() => end(watcher, "too_long")).pipe(Effect.delay(longestMs), Effect.forkScoped)
            const hello = frameOf(
              "hello",
              { at: clock.currentTimeMillisUnsafe(), resumed: resumed !== null },
              `${run}-${number}`
            )
            return Stream.fromIterable(["retry: 1000\n\n", hello, ...first]).pipe(
              Stream.concat(Stream.fromQueue(queue)),
              Stream.concat(Stream.suspend(() => Stream.succeed(frameOf("bye", { reason: watcher.why }, null))))
            )
          })
        )
        const beating = Stream.merge(
          stream,
          Stream.map(Stream.drop(Stream.tick(heartbeatEvery), 1), () => heartbeat),
          { haltStrategy: "left" }
        )
        return HttpServerResponse.stream(Stream.encodeText(beating), {
          contentType: "text/event-stream",
          headers: { "cache-control": "no-store", "x-accel-buffering": "no" }
        })
      })
  })
})

const tailEventOf = (text: string): typeof TailEvent.Encoded | null => {
  try {
    const { at, commandId, events, id, meta, seq, type } = JSON.parse(text)
    const actor = typeof meta?.actor === "string" ? meta.actor : null
    return { entity: `${type}/${id}`, seq, at, commandId, events: events.map((event: unknown) => masked(event)), actor }
  } catch {
    return null
  }
}
