import * as Refusal from "@halles/shared/wire/Refusal"
import { TooLarge } from "@halles/engine/activation/Undeclared"
import { EntityParked } from "@halles/engine/activation/Parking"
import { Effect, Layer } from "effect"
import { faultsOf } from "@halles/shared/wire/Faults"
import { HttpApiMiddleware, type HttpApiError } from "effect/http-api"
import {
  AddressDenied,
  ChallengeRequired,
  FaultInjected,
  HeadersTooLarge,
  IdempotencyKeyRequired,
  InternalError,
  InvalidRequest,
  MalformedId,
  MalformedRequest,
  Overloaded,
  PayloadTooLarge,
  PreconditionRequired,
  RateLimited,
  RequestTimeout,
  TargetTooLong,
  TooManyAtOnce,
  Unavailable,
  UnsupportedMediaType
} from "@halles/shared/wire/EdgeErrors"

/** Turns what the schemas refuse into problems; on every endpoint. */
export class Refusals extends HttpApiMiddleware.Service<Refusals>()("@halles/http/Refusals", {
  error: [
    Refusal.of(InvalidRequest),
    Refusal.of(MalformedId),
    Refusal.of(IdempotencyKeyRequired),
    Refusal.of(PayloadTooLarge),
    Refusal.of(UnsupportedMediaType),
    Refusal.of(MalformedRequest),
    Refusal.of(RequestTimeout),
    Refusal.of(TargetTooLong),
    Refusal.of(HeadersTooLarge),
    Refusal.of(TooManyAtOnce),
    Refusal.of(AddressDenied),
    Refusal.of(RateLimited),
    Refusal.of(ChallengeRequired),
    Refusal.of(Overloaded),
    Refusal.of(FaultInjected),
    Refusal.of(InternalError),
    Refusal.of(PreconditionRequired),
    Refusal.of(Unavailable),
    Refusal.of(EntityParked),
    Refusal.of(TooLarge)
  ]
}) {}

export const RefusalsLive: Layer.Layer<Refusals> = HttpApiMiddleware.layerSchemaErrorTransform(
  Refusals,
  (error: HttpApiError.HttpApiSchemaError) => {
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.die(error)
    const errors = faultsOf(error.cause.issue, error.kind)
    if (error.kind === "Params") return Effect.fail(new MalformedId({ parameter: errors[0]?.parameter ?? "id" }))
    const lacks = (name: string) => errors.some(({ detail, header }) => header === name && detail === "Required")
    if (lacks("idempotency-key")) return Effect.fail(new IdempotencyKeyRequired())
    return Effect.fail(lacks("if-match") ? new PreconditionRequired() : new InvalidRequest({ errors }))
  }
)
