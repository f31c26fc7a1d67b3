import { Effect, type Scope } from "effect"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { ClusterState, type ProcessState, read, write } from "./cluster/ClusterState.ts"
import { AlreadyRunning, StateUnusable } from "./InfraErrors.ts"
import { halles, type Layout, lockFile, servers, stateFile } from "./Layout.ts"
import { isRoot, ownersAlone, passable } from "./servers/OwnersAlone.ts"
import { identify, isAlive, ProcessIdentity, signal } from "./cluster/ProcessIdentity.ts"

/** A state directory that this process alone may use, and the state that it shows to others. */
export interface StateDirectory {
  readonly layout: Layout
  readonly state: () => ClusterState
  readonly update: (change: Partial<ClusterState>) => void
  /** Adds a process, or replaces the one of that name. */
  readonly show: (process: ProcessState) => void
}

/** Takes a state directory: makes it, locks it, and stops what a killed supervisor left running. Gives it back at the end of the scope. */
export const claim = (
  layout: Layout,
  options: { readonly empty?: boolean } = {}
): Effect.Effect<StateDirectory, AlreadyRunning | StateUnusable, Scope.Scope> =>
  Effect.gen(function* () {
    const self = yield* Effect.acquireRelease(lock(layout), (held) =>
      Effect.sync(() => (holds(layout, held) ? rmSync(lockFile(layout)) : undefined))
    )
    yield* stopLeftovers(layout)
    if (options.empty === true) empty(layout)
    let state = new ClusterState({
      version: 1,
      phase: "starting",
      message: "starting",
      portBase: layout.portBase,
      supervisor: self,
      sources: {},
      nats: "",
      redis: "",
      counters: "",
      databases: {},
      processes: []
    })
    const update = (change: Partial<ClusterState>) => {
      state = new ClusterState({ ...state, ...change })
      write(layout, state)
    }
    const show = (process: ProcessState) => {
      const index = state.processes.findIndex(({ name }) => name === process.name)
      update({ processes: index < 0 ? [...state.processes, process] : state.processes.with(index, process) })
    }
    update({})
    // A failure stays to be read by who asked for the start.
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        if (state.phase !== "failed" && holds(layout, self)) rmSync(stateFile(layout), { force: true })
      })
    )
    return { layout, state: () => state, update, show }
  })

/** The process that holds a state directory now; null if none does. */
export const owner = (layout: Layout): ProcessIdentity | null => {
  try {
    const identity = new ProcessIdentity(JSON.parse(readFileSync(lockFile(layout), "utf8")))
    return isAlive(identity) ? identity : null
  } catch {
    return null
  }
}

/** Whether the directory is still this process's: somebody may have removed it and begun anew. */
const holds = (layout: Layout, self: ProcessIdentity): boolean => owner(layout)?.pid === self.pid

/** Removes everything but the lock. */
const empty = (layout: Layout): void => {
  for (const name of readdirSync(layout.directory)) {
    const path = join(layout.directory, name)
    if (path !== lockFile(layout)) rmSync(path, { recursive: true, force: true })
  }
  mkdirSync(join(layout.directory, "logs"), { mode: 0o700 })
}

/** As root, programs of ours that another user runs: `DebianPackages.ts` says who. */
const shared: ReadonlySet<string> = new Set(isRoot ? [join(servers, "postgres")] : [])

const lock = (layout: Layout): Effect.Effect<ProcessIdentity, AlreadyRunning | StateUnusable> =>
  Effect.suspend((): Effect.Effect<ProcessIdentity, AlreadyRunning | StateUnusable> => {
    const path = lockFile(layout)
    const self = identify(process.pid) ?? new ProcessIdentity({ pid: process.pid, started: "" })
    try {
      mkdirSync(layout.directory, { recursive: true })
      mkdirSync(join(layout.directory, "logs"), { recursive: true })
      for (const path of readdirSync(layout.directory)) ownersAlone(join(layout.directory, path), shared)
      for (const path of [layout.directory, halles, servers]) if (existsSync(path)) chmodSync(path, passable)
      const holder = owner(layout)
      if (holder !== null) return Effect.fail(new AlreadyRunning({ path: layout.directory, pid: holder.pid }))
      rmSync(path, { force: true })
      writeFileSync(path, JSON.stringify(self), { flag: "wx", mode: 0o600 })
      return Effect.succeed(self)
    } catch (error) {
      const reason = `cannot be used by this user (${(error as Error).message}). Is it another user's? Remove it, or run as that user`
      return Effect.fail(new StateUnusable({ path: dirname(path), reason }))
    }
  })

/** Who stops first: clients before what they call. */
const stopOrder = ["edge", "runner", "partner", "server"] as const
const graceMs = 10_000

/** Stops the processes that the last state names and that still live. Gives their names. */
export const stopLeftovers = (layout: Layout): Effect.Effect<ReadonlyArray<string>> =>
  Effect.gen(function* () {
    const left = (read(layout)?.processes ?? []).filter(lives)
    for (const kind of stopOrder) {
      const group = left.filter((process) => process.kind === kind)
      for (const process of group) if (process.identity !== null) signal(process.identity, process.stopSignal)
      yield* untilGone(group, graceMs)
      for (const process of group) if (process.identity !== null) signal(process.identity, "SIGKILL")
      yield* untilGone(group, graceMs)
    }
    return left.map(({ name }) => name)
  })

const lives = ({ identity }: ProcessState): boolean => identity !== null && isAlive(identity)

const untilGone = (processes: ReadonlyArray<ProcessState>, timeoutMs: number): Effect.Effect<void> =>
  Effect.gen(function* () {
    const deadline = performance.now() + timeoutMs
    while (processes.some(lives) && performance.now() < deadline) yield* Effect.sleep("50 millis")
  })
