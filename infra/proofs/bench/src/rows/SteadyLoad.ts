import * as EntityClient from "@halles/engine/activation/EntityClient"
import { Receive, Sku } from "@halles/entities/inventory/Sku"
import { CommandId, SkuId, WarehouseId } from "@halles/shared/Ids"
import { shardsPerRegion } from "@halles/shared/Region"
import { shardOf } from "@halles/shared/Shard"
import { Cause, Effect, Exit, Fiber } from "effect"

/** One call and what came of it; times of `performance.now()`. */
export interface Call {
  readonly shard: number
  readonly commandId: string
  readonly startedAt: number
  readonly endedAt: number
  /** Why it was not answered, or null. */
  readonly failure: string | null
}

/** Keys of each shard, each with a caller of its own. */
const keysOfShard = 2
/** A call that has no answer by then has failed; it is sent again under the same command id. */
const deadlineMs = 10_000

const keys = (run: string): ReadonlyArray<string> => {
  const found = new Map<number, Array<string>>()
  for (let n = 0; found.size < shardsPerRegion || [...found.values()].some(({ length }) => length < keysOfShard); n++) {
    const id = `eu_${run}-${n}`
    const ofShard = found.get(shardOf(id)) ?? []
    if (ofShard.length < keysOfShard) found.set(shardOf(id), [...ofShard, id])
  }
  return [...found.values()].flat()
}

/**
 * Durable commands with ids of their own to keys of every shard, for as long as the scope lasts; every call is recorded.
 */
export const steadyLoad = Effect.fnUntraced(function* (options: {
  readonly run: string
  /** Between an answer and the next call of a key. */
  readonly pauseMs: number
}) {
  const { pauseMs, run } = options
  const skus = yield* EntityClient.make(Sku)
  const warehouse = WarehouseId.make("eu-main")
  const calls: Array<Call> = []
  /** Acknowledged commands of each key. */
  const acknowledged = new Map<string, Set<string>>()
  const load = { stopping: false }

  const caller = Effect.fnUntraced(function* (key: string) {
    const shard = shardOf(key)
    const mine = new Set<string>()
    acknowledged.set(key, mine)
    yield* Effect.sleep(Math.random() * pauseMs)
    for (let n = 0; !load.stopping; n++) {
      const commandId = `${key}:${n}`
      const command = new Receive({ commandId: CommandId.make(commandId), warehouse, quantity: 1 })
      while (!mine.has(commandId)) {
        const startedAt = performance.now()
        const exit = yield* skus(SkuId.make(key)).Receive(command).pipe(Effect.timeout(deadlineMs), Effect.exit)
        const failure = Exit.isSuccess(exit) ? null : Cause.pretty(exit.cause).slice(0, 300)
        calls.push({ shard, commandId, startedAt, endedAt: performance.now(), failure })
        if (failure === null) mine.add(commandId)
        yield* Effect.sleep(pauseMs)
      }
    }
  })
  const callers = yield* Effect.forEach(keys(run), (key) => Effect.forkChild(caller(key)))
  return {
    calls,
    acknowledged,
    /** Ends when the call under way of each key has been answered. */
    stop: Effect.suspend(() => {
      load.stopping = true
      return Effect.forEach(callers, (fiber) => Fiber.await(fiber), { discard: true })
    })
  }
})
