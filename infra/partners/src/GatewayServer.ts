import { Config, Effect, Layer } from "effect"
import { GatewayBook } from "./GatewayBook.ts"
import { GatewayRoutes } from "./GatewayRoutes.ts"
import { Partner, serve } from "./Partner.ts"
import { Webhooks } from "./Webhooks.ts"

export const GatewayConfig = Config.all({
  /** 0 takes a free one; the log line "Listening on" tells which. */
  port: Config.Int("PORT"),
  key: Config.Redacted("KEY"),
  webhookUrl: Config.URL("WEBHOOK_URL"),
  webhookSecret: Config.Redacted("WEBHOOK_SECRET"),
  file: Config.NonEmptyString("FILE")
}).pipe(Config.nested("HALLES_GATEWAY"))

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
