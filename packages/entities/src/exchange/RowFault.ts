import type { Fault } from "@halles/shared/wire/EdgeErrors"

/** Why one row is not taken; the others go on. `errors` has each field. */
export interface RowFault {
  readonly code: string
  readonly detail: string
  readonly errors?: ReadonlyArray<{ readonly pointer: string; readonly detail: string }>
}

const detailMax = 500

/** The fault of a row with wrong fields. */
export const faultOf = (errors: ReadonlyArray<Fault>, code = "invalid_row"): RowFault => ({
  code,
  detail: errors
    .map(({ detail, pointer }) => `${pointer}: ${detail}`)
    .join("; ")
    .slice(0, detailMax),
  errors: errors.map(({ detail, pointer = "" }) => ({ pointer, detail }))
})
