import { Cause, Effect } from "effect"
import { type Noted, note } from "../access/Held.ts"

/**
 * A change that an operator asks for: written into the audit log before it happens, with the reason, and once more if it
 * failed. What cannot be written down does not happen.
 */
export const changing =
  (act: Omit<Noted, "outcome"> & { readonly reason: string }) =>
  <A, E, R>(change: Effect.Effect<A, E, R>) =>
    Effect.andThen(
      note({ ...act, outcome: "allowed" }),
      Effect.tapCause(change, (cause) =>
        note({ ...act, outcome: "failed", details: { ...act.details, cause: firstLine(cause) } })
      )
    )

const firstLine = (cause: Cause.Cause<unknown>): string => {
  const [reason] = cause.reasons
  const error = reason?._tag === "Fail" ? reason.error : undefined
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : (reason?._tag ?? "")
}
