import type { Figures } from "./Measure.ts"

/** A bound on one figure of a row, by its name in the JSON. */
export interface Target {
  readonly figure: string
  readonly bound: "atLeast" | "atMost"
  readonly value: number
}

const atLeast = (figure: string, value: number): Target => ({ figure, bound: "atLeast", value })
const atMost = (figure: string, value: number): Target => ({ figure, bound: "atMost", value })

/** What each row is to reach on a two-core machine that clients, servers and runners share. */
export const targets: Readonly<Record<string, ReadonlyArray<Target>>> = {
  rpcNats: [atLeast("ratio", 1), atLeast("ratio256", 1)],
  durableUniform: [atLeast("opsPerSecond", 10_000), atMost("p99ms", 80)],
  durableHot: [atLeast("opsPerSecond", 6_000)],
  durableFloor: [atLeast("ratio", 0.25)],
  checkout: [atLeast("opsPerSecond", 600), atMost("p99ms", 300), atMost("cpuSecondsPerOp", 0.0025)],
  checkoutHot: [atLeast("opsPerSecond", 400), atMost("violations", 0)],
  activate: [atLeast("opsPerSecond", 3_000)],
  resident: [atMost("bytesPerEntity", 6 * 1024)],
  grow: [atMost("entitiesRatio", 1.15), atMost("journalRatio", 1.15)],
  project: [atMost("p99ms", 250)],
  productCached: [atLeast("opsPerSecond", 8_000)],
  addToCart: [atLeast("opsPerSecond", 2_500), atMost("p99ms", 60)],
  edgeCheckout: [atLeast("opsPerSecond", 250), atMost("p99ms", 500)],
  clusterStart: [atMost("p99ms", 6_000)],
  clusterFirst: [atMost("p99ms", 500)],
  clusterCheckout: [atLeast("opsPerSecond", 150), atMost("p50ms", 200), atMost("cpuSecondsPerOp", 0.012)],
  clusterCheckoutOne: [atMost("p50ms", 30), atMost("p99ms", 70)],
  clusterIdle: [atMost("coreShare", 0.04), atMost("transactionsPerSecond", 15), atMost("memoryMegabytes", 1_300)],
  failover: [
    atMost("killMedianMs", 3_000),
    atMost("freezeMedianMs", 3_000),
    atMost("movesFailed", 0),
    atMost("movesSlowestMs", 500),
    atMost("lost", 0),
    atMost("doubled", 0),
    atMost("fencedWrites", 0)
  ]
}

/** A row as it stands in the JSON. */
export const json = ({ extra, ...row }: Figures): Readonly<Record<string, unknown>> => ({ ...row, ...extra })

export const isReached = (target: Target, row: Figures): boolean => {
  const value = json(row)[target.figure]
  if (typeof value !== "number" || !Number.isFinite(value)) return false
  return target.bound === "atLeast" ? value >= target.value : value <= target.value
}

/** One line for each target of the row. */
export const verdicts = (name: string, row: Figures): ReadonlyArray<string> =>
  (targets[name] ?? []).map((target) => {
    const bound = `${target.figure} ${target.bound === "atLeast" ? ">=" : "<="} ${target.value}`
    return `${isReached(target, row) ? "reached" : "NOT reached"}: ${bound}`
  })
