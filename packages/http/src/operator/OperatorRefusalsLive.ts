import { Effect, type Layer } from "effect"
import { HttpApiMiddleware, type HttpApiError } from "effect/http-api"
import { InvalidRequest, MalformedId } from "@halles/shared/wire/EdgeErrors"
import { OperatorRefusals } from "./OperatorAccess.ts"
import { faultsOf } from "@halles/shared/wire/Faults"

/** Says what of a request does not follow the contract, and where. */
export const OperatorRefusalsLive: Layer.Layer<OperatorRefusals> = HttpApiMiddleware.layerSchemaErrorTransform(
  OperatorRefusals,
  (error: HttpApiError.HttpApiSchemaError) => {
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.die(error)
    const errors = faultsOf(error.cause.issue, error.kind)
    return Effect.fail(
      error.kind === "Params"
        ? new MalformedId({ parameter: errors[0]?.parameter ?? "id" })
        : new InvalidRequest({ errors })
    )
  }
)
