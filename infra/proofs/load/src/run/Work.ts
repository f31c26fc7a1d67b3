import type { Acknowledged } from "@halles/harness/Books"
import * as DirectShop from "@halles/harness/DirectShop"
import * as EdgeShop from "@halles/harness/EdgeShop"
import type { Addressed } from "@halles/harness/ProofCluster"
import type { Process } from "../workload/Arrivals.ts"
import type { Spec } from "../workload/Keys.ts"
import type { Batch } from "../workload/Samples.ts"
import type { Item, ScenarioName } from "../workload/Scenarios.ts"

/** Where a load goes. */
export type Target = ({ readonly _tag: "Edge" } & EdgeShop.Options) | ({ readonly _tag: "Direct" } & Addressed)

export const shopOf = (target: Target) => (target._tag === "Edge" ? EdgeShop.layer(target) : DirectShop.layer(target))

/** How operations begin. */
export type Pace =
  | { readonly _tag: "Open"; readonly process: Process; readonly perSecond: number }
  | { readonly _tag: "Closed"; readonly callers: number }
  /** At these milliseconds from the start, ascending: an open loop of a given list. */
  | { readonly _tag: "Listed"; readonly atMs: ReadonlyArray<number> }

/** One sale of a list that the load follows. */
export interface Sale {
  /** Index of the key of its first item. */
  readonly key: number
  readonly items: ReadonlyArray<Item>
}

/** Keys as the thread lays them out for itself: the same from the same. */
export interface KeyPlan {
  readonly spec: Spec
  readonly count: number
  readonly run: string
  /** The text of the file that the spec names. */
  readonly lines: string
}

/** What one thread is to do. */
export interface Work {
  readonly scenario: ScenarioName
  readonly keys: KeyPlan
  /** By index of the key, where keys name carts. */
  readonly carts: ReadonlyArray<string>
  readonly target: Target
  /** The `n`th operation makes the `n`th sale, and begins anew at the end; empty: one unit of the key that is drawn. */
  readonly sales: ReadonlyArray<Sale>
  /** Of this thread alone. */
  readonly pace: Pace
  /** Warm-up included. */
  readonly lengthMs: number
  readonly inFlightMax: number
  /** This thread among all. */
  readonly thread: number
  readonly threads: number
  readonly seed: string
}

/** When the first operation is meant to begin, in milliseconds of the monotonic clock. */
export interface Start {
  readonly startMs: number
}

export type Report =
  | { readonly _tag: "Ready" }
  | { readonly _tag: "Done"; readonly heldBack: number; readonly utilization: number }
  | { readonly _tag: "Batch"; readonly batch: Batch; readonly acknowledged: ReadonlyArray<Acknowledged> }
