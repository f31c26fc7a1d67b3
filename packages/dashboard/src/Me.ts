import type * as Json from "@halles/http/operator/OperatorJson"
import { createContext } from "preact"

/** Who looks, so that nothing is offered that would be refused. */
export const Me = createContext<typeof Json.Me.Type>({
  subject: "",
  name: null,
  email: null,
  kind: "staff",
  roles: [],
  mayWrite: false,
  mayUnmask: false,
  mayAudit: false,
  needsTwoFactors: false
})
