import { Cause } from "effect"
import { scrubbed } from "@halles/shared/clients/Scrubbed"
import { ActivationLost } from "./ActivationLost.ts"

/** What an entity did that it must not: die when it was made, die of a command, or not come back from one. */
export type Strike = "activation" | "command" | "hang"

/** Who hangs has held its callers for many seconds already: twice is enough. */
export const weights: Readonly<Record<Strike, number>> = { activation: 1, command: 1, hang: 3 }
/** Strikes in a row, by weight, after which an entity is parked. */
export const strikesMax = 5
/** What is older counts no more. */
export const windowMs = 60_000
/** A command of which an entity died so often is not tried again: one that kills must not take all others with it. */
export const commandDeathsMax = 3
/** Entities and commands that are remembered; at the bound all are forgotten, and counted anew. */
export const rememberedMax = 10_000

interface Record_ {
  readonly first: number
  weight: number
  tries: number
}

/**
 * Counts what entities die of, in a row: a command that succeeds forgives the ones before it. Only what goes wrong is
 * ever written here.
 */
export class Strikes {
  private readonly entities = new Map<string, Record_>()
  private readonly commands = new Map<string, { deaths: number; readonly first: number }>()

  has(entity: string): boolean {
    return this.entities.has(entity)
  }

  /** How many there were in a row when it is time to park the entity, else 0. */
  note(entity: string, strike: Strike, now: number, commandId?: string): number {
    if (strike === "command" && commandId !== undefined) {
      const key = `${entity}:${commandId}`
      if (this.commands.size >= rememberedMax) this.commands.clear()
      const known = this.commands.get(key) ?? { deaths: 0, first: now }
      known.deaths += 1
      this.commands.set(key, known)
    }
    if (this.entities.size >= rememberedMax) this.entities.clear()
    const found = this.entities.get(entity)
    const record = found === undefined || now - found.first > windowMs ? { first: now, weight: 0, tries: 0 } : found
    record.weight += weights[strike]
    record.tries += 1
    this.entities.set(entity, record)
    return record.weight >= strikesMax ? record.tries : 0
  }

  isDeadly(entity: string, commandId: string): boolean {
    return (this.commands.get(`${entity}:${commandId}`)?.deaths ?? 0) >= commandDeathsMax
  }

  forgive(entity: string): void {
    this.entities.delete(entity)
  }

  forget(before: number): void {
    for (const [entity, { first }] of this.entities) if (first < before) this.entities.delete(entity)
    for (const [command, { first }] of this.commands) if (first < before) this.commands.delete(command)
  }
}

/** Whether an entity is to blame: not for an interrupt, nor for an activation that was taken from it. */
export const isDeath = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isDieReason(reason) && !(reason.defect instanceof ActivationLost))

const textMax = 300

/** What an operator reads of a failure: the error by its name, without what it carries, or the death. */
export const errorText = (cause: Cause.Cause<unknown>): string => {
  const error = cause.reasons.find(Cause.isFailReason)?.error
  if (error === undefined) return Cause.hasInterrupts(cause) ? "interrupted" : causeText(cause)
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : scrubbed(String(error))
}

/** What an operator reads of a death: kind, message without personal data, and where in the source. */
export const causeText = (cause: Cause.Cause<unknown>): string => {
  const defect = cause.reasons.find(Cause.isDieReason)?.defect
  if (!(defect instanceof Error)) return scrubbed(String(defect)).slice(0, textMax)
  const where = /packages\/[^\s)]+/.exec(defect.stack ?? "")?.[0]
  const text = scrubbed(`${defect.name}: ${defect.message}`).replaceAll(/\s+/g, " ").slice(0, textMax)
  return where === undefined ? text : `${text} (${where})`
}
