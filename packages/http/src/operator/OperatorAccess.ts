import * as Refusal from "@halles/shared/wire/Refusal"
import {
  Forbidden,
  InvalidRequest,
  MalformedId,
  StrongerSignInRequired,
  Unauthorized
} from "@halles/shared/wire/EdgeErrors"
import { HttpApiMiddleware } from "effect/http-api"
import { ForeignRequest, unavailable } from "./OperatorProblems.ts"

/**
 * Holds every request to the access rule of its endpoint before its body is read, and writes refusals and changes into the audit
 * log.
 */
export class OperatorAccess extends HttpApiMiddleware.Service<OperatorAccess>()("@halles/http/OperatorAccess", {
  error: [
    Refusal.of(Unauthorized),
    Refusal.of(StrongerSignInRequired),
    Refusal.of(Forbidden),
    Refusal.of(ForeignRequest),
    unavailable
  ]
}) {}

/** What the schemas refuse, as problems. */
export class OperatorRefusals extends HttpApiMiddleware.Service<OperatorRefusals>()("@halles/http/OperatorRefusals", {
  error: [Refusal.of(InvalidRequest), Refusal.of(MalformedId), unavailable]
}) {}
