/** A step that is still pending when its timer fires is sent again after this. */
export const redriveMs = 5_000

/**
 * What an activation knows of its entity's timer. The one that is stored is never later than this, and never later than what the
 * state wants. A timer that comes too early finds nothing due and is set anew, which is rarer than states that want it a little
 * later each time.
 */
export class ArmedTimer {
  /** Unix milliseconds. */
  private dueAt: number | null

  constructor(dueAt: number | null) {
    this.dueAt = dueAt
  }

  /** What to write of it together with the events that led to what is wanted: as in `GroupCommit.Entry`. */
  toWrite(wanted: number | null, now: number): number | undefined {
    const { dueAt } = this
    const stays = wanted === null ? dueAt === null : dueAt !== null && dueAt > now && dueAt <= wanted
    if (stays) return undefined
    // What is due already is due now.
    this.dueAt = wanted === null ? null : Math.max(wanted, now)
    return this.dueAt ?? 0
  }

  /**
   * One that has fired would fire again at once: it is set to what is wanted now, or a little later if that is past, but for what is
   * done a portion at a time. What was still to come at `since`, when the entity got the message, is set as it is wanted.
   */
  afterFiring(wanted: number | null, since: number, now: number, hasMoved: boolean): number | null {
    const next = wanted === null || wanted > since ? wanted : now + (hasMoved ? 1 : redriveMs)
    if (next !== null && this.dueAt !== null && this.dueAt < next) this.dueAt = next
    return next
  }
}
