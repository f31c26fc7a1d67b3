import { type LiveEventName, liveEvents, type LiveTopic } from "@halles/http/operator/OperatorEvents"
import type * as Json from "@halles/http/operator/OperatorJson"
import { effect, signal } from "@preact/signals"
import { Schema } from "effect"
import { History } from "./History.ts"
import { ShardBoard } from "./ShardBoard.ts"
import { Tail } from "./Tail.ts"

export type Alarm = typeof Json.Alarm.Type
export type Runner = typeof Json.RunnerStatus.Type
export type Overview = typeof Json.Overview.Type
export type Move = typeof Json.Move.Type

/** `refused`: the stream will not come back by itself; somebody has to sign in, or to start the process. */
export const connection = signal<"connecting" | "live" | "lost" | "refused">("connecting")
export const overview = signal<Overview | null>(null)
export const runners = signal<ReadonlyArray<Runner> | null>(null)
export const alarms = signal<ReadonlyArray<Alarm> | null>(null)
export const moves = signal<ReadonlyArray<Move>>([])
/** Counts what the stream told of the whole cluster: who shows figures that it does not carry asks again then. */
export const beats = signal(0)
export const history = new History()
export const board = new ShardBoard()
export const tail = new Tail()
/** Which events are told: `Order`, `Order:eu_x`, `*`; none without it. */
export const tailOf = signal("")
/** Which list the stream sends; none without it. */
export const topicOf = signal<LiveTopic | "">("")
/** The newest that the stream sent of each list. */
export const lists = {
  types: signal<typeof Json.Types.Type | null>(null),
  streams: signal<typeof Json.Streams.Type | null>(null),
  sagas: signal<typeof Json.Sagas.Type | null>(null)
}

type Hearers = {
  readonly [Name in LiveEventName]: (data: (typeof liveEvents)[Name]["Type"]) => void
}

const hearers: Hearers = {
  hello: () => {
    connection.value = "live"
  },
  overview: (now) => {
    overview.value = now
    history.add(now)
    beats.value += 1
  },
  runners: ({ items }) => {
    runners.value = items
  },
  shards: (changed) => board.take(changed),
  alarms: ({ items }) => {
    alarms.value = items
  },
  moves: ({ items }) => {
    moves.value = items
  },
  events: (batch) => tail.take(batch),
  types: (types) => {
    lists.types.value = types
  },
  streams: (streams) => {
    lists.streams.value = streams
  },
  sagas: (sagas) => {
    lists.sagas.value = sagas
  },
  bye: ({ reason }) => {
    if (reason === "signed_out") close("refused")
    else connection.value = "lost"
  }
}

let source: EventSource | null = null
/** The newest frame: who asks for something else goes on from there, instead of being told all anew. */
let newest = ""

const close = (why: "lost" | "refused") => {
  source?.close()
  source = null
  connection.value = why
}

const hear = <Name extends LiveEventName>(from: EventSource, name: Name) => {
  const decode = Schema.decodeUnknownSync(Schema.fromJsonString(liveEvents[name] as Schema.Decoder<unknown>))
  from.addEventListener(name, ({ data, lastEventId }) => {
    if (lastEventId !== "") newest = lastEventId
    connection.value = "live"
    ;(hearers[name] as (data: unknown) => void)(decode(data))
  })
}

interface Question {
  readonly tail: string
  readonly topic: string
}

const open = (question: Question) => {
  source?.close()
  connection.value = "connecting"
  const made = new EventSource(
    `/v1/ops/live?${new URLSearchParams(Object.entries({ ...question, since: newest }).filter(([, value]) => value !== ""))}`
  )
  source = made
  for (const name of Object.keys(liveEvents) as ReadonlyArray<LiveEventName>) hear(made, name)
  made.addEventListener("error", () => {
    if (made !== source) return
    // The browser connects again by itself after a break, and never after an answer that is no stream.
    if (made.readyState !== EventSource.CLOSED) connection.value = "lost"
    else void lookAgain(question)
  })
}

/** Whether to sign in or to wait is told by an ordinary request. */
const lookAgain = async (question: Question) => {
  close("lost")
  const status = await fetch("/v1/ops/me").then(
    (answer) => answer.status,
    () => 0
  )
  if (status === 401 || status === 403) return close("refused")
  setTimeout(() => {
    if (source === null && connection.value === "lost") open(question)
  }, 2_000)
}

/** Listens until what it gives is called; to be begun once it is known who listens. */
export const listen = (): (() => void) => {
  const stop = effect(() => open({ tail: tailOf.value, topic: topicOf.value }))
  return () => {
    stop()
    close("lost")
  }
}
