import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import type { OrderId } from "@halles/shared/Ids"
import { Amount, Currency } from "@halles/shared/Money"
import { Context, Effect, Layer, type Redacted, Schema } from "effect"
import * as PartnerClient from "./PartnerClient.ts"
import { GatewayNotice } from "./Payment.ts"

/** The gateway did not answer within a second, or not sensibly: whether it acted is unknown until the same reference is asked again. */
export class GatewayUnavailable extends Schema.TaggedError<GatewayUnavailable>()("GatewayUnavailable", {
  cause: Schema.Defect()
}) {}

export type Authorisation =
  | { readonly _tag: "Authorised"; readonly authorisationId: string }
  | { readonly _tag: "Declined"; readonly reason: string }
export type GatewayOutcome = { readonly _tag: "Done" } | { readonly _tag: "Refused"; readonly reason: string }

/**
 * The company that charges cards. Nothing here retries: the payment entity asks again with the same `reference`, which
 * the gateway carries out at most once and answers each time alike. Amounts are minor units.
 */
export class PaymentGateway extends Context.Service<
  PaymentGateway,
  {
    readonly authorise: (request: {
      readonly reference: string
      readonly orderId: OrderId
      readonly amount: number
      readonly currency: Currency
      readonly token: string
    }) => Effect.Effect<Authorisation, GatewayUnavailable>
    readonly capture: (request: MoneyRequest) => Effect.Effect<GatewayOutcome, GatewayUnavailable>
    readonly void: (request: VoidRequest) => Effect.Effect<GatewayOutcome, GatewayUnavailable>
    readonly refund: (request: MoneyRequest) => Effect.Effect<GatewayOutcome, GatewayUnavailable>
  }
>()("@halles/entities/PaymentGateway") {
  static readonly layer = (options: { readonly url: string; readonly key: Redacted.Redacted }) =>
    Layer.effect(PaymentGateway, make(options)).pipe(
      Layer.provide(NodeHttpClient.layerUndiciOptions(PartnerClient.agentOptions))
    )
}
interface VoidRequest {
  readonly reference: string
  readonly authorisationId: string
}
interface MoneyRequest extends VoidRequest {
  readonly amount: number
}

/** The body of a gateway webhook. `reference` is that of the operation, of a won dispute that of its chargeback; the event may come late, twice, or before the answer. */
export const GatewayWebhook = Schema.Struct({
  eventId: Schema.String.check(Schema.isMaxLength(100)),
  type: GatewayNotice.fields.type,
  reference: Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,160}$/u)),
  orderId: Schema.String.check(Schema.isMaxLength(100)),
  authorisationId: Schema.String.check(Schema.isMaxLength(100)),
  amount: Amount,
  currency: Currency,
  /** Of a declined authorisation. */
  reason: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(100))),
  /** ISO 8601, UTC. */
  occurredAt: Schema.String.check(Schema.isMaxLength(40))
})
export type GatewayWebhook = typeof GatewayWebhook.Type

const Answer = Schema.Union([
  Schema.Struct({ id: Schema.String, status: Schema.Literal("authorised") }),
  Schema.Struct({ id: Schema.String, status: Schema.Literal("declined"), reason: Schema.String })
])
const Changed = Schema.Struct({ id: Schema.String })

const make = Effect.fnUntraced(function* (options: { readonly url: string; readonly key: Redacted.Redacted }) {
  const partner = yield* PartnerClient.make({ name: "payment", ...options })
  const unavailable = Effect.mapError((cause: unknown) => new GatewayUnavailable({ cause }))

  const authorise: PaymentGateway["Service"]["authorise"] = Effect.fn("PaymentGateway.authorise")(function* (request) {
    const answer = yield* unavailable(partner.post("/authorisations", request, Answer))
    if (answer._tag === "Refused") return { _tag: "Declined", reason: answer.code }
    return answer.body.status === "declined"
      ? { _tag: "Declined", reason: answer.body.reason }
      : { _tag: "Authorised", authorisationId: answer.body.id }
  })
  const change = Effect.fnUntraced(function* (authorisationId: string, kind: string, body: object) {
    const path = `/authorisations/${encodeURIComponent(authorisationId)}/${kind}`
    const answer = yield* unavailable(partner.post(path, body, Changed))
    return answer._tag === "Refused" ? ({ _tag: "Refused", reason: answer.code } as const) : ({ _tag: "Done" } as const)
  })
  return PaymentGateway.of({
    authorise,
    capture: Effect.fn("PaymentGateway.capture")(({ amount, authorisationId, reference }) =>
      change(authorisationId, "captures", { reference, amount })
    ),
    void: Effect.fn("PaymentGateway.void")(({ authorisationId, reference }) =>
      change(authorisationId, "voids", { reference })
    ),
    refund: Effect.fn("PaymentGateway.refund")(({ amount, authorisationId, reference }) =>
      change(authorisationId, "refunds", { reference, amount })
    )
  })
})
