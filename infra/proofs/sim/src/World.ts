import { Context, Duration, Effect, Logger, Random, References, Scheduler } from "effect"
import { Clock } from "effect/Clock"

/** 2026-01-01T00:00:00Z, in Unix milliseconds. */
const startMs = 1_767_225_600_000

/**
 * One process of the simulated world: a runner, or all that is outside of them. Whatever it has left to do when it is
 * killed never happens; while it is frozen it waits.
 */
export interface Process {
  readonly name: string
  alive: boolean
  frozenUntil: number
}

interface Task {
  readonly process: Process
  readonly run: () => void
}
export interface Timer extends Task {
  readonly at: number
  /** Breaks ties. */
  readonly order: number
  cancelled: boolean
}
/** A loop that looks for something now and then: between two looks that would find nothing no time is spent. */
interface Look extends Task {
  readonly at: number
  readonly everyMs: number
}

/** Sleeps that are at most so long are the looks of a loop (`Timers.ts`). */
const lookMaxMs = 250

/**
 * Time, chance and order of one simulated world, all drawn from its seed. Whatever can run does so in an order of chance;
 * when nothing can, the clock jumps to what comes next.
 */
export class World {
  /** Never dies: clients, partners, servers. */
  readonly outside: Process = { name: "outside", alive: true, frozenUntil: 0 }
  now = startMs
  steps = 0
  hash = 0x811c9dc5
  /** The next moment at which a look would find something; `Infinity` when nothing is to be found. */
  nextFind: () => number = () => Infinity
  readonly #random: Random.Random
  readonly #log: ((line: string) => void) | null
  readonly #ready: Array<Task> = []
  readonly #timers: Array<Timer> = []
  #looks: Array<Look> = []

  constructor(seed: number, log: ((line: string) => void) | null) {
    this.#random = Effect.runSync(Random.withSeed(Effect.service(Random.Random), seed))
    this.#log = log
  }

  /** 0 to `n` - 1. */
  draw(n: number): number {
    return Math.floor(this.#random.nextDoubleUnsafe() * n)
  }
  chance(probability: number): boolean {
    return probability > 0 && this.#random.nextDoubleUnsafe() < probability
  }
  between(min: number, max: number): number {
    return min + this.#random.nextDoubleUnsafe() * (max - min)
  }
  pick<A>(among: ReadonlyArray<A>): A {
    return among[this.draw(among.length)]!
  }

  /** Goes into the hash of what happened, and into the trace if one is kept; `more` into the trace only. */
  note(what: string, detail: string, more?: () => string): void {
    let hash = this.hash ^ Math.floor((this.now - startMs) * 16)
    for (let index = 0; index < what.length; index += 1) hash = Math.imul(hash ^ what.charCodeAt(index), 0x01000193)
    for (let index = 0; index < detail.length; index += 1) hash = Math.imul(hash ^ detail.charCodeAt(index), 0x01000193)
    this.hash = hash
    this.#log?.(
      `${(this.now - startMs).toFixed(1).padStart(10)} ms  ${what.padEnd(9)} ${detail}${more === undefined ? "" : ` ${more()}`}`
    )
  }

  soon(process: Process, run: () => void): void {
    this.#ready.push({ process, run })
  }

