import { Context } from "effect"

/** Batches that are remembered, and for how long they count. */
const samplesMax = 1_024
const windowMs = 2_000
/** With fewer batches than this a slow one says nothing of the rest. */
const samplesMin = 20

/** How long commands of this process waited for their commit lately: the oldest one of each batch. */
export interface CommitLatency {
  readonly note: (ms: number) => void
  /** In milliseconds; 0 when there was little to do. */
  readonly p99: () => number
}

export const make = (now: () => number = () => performance.now()): CommitLatency => {
  const samples: Array<{ readonly at: number; readonly ms: number }> = []
  let next = 0
  return {
    note: (ms) => {
      samples[next] = { at: now(), ms }
      next = (next + 1) % samplesMax
    },
    p99: () => {
      const since = now() - windowMs
      const recent = samples.filter(({ at }) => at >= since).map(({ ms }) => ms)
      if (recent.length < samplesMin) return 0
      return recent.toSorted((a, b) => a - b)[Math.ceil(recent.length * 0.99) - 1] ?? 0
    }
  }
}

/** One for the process, unless another one is provided: the journal notes in it, the heartbeat says it. */
export const CommitLatency: Context.Reference<CommitLatency> = Context.Reference("@halles/engine/CommitLatency", {
  defaultValue: () => make()
})
