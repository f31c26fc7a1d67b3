import { undeclaredOf } from "../activation/Undeclared.ts"
import { type Cause, Exit } from "effect"

/**
 * What an operator reads of a call that no other try would end differently: its receiver died of the message again and again,
 * or what it decides, or is asked, is larger than a row or a message may be. `null` for any other end.
 */
export const deadlyText = (cause: Cause.Cause<unknown>): string | null => {
  const name = undeclaredOf(Exit.failCause(cause))
  return name === "CommandDeadly" || name === "TooLarge" ? name : null
}
