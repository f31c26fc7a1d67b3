import { Config, Effect, Layer } from "effect"
import { GatewayBook } from "./GatewayBook.ts"
import { GatewayRoutes } from "./GatewayRoutes.ts"
import { Partner, partnerSettings, serve } from "./Partner.ts"
import { Webhooks } from "./Webhooks.ts"

const GatewayConfig = Config.all(partnerSettings).pipe(Config.nested("HALLES_GATEWAY"))

/** The payment gateway: a stand-in for an outside company, so it shares nothing with the shop but the wire. */
export const GatewayServer = Layer.unwrap(
  Effect.map(GatewayConfig, ({ file, key, port, webhookSecret, webhookUrl }) =>
    GatewayRoutes.pipe(
      Layer.provide([GatewayBook.layer({ path: file }), Partner.layer({ key })]),
      Layer.provide(Webhooks.layer({ url: webhookUrl, secret: webhookSecret })),
      (routes) => serve(routes, port)
    )
  )
)
