import { Console, Effect, Fiber } from "effect"

/** What is done from now on, and how long the program has run. On stderr: stdout has the result only. */
export const say = (line: string) =>
  Effect.suspend(() => Console.error(`${(performance.now() / 1_000).toFixed(1)} s: ${line}`))

/** Shows a line while something lasts: on a terminal it changes every second, elsewhere there is a new one every five. */
export const showing = <A, E, R>(line: () => string, during: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> => {
  const terminal = process.stderr.isTTY === true
  const show = Effect.sync(() => void process.stderr.write(terminal ? `\r\u001b[2K${line()}` : `${line()}\n`))
  return Effect.acquireUseRelease(
    Effect.forkDetach(Effect.forever(Effect.delay(show, terminal ? "1 second" : "5 seconds"))),
    () => during,
    (showing) =>
      Effect.andThen(Fiber.interrupt(showing), terminal ? Effect.andThen(show, Console.error("")) : Effect.void)
  )
}
