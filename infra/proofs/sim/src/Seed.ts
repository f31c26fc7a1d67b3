import { Effect, Exit } from "effect"
import { Cluster, type Plan } from "./Cluster.ts"
import * as Shoppers from "./Shoppers.ts"
import * as Verdict from "./Verdict.ts"
import { World } from "./World.ts"

/** Steps of one seed; one that has not come to rest by then never will. */
const stepsMax = 40_000
/** Faults come within so many steps. */
const faultyStepsMax = 500

export interface Outcome {
  readonly seed: number
  readonly steps: number
  readonly hash: number
  readonly rows: number
  readonly orders: number
  readonly crashes: number
  readonly doubleOwners: number
  readonly freezes: number
  readonly drops: number
  readonly duplicates: number
  readonly violations: ReadonlyArray<string>
}

const planOf = (world: World): Plan => {
  const stormy = world.chance(0.75)
  const some = (max: number) => (stormy && world.chance(0.7) ? world.between(0, world.chance(0.15) ? 5 * max : max) : 0)
  return {
    runners: 1 + world.draw(3),
    encodes: world.chance(0.1),
    traffic: { dropped: some(0.06), doubled: some(0.1), late: some(0.2), stray: some(0.05) },
    weather: { lost: some(0.03), unanswered: some(0.03), slow: some(0.03) },
    bounds: {
      snapshotEvery: world.pick([3, 6, 200]),
      snapshotAtLeast: world.pick([1, 3, 20]),
      snapshotEveryLength: world.pick([500, 5_000, 8 * 1024 ** 2]),
      rowBytesMax: 8 * 1024 ** 2,
      recentMax: world.pick([2, 5, 256])
    },
    opsBeforeYield: world.pick([2_048, 2_048, 64, 11])
  }
}

const faults = (world: World, cluster: Cluster): ReadonlyArray<() => void> => {
  const anyRunner = () => world.pick(cluster.runners)
  return [
    () => cluster.crash(anyRunner()),
    () => cluster.steal(cluster.randomShard()),
    () => cluster.move(cluster.randomShard()),
    () => cluster.freeze(anyRunner()),
    () => anyRunner().passivate(),
    () => anyRunner().passivate(),
    () => {
      cluster.partners.outageUntil = world.now + world.between(100, world.chance(0.1) ? 700_000 : 4_000)
    }
  ]
}

/** Code that throws where it must not is a violation of the seed that made it throw. */
const orThrown = (live: () => ReadonlyArray<string>): ReadonlyArray<string> => {
  try {
    return live()
  } catch (error) {
    return [`threw ${String(error).slice(0, 300)}`]
  }
}

/** The steps of the saga, each worth a fault of its own. */
const ambushed = ["Place", "Hold", "Authorise", "NeedsStock", "Create", "Capture", "Ship", "CancelShipment", "Release"]
const ambushedToo = ["Void", "Refund", "Restock", "Collect", "NoteDispatched", "TimerFired", "HandOver", "CheckOut"]
const strikes = ["hold up", "hold up", "crash caller", "crash target", "freeze caller", "freeze target"] as const

/** One world from its seed: a day in the shop with faults, then calm until all has come to rest; then the verdict. */
export const run = (seed: number, log: ((line: string) => void) | null): Outcome => {
  const world = new World(seed, log)
  const cluster = new Cluster(world, planOf(world))
  const kinds = faults(world, cluster)
  const faultsAt = Array.from({ length: world.draw(9) }, () => world.draw(faultyStepsMax)).sort((a, b) => a - b)
  const shoppers = Shoppers.make(world)
  if (world.chance(0.5)) {
    const tag = world.pick(world.chance(0.7) ? ambushed : ambushedToo)
    const onHeldUp = () => void cluster.outside(shoppers.changeMinds)
    cluster.lieInWait({ tag, passing: world.pick([0, 0, 0, 1, 2]), strike: world.pick(strikes), onHeldUp })
  }
  let isOver = false
  // What is repeated long after mostly meets entities that are in no memory.
  const night = Effect.sync(() => {
    for (const runner of cluster.runners) runner.passivateMost()
  })
  cluster.outside(Effect.all([shoppers.day, night, shoppers.repeats], { discard: true })).addObserver((exit) => {
    isOver = true
    if (Exit.isFailure(exit)) throw new Error(`seed ${seed}: the shoppers failed`, { cause: exit.cause })
  })
  const live = () => {
    let next = 0
    while (world.steps < stepsMax && world.step()) {
      while (next < faultsAt.length && faultsAt[next]! <= world.steps) {
        next += 1
        world.pick(kinds)()
      }
      if (!cluster.isCalm && (isOver || world.steps > 4 * faultyStepsMax)) cluster.calm()
    }
    const atRest = world.steps < stepsMax && isOver
    return atRest ? Verdict.of(cluster) : [`not at rest after ${world.steps} steps`, ...Verdict.of(cluster)]
  }
  const violations = orThrown(live)
  for (const violation of violations) world.note("VIOLATION", violation)
  return {
    seed,
    steps: world.steps,
    hash: world.hash >>> 0,
    rows: cluster.tables.journal.length,
    orders: cluster.partners.authorisations.size,
    crashes: cluster.crashes,
    doubleOwners: cluster.doubleOwners,
    freezes: cluster.freezes,
    drops: cluster.network.drops,
    duplicates: cluster.network.duplicates,
    violations
  }
}
