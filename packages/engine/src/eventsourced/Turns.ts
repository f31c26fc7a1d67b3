import type { Actor } from "../activation/Call.ts"
import { errorText } from "../activation/Strikes.ts"
import { Exit } from "effect"
import { deadlyText } from "./Deadly.ts"
import type { Keyed } from "./Kind.ts"

/** Between two tries of one message. */
export const retryMinMs = 100
export const retryMaxMs = 10_000
/** Of one that its receiver does nothing but die of: a runner remembers that for a minute. */
export const deadlyMinMs = 60_000
export const deadlyMaxMs = 600_000

interface Turn {
  attempts: number
  delayMs: number
  /** Unix milliseconds. */
  dueAt: number
  lastError: string | null
}

/**
 * Whose turn it is among the pending steps of an entity: of those that may be tried now the one with the fewest tries, so that
 * one which cannot be sent holds up no other.
 */
export class Turns {
  /** The steps that failed, by key; `null` as long as none has. */
  private failures: Map<string, Turn> | null = null

  /** Forgets the failures of all other steps: they are no longer pending. */
  keep(steps: ReadonlyArray<Keyed>): void {
    if (this.failures === null) return
    for (const key of this.failures.keys()) if (!steps.some((one) => one.key === key)) this.failures.delete(key)
    if (this.failures.size === 0) this.failures = null
  }

  dueAt({ key }: Keyed): number {
    return this.failures?.get(key)?.dueAt ?? 0
  }

  /** The next one to be tried, now or later; of equals the first. */
  first<Step extends Keyed>(steps: ReadonlyArray<Step>): Step | null {
    let best: Step | null = null
    for (const one of steps) if (best === null || this.dueAt(one) < this.dueAt(best)) best = one
    return best
  }

  failed({ key }: Keyed, exit: Exit.Exit<unknown, unknown>, now: number, jitter: number): void {
    const isDeadly = Exit.isFailure(exit) && deadlyText(exit.cause) !== null
    const failures = (this.failures ??= new Map<string, Turn>())
    const before = failures.get(key) ?? { attempts: 0, delayMs: retryMinMs }
    const { attempts } = before
    const delayMs = isDeadly ? Math.max(before.delayMs, deadlyMinMs) : Math.min(before.delayMs, retryMaxMs)
    failures.set(key, {
      attempts: attempts + 1,
      delayMs: Math.min(delayMs * 2, isDeadly ? deadlyMaxMs : retryMaxMs),
      dueAt: now + delayMs * jitter,
      lastError: Exit.isFailure(exit) ? errorText(exit.cause) : null
    })
  }

  /** Something has changed: everything may be tried again, in the order in which it would have been. */
  hurry(): void {
    for (const turn of this.failures?.values() ?? []) turn.dueAt = Math.min(turn.dueAt, turn.attempts)
  }

  triesOf({ key }: Keyed): NonNullable<Actor["tries"]> | null {
    const turn = this.failures?.get(key)
    return turn === undefined ? null : { step: key, attempts: turn.attempts, lastError: turn.lastError }
  }
}
