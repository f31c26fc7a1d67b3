import { Deferred, Effect } from "effect"

/**
 * Work that is done once for all who ask for the same key meanwhile. It belongs to the scope, not to who asked first: that one may go
 * away, as when its request ends before the work does.
 */
export const make = <A, E>() =>
  Effect.map(Effect.scope, (scope) => {
    const underWay = new Map<string, Deferred.Deferred<A, E>>()
    return {
      /** Keys of work that has not ended. */
      underWay: underWay as ReadonlyMap<string, unknown>,
      run: (key: string, work: Effect.Effect<A, E>): Effect.Effect<A, E> =>
        Effect.suspend(() => {
          const running = underWay.get(key)
          if (running !== undefined) return Deferred.await(running)
          const answer = Deferred.makeUnsafe<A, E>()
          underWay.set(key, answer)
          const whole = Effect.onExit(work, (exit) => {
            underWay.delete(key)
            return Deferred.done(answer, exit)
          })
          return Effect.andThen(Effect.forkIn(whole, scope), Deferred.await(answer))
        })
    }
  })
