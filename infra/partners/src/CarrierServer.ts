import { Config, Effect, Layer, Schema } from "effect"
import { CarrierBook } from "./CarrierBook.ts"
import { CarrierRoutes } from "./CarrierRoutes.ts"
import { Partner, partnerSettings, serve } from "./Partner.ts"
import { Webhooks } from "./Webhooks.ts"

const milliseconds = (name: string, otherwise: number) =>
  Config.schema(
    Schema.FiniteFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 0, maximum: 86_400_000 })),
    name
  ).pipe(Config.withDefault(otherwise))

const CarrierConfig = Config.all({
  ...partnerSettings,
  dispatchMs: milliseconds("DISPATCH_MS", 200),
  deliveryMs: milliseconds("DELIVERY_MS", 1_000)
}).pipe(Config.nested("HALLES_CARRIER"))

/** The carrier: a stand-in for an outside company, so it shares nothing with the shop but the wire. */
export const CarrierServer = Layer.unwrap(
  Effect.map(CarrierConfig, ({ deliveryMs, dispatchMs, file, key, port, webhookSecret, webhookUrl }) =>
    CarrierRoutes.pipe(
      Layer.provide([CarrierBook.layer({ path: file, delays: { dispatchMs, deliveryMs } }), Partner.layer({ key })]),
      Layer.provide(Webhooks.layer({ url: webhookUrl, secret: webhookSecret })),
      (routes) => serve(routes, port)
    )
  )
)
