import { Context, Effect, Layer, Option, Schedule, Schema } from "effect"
import { failing } from "./Breaker.ts"
import { Nats } from "./Nats.ts"
import * as Subject from "../Subject.ts"

const everyMs = 1_000
/** What was told longer ago says nothing any more: its process has recovered, or is gone. */
export const staleMs = 5_000
/** A dependency that nobody has asked for so long is not told of. */
export const unwantedMs = 60_000
/** Processes, and dependencies of each, that are told of. */
const processesMax = 1_000
export const dependenciesMax = 50

const News = Schema.fromJsonString(
  Schema.Struct({
    process: Schema.String,
    /** `entities:eu`, `redis`, and since when, in Unix milliseconds. */
    failing: Schema.Array(Schema.Struct({ dependency: Schema.String, since: Schema.Int }))
  })
)
const encode = Schema.encodeSync(News)
const decode = Schema.decodeUnknownOption(News)

/** A dependency to which a process sends nothing for the moment. */
export interface Open {
  readonly process: string
  readonly dependency: string
  readonly since: number
}

/** Tells each second which breakers of this process are open; as long as none is, nothing. */
export const layerTell = (process: string): Layer.Layer<never, never, Nats> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const nats = yield* Nats
      yield* Effect.sync(() => {
        if (failing.size === 0 || nats.isClosed()) return
        const nowMs = Date.now()
        // Only a call finds out that a dependency is back: one that nobody wants keeps nobody waiting.
        const wanted = [...failing].filter(([, { calledAt }]) => nowMs - calledAt < unwantedMs)
        if (wanted.length === 0) return
        const reported = wanted.slice(0, dependenciesMax).map(([dependency, { since }]) => ({ dependency, since }))
        nats.publish(Subject.breakers(process), encode({ process, failing: reported }))
      }).pipe(Effect.repeat(Schedule.spaced(everyMs)), Effect.forkScoped)
    })
  )

/** Which breakers are open anywhere, as their processes tell. */
export class BreakerNews extends Context.Service<BreakerNews, { readonly open: Effect.Effect<ReadonlyArray<Open>> }>()(
  "@halles/shared/BreakerNews"
) {
  static readonly layer: Layer.Layer<BreakerNews, never, Nats> = Layer.effect(
    BreakerNews,
    Effect.gen(function* () {
      const nats = yield* Nats
      const heard = new Map<string, { readonly at: number; readonly open: ReadonlyArray<Open> }>()
      const take = (text: string) => {
        const news = Option.getOrUndefined(decode(text))
        if (news === undefined) return
        const { process } = news
        heard.delete(process)
        heard.set(process, { at: Date.now(), open: news.failing.map((one) => ({ process, ...one })) })
        const oldest = heard.keys().next().value
        if (heard.size > processesMax && oldest !== undefined) heard.delete(oldest)
      }
      yield* Effect.acquireRelease(
        Effect.sync(() =>
          nats.subscribe(Subject.breakers("*"), {
            callback: (error, message) => {
              if (error === null) take(message.string())
            }
          })
        ),
        (subscription) => Effect.sync(() => subscription.unsubscribe())
      )
      return {
        open: Effect.sync(() =>
          [...heard.values()].filter(({ at }) => Date.now() - at < staleMs).flatMap(({ open }) => open)
        )
      }
    })
  )
}
