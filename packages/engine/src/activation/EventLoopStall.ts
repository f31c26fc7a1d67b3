import { ActivationDirectory } from "./ActivationDirectory.ts"
import { Effect, Fiber, type Layer as Layers, Layer, Redacted } from "effect"
import { url as debuggedAt } from "node:inspector"
import { type CallSiteObject, getCallSites } from "node:util"
import { Worker } from "node:worker_threads"
import * as InHand from "./InHand.ts"
import { ShardEpochs } from "../placement/ShardEpochs.ts"

/** Between two signs of life of this thread. */
export const beatMs = 100
/** Under which name the other thread finds the function that it calls in this one. */
export const question = "halles/EventLoopStall"

/** What the other thread is told at its start. */
export interface Watched {
  readonly beats: Int32Array<SharedArrayBuffer>
  readonly regionUrl: string
  readonly runner: string
}

/** What a thread that stands still is about. */
export interface Stall {
  /** Null when it runs nothing of an entity's. */
  readonly entity: {
    readonly type: string
    readonly id: string
    readonly shard: number
    readonly epoch: number
    readonly message: string
  } | null
  /** The place in the source. */
  readonly where: string | null
}

/** The checkout that this file is part of. */
const root = new URL("../../../../", import.meta.url).href
const framesMax = 200

/** The innermost line of ours that runs, but for this file's: without what is installed, or Node's own. */
const place = (): string | null => {
  const isOurs = ({ scriptName }: CallSiteObject) =>
    scriptName.startsWith(root) && !scriptName.includes("/node_modules/") && scriptName !== import.meta.url
  const site = getCallSites(framesMax).find(isOurs)
  return site === undefined ? null : `${site.scriptName.slice(root.length)}:${site.lineNumber}:${site.columnNumber}`
}

/**
 * Has a thread of its own look whether this one goes on. A handler that never yields stops all of its process: timers, heartbeats,
 * whatever could be asked. The other thread interrupts it, learns whose code runs, has nobody load that entity meanwhile, and
 * ends the process when it does not go on (`stallWorker.ts`). As long as all is well it is only noted whose code is begun.
 */
export const layer = (options: {
  readonly regionUrl: Redacted.Redacted
  readonly runner: string
}): Layers.Layer<never, never, ShardEpochs | ActivationDirectory> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      // Who debugs a process stops it on purpose.
      if (debuggedAt() !== undefined) return
      const epochs = yield* ShardEpochs
      const directory = yield* ActivationDirectory
      /** A handler that has waited for something goes on in its own fiber. */
      const handler = (): InHand.InHand | null => {
        const fiber = Fiber.getCurrent()
        for (const activation of fiber === undefined ? [] : directory.all()) {
          for (const { fiber: its, tag } of activation.watched()) {
            if (its === fiber) return { entity: activation, message: tag }
          }
        }
        return null
      }
      const entityOf = (): Stall["entity"] => {
        const found = InHand.current() ?? handler()
        if (found === null) return null
        const { entityId, entityType, shard } = found.entity
        const epoch = epochs.current(shard)
        return epoch === undefined ? null : { type: entityType, id: entityId, shard, epoch, message: found.message }
      }
      const report = (): Stall => ({ entity: entityOf(), where: place() })
      const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
      const watched: Watched = { beats, regionUrl: Redacted.value(options.regionUrl), runner: options.runner }
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          Object.assign(globalThis, { [question]: () => JSON.stringify(report()) })
          const worker = new Worker(new URL("./stallWorker.ts", import.meta.url), { workerData: watched })
          worker.on("error", (error) =>
            Effect.runFork(Effect.logError("Nobody watches whether the process goes on", error))
          )
          worker.unref()
          return worker
        }),
        (worker) => Effect.promise(() => worker.terminate())
      )
      // Without a fiber, since it is most of what a runner at rest does.
      yield* Effect.acquireRelease(
        Effect.sync(() => setInterval(() => Atomics.add(beats, 0, 1), beatMs)),
        (beating) => Effect.sync(() => clearInterval(beating))
      )
    })
  )
