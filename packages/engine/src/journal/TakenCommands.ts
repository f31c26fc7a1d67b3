/**
 * Command ids that a runner keeps while it rebuilds their entity, so that a late repeat costs one rebuild and not one after the
 * other. At the bound all are forgotten: it must be far above the calls that one entity may have, or those that wait
 * together would kill each other for ever (simulation, seed 1141).
 */
const takenMax = 100_000

/** Commands that are in the journal though an activation of this runner did not remember them. */
export class TakenCommands {
  private readonly taken = new Set<string>()

  note(entity: string, commandId: string): void {
    if (this.taken.size >= takenMax) this.taken.clear()
    this.taken.add(`${entity}:${commandId}`)
  }

  has(entity: string, commandId: string): boolean {
    return this.taken.size > 0 && this.taken.has(`${entity}:${commandId}`)
  }
}
