import { Context } from "effect"

/** Who is kept longest when the process has too much to do; `vital` is never turned away. */
export type Priority = "vital" | "checkout" | "cart" | "browse" | "bulk"

/** What a request of a route is worth: to the rate limits, and to the edge when there is too much. */
export interface Worth {
  readonly priority: Priority
  /** Tokens of each bucket. */
  readonly cost: number
  /** A bucket of the route's own, per address: `capacity` tokens at once, and as many again every `windowMs`. */
  readonly quota?: { readonly name: string; readonly capacity: number; readonly windowMs: number }
}

/** Annotation of an endpoint: its traffic class. One without goes by its method. */
export class Traffic extends Context.Service<Traffic, Worth>()("@halles/shared/wire/Traffic") {}

export const perMinute = (name: string, capacity: number) => ({ name, capacity, windowMs: 60_000 })

export const vital: Worth = { priority: "vital", cost: 1 }
