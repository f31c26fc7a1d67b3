import { Nats } from "@halles/shared/clients/Nats"
import { Notice } from "@halles/shared/Notice"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { type Duration, Effect } from "effect"

/** News may be lost on their way: whoever waits for them looks this often all the same. */
const restMax = "30 seconds"

/** A notice that is given with each event of the region's media, until the scope closes. */
export const open = Effect.fnUntraced(function* (region: Region) {
  const nats = yield* Nats
  const news = new Notice()
  yield* Effect.acquireRelease(
    Effect.sync(() => nats.subscribe(Subject.eventsOf(region, "Media"), { callback: () => news.give() })),
    (subscription) => Effect.sync(() => subscription.unsubscribe())
  )
  return news
})

/**
 * Looks for ever, at least `every` apart. After a look that finds nothing it rests until there are news. The read table follows the
 * events: news that came less than `every` before a look may not be in the table yet, and are looked for once more.
 */
export const repeat = <E, R>(news: Notice, every: Duration.Input, look: Effect.Effect<boolean, E, R>) =>
  Effect.suspend(() => {
    const came = news.next()
    return Effect.sleep(every).pipe(
      Effect.andThen(look),
      Effect.flatMap((found) => (found ? Effect.void : Effect.timeoutOption(came, restMax)))
    )
  }).pipe(Effect.forever)
