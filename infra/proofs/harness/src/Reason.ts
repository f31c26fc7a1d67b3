import { Cause } from "effect"

/** Of the words of a failure. */
const reasonLengthMax = 500

/** Why it failed, with what caused it, on one line and without where in the code. */
export const reasonOf = (cause: Cause.Cause<unknown>): string =>
  Cause.pretty(cause)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("at "))
    .join(" ")
    .slice(0, reasonLengthMax)
