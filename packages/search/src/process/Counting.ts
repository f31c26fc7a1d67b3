import * as SearchCounts from "@halles/entities/searchrule/SearchCounts"
import { Clock, Context, Effect, Latch, Layer } from "effect"
import { SqlClient } from "effect/sql"
import { countedAs, QueryCounts } from "./QueryCounts.ts"

/** What was counted is added to the table so long after it was: a process that is killed loses no more. */
const every = "10 seconds"
/** Queries that one statement adds. */
const batchMax = 2_000

/** Counts what is asked and clicked, for the reports of merchants. */
export class Counting extends Context.Service<
  Counting,
  {
    readonly asked: (text: string, isFound: boolean) => void
    /** Says whether the click was of a query. */
    readonly clicked: (text: string, position: number) => boolean
  }
>()("@halles/search/Counting") {
  static readonly layer = Layer.effect(
    Counting,
    Effect.suspend(() => make)
  )

  static readonly layerNoop = Layer.succeed(Counting, { asked: () => {}, clicked: () => true })
}

const make = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const clock = yield* Clock.Clock
  const now = () => clock.currentTimeMillisUnsafe()
  const counts = new QueryCounts()
  const some = Latch.makeUnsafe(false)
  let cleanedOn = ""

  const keep = Effect.gen(function* () {
    const taken = counts.take(now())
    for (let at = 0; at < taken.length; at += batchMax) {
      yield* Effect.tapCause(SearchCounts.add(taken.slice(at, at + batchMax)), () =>
        Effect.sync(() => counts.giveBack(taken.slice(at)))
      )
    }
    const seldom = counts.seldom(batchMax)
    if (seldom.length > 0) {
      const kept = new Set((yield* SearchCounts.addToKept(seldom)).map(({ query }) => query))
      counts.added(seldom.filter(({ query }) => kept.has(query)))
    }
    const today = new Date(now()).toISOString().slice(0, 10)
    if (today !== cleanedOn) yield* SearchCounts.dropOld(today)
    cleanedOn = today
  }).pipe(
    Effect.provideService(SqlClient.SqlClient, sql),
    Effect.tapCause((cause) => {
      some.openUnsafe()
      return Effect.logWarning("What was searched for cannot be counted, trying again", cause)
    })
  )

  yield* Effect.addFinalizer(() => Effect.ignoreCause(keep))
  yield* Effect.forkScoped(
    Effect.gen(function* () {
      yield* some.await
      yield* Effect.sleep(every)
      some.closeUnsafe()
      yield* Effect.ignoreCause(keep)
    }).pipe(Effect.forever)
  )
  return Counting.of({
    asked: (text, isFound) => {
      counts.noteAsked(countedAs(text), isFound, now())
      some.openUnsafe()
    },
    clicked: (text, position) => {
      const query = countedAs(text)
      counts.noteClick(query, position, now())
      some.openUnsafe()
      return query !== ""
    }
  })
})
