import { Cause, Exit, Schema } from "effect"
import { EntityParked } from "./Parking.ts"

/**
 * What an entity decided, or was asked, or answered is larger than a row of the journal or a message may be. Sending it again
 * cannot help. Of a decision nothing was written; an answer that is too large may come after what it tells of was done.
 */
export class TooLarge extends Schema.TaggedError<TooLarge>()(
  "TooLarge",
  {
    /** `Cart/eu_7f3a` */
    entity: Schema.String
  },
  { httpApiStatus: 422 }
) {}

/** Failures of entities that no contract names; a call may fail with one of them, whatever it asks. */
const undeclared = { EntityParked, TooLarge } as const
export type Undeclared = keyof typeof undeclared
export type UndeclaredError = InstanceType<(typeof undeclared)[Undeclared]>
const classes = Object.entries(undeclared) as ReadonlyArray<[Undeclared, typeof EntityParked | typeof TooLarge]>

/** Which of them an entity ended with, if any. */
export const undeclaredOf = (exit: Exit.Exit<unknown, unknown>): Undeclared | undefined => {
  if (Exit.isSuccess(exit)) return undefined
  for (const reason of exit.cause.reasons) {
    const found = Cause.isFailReason(reason) ? classes.find(([, one]) => reason.error instanceof one) : undefined
    if (found !== undefined) return found[0]
  }
  return undefined
}

export const isUndeclared = (name: string): name is Undeclared => Object.hasOwn(undeclared, name)

/** How a call ends that an entity of this name ended with one of them. */
export const failedWith = (name: Undeclared, entity: string): Exit.Exit<never, UndeclaredError> =>
  Exit.fail(new undeclared[name]({ entity }))
