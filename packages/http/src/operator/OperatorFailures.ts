import { EntityParked } from "@halles/engine/activation/Parking"
import { TooLarge } from "@halles/engine/activation/Undeclared"
import * as Edge from "../Edge.ts"
import { Unavailable } from "../problems/EdgeErrors.ts"

/** The cluster's and the databases' failures become `Unavailable`; what was refused passes. */
export const unavailable = <E>(error: E): Edge.Refusal<E> | Unavailable => {
  const answered = Edge.unavailable(error)
  return answered instanceof EntityParked || answered instanceof TooLarge ? new Unavailable() : answered
}
