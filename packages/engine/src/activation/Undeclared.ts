import { Refusal } from "@halles/shared/wire/Refusal"
import { Cause, Exit, Schema } from "effect"
import { CommandDeadly, EntityParked } from "./Parking.ts"

/**
 * What an entity decided, or was asked, or answered is larger than a row of the journal or a message may be. Sending it again
 * cannot help. Of a decision nothing was written; an answer that is too large may come after what it tells of was done.
 */
export class TooLarge extends Refusal<TooLarge>()("TooLarge", {
  status: 422,
  title: "More than can be kept in one piece",
  fields: {
    /** `Cart/eu_7f3a` */
    entity: Schema.String
  },
  sample: { entity: "Cart/eu_Qm3vXr8Kd0ZtWbYp5nLc2A" },
  detail: ({ entity }) => `What ${entity} would come to is too large. Nothing was changed.`,
  help: "Send less at a time: fewer lines, or shorter texts. The same request will be refused again."
}) {}

/** Failures of entities that no contract names; a call may fail with one of them, whatever it asks. */
const failures = { EntityParked, TooLarge } as const
type Failure = keyof typeof failures
export type UndeclaredError = InstanceType<(typeof failures)[Failure]>
const classes = Object.entries(failures) as ReadonlyArray<[Failure, typeof EntityParked | typeof TooLarge]>
/** And the one defect that is told by its name. */
export type Undeclared = Failure | "CommandDeadly"

/** Which of them an entity ended with, if any. */
export const undeclaredOf = (exit: Exit.Exit<unknown, unknown>): Undeclared | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  for (const reason of exit.cause.reasons) {
    if (Cause.isDieReason(reason) && reason.defect instanceof CommandDeadly) return "CommandDeadly"
    const found = Cause.isFailReason(reason) ? classes.find(([, one]) => reason.error instanceof one) : undefined
    if (found !== undefined) return found[0]
  }
  return undefined
}

export const isUndeclared = (name: string): name is Undeclared =>
  name === "CommandDeadly" || Object.hasOwn(failures, name)

/** How a call ends that an entity of this name ended with one of them. */
export const failedWith = (name: Undeclared, entity: string): Exit.Exit<never, UndeclaredError> =>
  name === "CommandDeadly" ? Exit.die(new CommandDeadly({ entity })) : Exit.fail(new failures[name]({ entity }))
