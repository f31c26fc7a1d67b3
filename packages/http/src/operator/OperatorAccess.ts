import { HttpApiMiddleware } from "effect/http-api"
import * as Problems from "./OperatorProblems.ts"

/** Holds every request to `operatorPolicy` before its body is read, and writes what was refused or changes something into the audit log. */
export class OperatorAccess extends HttpApiMiddleware.Service<OperatorAccess>()("@halles/http/OperatorAccess", {
  error: [
    Problems.unauthorized,
    Problems.strongerSignInRequired,
    Problems.forbidden,
    Problems.foreignRequest,
    Problems.unavailable
  ]
}) {}

/** What the schemas refuse, as problems. */
export class OperatorRefusals extends HttpApiMiddleware.Service<OperatorRefusals>()("@halles/http/OperatorRefusals", {
  error: [Problems.invalidRequest, Problems.malformedId, Problems.unavailable]
}) {}
