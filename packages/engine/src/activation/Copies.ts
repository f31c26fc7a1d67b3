import type { Call } from "./Call.ts"

/**
 * Copies of a command that come while an earlier one is under way: a caller who heard nothing sends the command again. Begun beside
 * the earlier one, a copy could be refused, and its caller be told so, before the earlier one is accepted. So they are begun
 * one after the other, in the order in which they came.
 */
export class Copies {
  private readonly behind = new Map<string, Array<Call>>()
  private waiting = 0

  /** How many wait for an earlier one. */
  get size(): number {
    return this.waiting
  }

  /** Whether the call waits for an earlier copy of itself. */
  hasToWait(call: Call): boolean {
    const behind = call.commandId === undefined ? undefined : this.behind.get(call.commandId)
    if (behind === undefined) return false
    behind.push(call)
    this.waiting += 1
    return true
  }

  began({ commandId }: Call): void {
    if (commandId !== undefined) this.behind.set(commandId, [])
  }

  /** Those that waited for it, in their order. */
  ended({ commandId }: Call): ReadonlyArray<Call> {
    if (commandId === undefined) return []
    const behind = this.behind.get(commandId) ?? []
    this.behind.delete(commandId)
    this.waiting -= behind.length
    return behind
  }
}
