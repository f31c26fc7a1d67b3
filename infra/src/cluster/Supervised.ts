import type { Region } from "@halles/shared/Region"
import { Effect, Fiber, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { closeSync, mkdirSync, openSync } from "node:fs"
import { dirname } from "node:path"
import { ProcessState } from "./ClusterState.ts"
import type { Health } from "./Health.ts"
import { ProcessFailed } from "../InfraErrors.ts"
import * as LogFile from "./LogFile.ts"
import { identify } from "./ProcessIdentity.ts"

/** A process that is to run until its supervisor stops it. */
export interface ProcessSpec {
  readonly name: string
  readonly kind: ProcessState["kind"]
  readonly region?: Region
  readonly command: string
  readonly args: ReadonlyArray<string>
  /** The whole environment: nothing is inherited. */
  readonly env: Record<string, string>
  readonly cwd: string
  readonly port: number
  readonly log: string
  /** How to ask it to stop, and how long it may take before it is killed. */
  readonly stopSignal: ProcessState["stopSignal"]
  readonly graceMs: number
  /** The longest pause before a restart; 5 s if it is not said. */
  readonly backoffMsMax?: number
  readonly health: Health
}

/** A process that is kept running. */
export interface Supervised {
  readonly spec: ProcessSpec
  readonly state: () => ProcessState
}

/** The first restart comes after 200 ms, each next one after twice as long, up to `maxMs`; 30 s of life begin anew. */
export const backoffMs = (previousMs: number, livedMs: number, maxMs = 5_000): number =>
  livedMs >= 30_000 ? 200 : Math.min(maxMs, Math.max(200, previousMs * 2))

/** Starts a process and starts it again whenever it ends. Leaving the scope stops it: asked first, then killed. */
export const supervise = (
  spec: ProcessSpec,
  changed: (state: ProcessState) => void
): Effect.Effect<Supervised, never, Scope.Scope> => {
  let child: ChildProcess | null = null
  let state = new ProcessState({
    name: spec.name,
    kind: spec.kind,
    region: spec.region ?? null,
    identity: null,
    port: spec.port,
    upSince: null,
    restarts: 0,
    stopSignal: spec.stopSignal
  })
  const update = (change: Partial<ProcessState>) => {
    state = new ProcessState({ ...state, ...change })
    changed(state)
  }
  const start = () => {
    LogFile.rotate(spec.log)
    const running = launch(spec)
    child = running
    const identity = running.pid === undefined ? null : identify(running.pid)
    update({ identity, upSince: new Date().toISOString() })
    return running
  }
  const keep = Effect.gen(function* () {
    let delayMs = 0
    while (true) {
      const startedAt = performance.now()
      const how = yield* exit(start())
      delayMs = backoffMs(delayMs, performance.now() - startedAt, spec.backoffMsMax)
      const line = `${spec.name} ended (${how}); starting it again in ${delayMs} ms`
      yield* Effect.sync(() => {
        LogFile.note(spec.log, line)
        update({ identity: null, upSince: null, restarts: state.restarts + 1 })
      })
      yield* Effect.logWarning(line)
      yield* Effect.sleep(delayMs)
    }
  })
  const rotating = Effect.sync(() => LogFile.rotate(spec.log)).pipe(Effect.delay("10 seconds"), Effect.forever)
  return Effect.acquireRelease(Effect.forkDetach(Effect.raceFirst(keep, rotating)), (fiber) =>
    Fiber.interrupt(fiber).pipe(
      Effect.andThen(Effect.suspend(() => (child === null ? Effect.void : terminate(child, spec)))),
      Effect.andThen(Effect.sync(() => update({ identity: null, upSince: null })))
    )
  ).pipe(Effect.as({ spec, state: () => state }))
}

/** A process group of its own, so that Ctrl-C reaches the supervisor only; its output goes straight into the log file. */
const launch = (spec: ProcessSpec): ChildProcess => {
  mkdirSync(dirname(spec.log), { recursive: true })
  const log = openSync(spec.log, "a")
  try {
    const { cwd, env } = spec
    return spawn(spec.command, spec.args, { cwd, env, detached: true, stdio: ["ignore", log, log] })
  } finally {
    closeSync(log)
  }
}

/** Waits for the end of a process; gives how it ended. */
const exit = (child: ChildProcess): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const ended = () => resume(Effect.succeed(child.signalCode ?? `exit ${child.exitCode}`))
    if (child.exitCode !== null || child.signalCode !== null) return ended()
    child.once("exit", ended)
    child.once("error", (error) => resume(Effect.succeed(error.message)))
    return undefined
  })

const terminate = (child: ChildProcess, spec: ProcessSpec): Effect.Effect<void> => {
  if (child.pid === undefined) return Effect.void
  child.kill(spec.stopSignal)
  return exit(child).pipe(
    Effect.timeoutOrElse({
      duration: spec.graceMs,
      orElse: () =>
        Effect.suspend(() => {
          child.kill("SIGKILL")
          return exit(child)
        })
    }),
    Effect.asVoid
  )
}

/** Restarts before a start counts as failed: a port may be held for a moment, a server may still recover. */
const restartsMax = 4

/** Waits until a process does its work; fails early if it keeps ending. */
export const awaitHealthy = (supervised: Supervised, timeoutMs = 60_000): Effect.Effect<void, ProcessFailed> => {
  const { spec, state } = supervised
  const failed = (reason: string) =>
    new ProcessFailed({ name: spec.name, reason, log: spec.log, tail: LogFile.tail(spec.log) })
  const attempt = (deadline: number, restartsBefore: number): Effect.Effect<void, ProcessFailed> =>
    spec.health.pipe(
      Effect.catch(({ reason }) => {
        if (state().restarts - restartsBefore >= restartsMax) return Effect.fail(failed("does not stay up"))
        if (performance.now() > deadline)
          return Effect.fail(failed(`is not healthy after ${timeoutMs / 1000} s: ${reason}`))
        return Effect.andThen(Effect.sleep("100 millis"), attempt(deadline, restartsBefore))
      })
    )
  return Effect.suspend(() => attempt(performance.now() + timeoutMs, state().restarts))
}
