import { EntityParked } from "@halles/engine/activation/Parking"
import { TooLarge } from "@halles/engine/activation/Undeclared"
import type { Refused } from "@halles/entities/routes/Edge"
import * as Edge from "../EdgeLive.ts"
import { Unavailable } from "@halles/shared/wire/EdgeErrors"

/** The cluster's and the databases' failures become `Unavailable`; what was refused passes. */
export const unavailable = <E>(error: E): Refused<E> | Unavailable => {
  const answered = Edge.unavailable(error)
  return answered instanceof EntityParked || answered instanceof TooLarge ? new Unavailable() : answered
}