  after(ms: number, process: Process, run: () => void): Timer {
    const timer = { at: this.now + ms, order: this.draw(0x40000000), process, run, cancelled: false }
    push(this.#timers, timer)
    return timer
  }

  /** Does one thing; `false` when nothing is left to do. */
  step(): boolean {
    this.steps += 1
    const task = this.#ready.length > 0 ? this.#takeReady() : this.#jump()
    if (task === null) return false
    const { process, run } = task
    if (!process.alive) return true
    if (process.frozenUntil > this.now) {
      push(this.#timers, { at: process.frozenUntil, order: this.draw(0x40000000), process, run, cancelled: false })
      return true
    }
    run()
    return true
  }

  #takeReady(): Task {
    const ready = this.#ready
    const index = ready.length === 1 ? 0 : this.draw(ready.length)
    const task = ready[index]!
    ready[index] = ready.at(-1)!
    ready.pop()
    return task
  }

  #jump(): Task | null {
    const timers = this.#timers
    while (timers.length > 0 && (timers[0]!.cancelled || !timers[0]!.process.alive)) pop(timers)
    const look = this.#nextLook()
    const timer = timers[0]
    if (look !== null && (timer === undefined || look.at <= timer.at)) {
      this.now = Math.max(this.now, look.at)
      return look
    }
    if (timer === undefined) return null
    pop(timers)
    this.now = Math.max(this.now, timer.at)
    return timer
  }

  /** The first look that finds something, taken from the list, with the time at which it does. */
  #nextLook(): Look | null {
    this.#looks = this.#looks.filter(({ process }) => process.alive)
    const find = this.#looks.length === 0 ? Infinity : this.nextFind()
    if (find === Infinity) return null
    let best: { readonly look: Look; readonly at: number } | null = null
    for (const look of this.#looks) {
      const later = Math.max(0, Math.ceil((find - look.at) / look.everyMs))
      const at = look.at + later * look.everyMs
      if (best === null || at < best.at) best = { look, at }
    }
    if (best === null) return null
    const timer = this.#timers[0]
    if (timer !== undefined && timer.at < best.at) return null
    const { at, look } = best
    this.#looks = this.#looks.filter((one) => one !== look)
    return { ...look, at }
  }

  /** What fibers of a process run on. */
  context(process: Process, opsBeforeYield: number): Context.Context<never> {
    return Context.empty().pipe(
      Context.add(Scheduler.Scheduler, this.#scheduler(process)),
      Context.add(Scheduler.MaxOpsBeforeYield, opsBeforeYield),
      Context.add(Clock, this.clock(process)),
      Context.add(Random.Random, this.#random),
      Context.add(References.MinimumLogLevel, "None" as const),
      Context.add(Logger.CurrentLoggers, new Set<Logger.Logger<unknown, unknown>>())
    ) as Context.Context<never>
  }

  #scheduler(process: Process): Scheduler.Scheduler {
    const dispatcher: Scheduler.SchedulerDispatcher = {
      scheduleTask: (task) => this.soon(process, task),
      flush: () => undefined
    }
    return {
      executionMode: "async",
      shouldYield: (fiber) => fiber.currentOpCount >= fiber.cache.maxOpsBeforeYield,
      makeDispatcher: () => dispatcher
    }
  }

  /** With `looks` short sleeps are those of a loop that looks for something now and then. */
  clock(process: Process, looks = false): Clock {
    const millis = () => Math.floor(this.now)
    const nanos = () => BigInt(Math.floor(this.now)) * 1_000_000n
    return {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => {
        const ms = Duration.toMillis(duration)
        return Effect.callback<void>((resume) => {
          const run = () => resume(Effect.void)
          if (looks && ms <= lookMaxMs) {
            const look = { at: this.now + ms, everyMs: ms, process, run }
            this.#looks.push(look)
            return Effect.sync(() => {
              this.#looks = this.#looks.filter((one) => one !== look)
            })
          }
          const timer = this.after(ms, process, run)
          return Effect.sync(() => {
            timer.cancelled = true
          })
        })
      }
    }
  }
}

const isBefore = (a: Timer, b: Timer): boolean => a.at < b.at || (a.at === b.at && a.order < b.order)

/** A binary heap. */
const push = (heap: Array<Timer>, timer: Timer): void => {
  let index = heap.length
  heap.push(timer)
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = timer
}
const pop = (heap: Array<Timer>): void => {
  const last = heap.pop()!
  if (heap.length === 0) return
  let index = 0
  while (true) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
    if (!isBefore(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
}
