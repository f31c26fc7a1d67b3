import { type Context, Effect, Fiber, type Scope } from "effect"

export type Fork = (effect: Effect.Effect<void>) => Fiber.Fiber<void>

/** Runs an effect where it is called; what does not finish at once ends with the scope. */
export const makeFork = (scope: Scope.Scope, context: Context.Context<never>): Fork => {
  const runFork = Effect.runForkWith(context)
  return (effect) => {
    const fiber = runFork(effect)
    return fiber.pollUnsafe() === undefined ? Fiber.runIn(fiber, scope) : fiber
  }
}

/**
 * Runs deliveries at once, where they are made. One that has to wait (a full stream buffer) holds back the later ones
 * of its own request only: a slow stream consumer must not keep the answers of other calls, which it may be waiting for.
 */
export class InOrder {
  private readonly waiting = new Map<string | number, Array<Effect.Effect<void>>>()
  private readonly fork: Fork

  constructor(fork: Fork) {
    this.fork = fork
  }

  run(key: string | number, effect: Effect.Effect<void>): void {
    const queue = this.waiting.get(key)
    if (queue === undefined) this.start(key, effect)
    else queue.push(effect)
  }

  private start(key: string | number, effect: Effect.Effect<void>): void {
    const fiber = this.fork(effect)
    if (fiber.pollUnsafe() !== undefined) return
    if (!this.waiting.has(key)) this.waiting.set(key, [])
    fiber.addObserver(() => this.next(key))
  }

  private next(key: string | number): void {
    for (;;) {
      const effect = this.waiting.get(key)?.shift()
      if (effect === undefined) {
        this.waiting.delete(key)
        return
      }
      const fiber = this.fork(effect)
      if (fiber.pollUnsafe() === undefined) {
        fiber.addObserver(() => this.next(key))
        return
      }
    }
  }
}
