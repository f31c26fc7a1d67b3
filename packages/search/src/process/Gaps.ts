/** For so long a gap holds up what is said to be complete. Then it counts as one that may never be filled. */
export const patienceMs = 30_000
/** The table is asked so often, and of what it may never have so seldom. */
const soonMs = 100
const laterMs = 60_000

interface Gap {
  readonly seq: number
  readonly since: number
  readonly askAt: number
  readonly isTold: boolean
}

/**
 * Entities of which something came that does not follow from what is known, each with the `seq` that the table must have. The
 * table may lag behind for a moment; a row that it never has, since it cannot be folded, must not hold up all others.
 */
export class Gaps {
  readonly #gaps = new Map<string, Gap>()

  get size(): number {
    return this.#gaps.size
  }

  has(id: string): boolean {
    return this.#gaps.has(id)
  }

  note(id: string, seq: number, now: number): void {
    const before = this.#gaps.get(id) ?? { seq, since: now, askAt: now, isTold: false }
    this.#gaps.set(id, { ...before, seq: Math.max(seq, before.seq) })
  }

  /** Takes one up again that has been waited for before: it holds up nothing. */
  noteOld(id: string, seq: number, now: number): void {
    this.#gaps.set(id, { seq, since: now - patienceMs, askAt: now, isTold: false })
  }

  /** The table has this row. */
  fill(id: string, seq: number): void {
    const gap = this.#gaps.get(id)
    if (gap !== undefined && seq >= gap.seq) this.#gaps.delete(id)
  }

  clear(): void {
    this.#gaps.clear()
  }

  /** Whether some are so young that the table may be about to fill them. */
  isWaiting(now: number): boolean {
    for (const { since } of this.#gaps.values()) if (now - since < patienceMs) return true
    return false
  }

  /** Those that the table is to be asked for now; they are due again a little later. */
  due(now: number, max: number): ReadonlyArray<string> {
    const due: Array<string> = []
    for (const [id, gap] of this.#gaps) {
      if (due.length === max) break
      if (gap.askAt > now) continue
      due.push(id)
      this.#gaps.set(id, { ...gap, askAt: now + (now - gap.since < patienceMs ? soonMs : laterMs) })
    }
    return due
  }

  /** How long until some are due; `null` if there are none. */
  dueInMs(now: number): number | null {
    let first = Number.POSITIVE_INFINITY
    for (const { askAt } of this.#gaps.values()) first = Math.min(first, askAt)
    return this.#gaps.size === 0 ? null : Math.max(0, first - now)
  }

  /** Those that are waited for no more since the last call. */
  givenUp(now: number): ReadonlyArray<string> {
    const told: Array<string> = []
    for (const [id, gap] of this.#gaps) {
      if (gap.isTold || now - gap.since < patienceMs) continue
      this.#gaps.set(id, { ...gap, isTold: true })
      told.push(id)
    }
    return told
  }

  entries(): ReadonlyArray<readonly [id: string, seq: number]> {
    return [...this.#gaps].map(([id, { seq }]) => [id, seq] as const)
  }
}
