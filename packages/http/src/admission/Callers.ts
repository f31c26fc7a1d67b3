import { Context } from "effect"
import type { IncomingHttpHeaders } from "node:http"

/** Whose buckets a request takes from, beside its address's. */
export interface Caller {
  readonly account?: string
  readonly client?: string
  /** A partner that was given the larger bucket, which then stands for its addresses too. */
  readonly bulk?: boolean
  /** Our own tools: counted, not limited. */
  readonly unlimited?: boolean
}

/**
 * Knows a caller by credentials that were verified before, without waiting: an unverified token names nobody, or anybody could
 * empty another one's bucket, or have a new one for each made-up token.
 */
export class Callers extends Context.Reference<{
  readonly of: (headers: IncomingHttpHeaders) => Caller | undefined
}>("@halles/http/Callers", { defaultValue: () => ({ of: () => undefined }) }) {}
