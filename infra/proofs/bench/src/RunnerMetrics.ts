import { Effect, Schema } from "effect"

class NoMetrics extends Schema.TaggedError<NoMetrics>()("NoMetrics", { cause: Schema.Defect() }) {}
/** The runner's projections are still behind the stream. */
class Behind extends Schema.TaggedError<Behind>()("Behind", { messages: Schema.Number }) {}

/** The samples of one metric in the text format of Prometheus, summed over those whose labels have all the given ones. */
export const sum = (text: string, metric: string, labels: Readonly<Record<string, string>> = {}): number =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${metric}{`) || line.startsWith(`${metric} `))
    .filter((line) => Object.entries(labels).every(([name, value]) => line.includes(`${name}="${value}"`)))
    .reduce((total, line) => total + Number(line.slice(line.lastIndexOf(" ") + 1)), 0)

/** What a runner says of itself. */
export const read = (port: number): Effect.Effect<string, NoMetrics> =>
  Effect.tryPromise({
    try: async (signal) => {
      const answer = await fetch(`http://127.0.0.1:${port}/metrics`, { signal })
      return await answer.text()
    },
    catch: (cause) => new NoMetrics({ cause })
  })

/** A runner counts what its projections have not applied every 2 s. */
const countedEveryMs = 2_000

/** Waits until what was published is in the read tables, so that it costs nothing later. */
export const caughtUp = (port: number): Effect.Effect<void, Error> => {
  const look = Effect.gen(function* () {
    const messages = sum(yield* read(port), "halles_projection_pending_messages")
    if (messages > 0) return yield* new Behind({ messages })
  })
  return Effect.eventually(Effect.delay(look, countedEveryMs)).pipe(Effect.timeout("3 minutes"))
}
