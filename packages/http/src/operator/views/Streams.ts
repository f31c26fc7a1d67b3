import { type ConsumerInfo, jetstreamManager, type StreamInfo } from "@nats-io/jetstream"
import { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import type { Live } from "@halles/entities/inspector/Alarms"
import { Context, Effect, Layer, Option } from "effect"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"
import type * as Json from "../OperatorJson.ts"
import { stream as letters } from "./DeadLetters.ts"

/** Streams that are shown, and consumers of each. */
const streamsMax = 100
const consumersMax = 200
const freshFor = "2 seconds"
const answerMsMax = 3_000

interface Known {
  readonly streams: ReadonlyArray<StreamInfo>
  readonly consumers: ReadonlyArray<ConsumerInfo>
}

const take = async <A>(list: AsyncIterable<A>, max: number): Promise<ReadonlyArray<A>> => {
  const taken: Array<A> = []
  for await (const one of list) {
    if (taken.length >= max) break
    taken.push(one)
  }
  return taken
}

const time = (text: string | undefined): number | null => {
  const at = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(at) || at <= 0 ? null : at
}

/** The streams of the cluster and those who read them. */
export class Streams extends Context.Service<
  Streams,
  {
    readonly all: Effect.Effect<typeof Json.Streams.Encoded, Unavailable>
    /** Messages that the projection which is furthest behind has not applied; null when NATS does not answer. */
    readonly projectionLag: (region: Region) => Effect.Effect<number | null>
    /** Messages that their consumers gave up, and since when; none when NATS does not answer. */
    readonly givenUp: Effect.Effect<NonNullable<Live["givenUp"]>>
  }
>()("@halles/http/Operator/Streams") {
  static readonly layer: Layer.Layer<Streams, never, Nats> = Layer.effect(
    Streams,
    Effect.gen(function* () {
      const nats = yield* Nats
      const read = Effect.tryPromise(async (): Promise<Known> => {
        const manager = await jetstreamManager(nats)
        const streams = await take(manager.streams.list(), streamsMax)
        const consumers = await Promise.all(
          streams.map(({ config }) => take(manager.consumers.list(config.name), consumersMax))
        )
        return { streams, consumers: consumers.flat() }
      }).pipe(
        Effect.timeout(answerMsMax),
        Effect.mapError(() => new Unavailable())
      )
      const known = yield* Effect.cachedWithTTL(read, freshFor)
      return {
        all: Effect.map(known, ({ consumers, streams }) => ({
          at: Date.now(),
          streams: streams.map(({ config, state }) => ({
            name: config.name,
            messages: state.messages,
            bytes: state.bytes,
            firstSeq: state.first_seq,
            lastSeq: state.last_seq,
            lastAt: time(state.last_ts)
          })),
          consumers: consumers.map(
            ({ delivered, name, num_ack_pending, num_pending, num_redelivered, stream_name }) => ({
              stream: stream_name,
              name,
              pending: num_pending,
              ackPending: num_ack_pending,
              redelivered: num_redelivered,
              lastActive: time(delivered.last_active as unknown as string | undefined)
            })
          )
        })),
        projectionLag: (region) =>
          Effect.catch(
            Effect.map(known, ({ consumers }) =>
              Math.max(
                0,
                ...consumers
                  .filter(
                    ({ name, stream_name }) => stream_name === Subject.eventStream(region) && name.startsWith("view_")
                  )
                  .map(({ num_ack_pending, num_pending }) => num_pending + num_ack_pending)
              )
            ),
            () => Effect.succeed(null)
          ),
        givenUp: Effect.map(Effect.option(known), (found) => {
          const state = Option.getOrNull(found)?.streams.find(({ config }) => config.name === letters)?.state
          return { count: state?.messages ?? 0, since: time(state?.first_ts) ?? Date.now() }
        })
      }
    })
  )
}
