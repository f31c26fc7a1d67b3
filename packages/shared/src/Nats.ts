import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Context, Effect, Layer, Redacted, Schema } from "effect"

/** The NATS server did not accept the first connection: is it running, and are the credentials right? */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  cause: Schema.Defect()
}) {}

/** One connection to NATS a process. It reconnects for ever, and what is published meanwhile is kept in a bounded buffer by the client. */
export class Nats extends Context.Service<Nats, NatsConnection>()("@halles/shared/Nats") {
  static readonly layer = (options: { readonly url: Redacted.Redacted; readonly name: string }) =>
    Layer.effect(
      Nats,
      Effect.acquireRelease(
        Effect.tryPromise({
          try: () => {
            const { host, username, password } = new URL(Redacted.value(options.url))
            return connect({
              servers: host,
              ...(username === "" ? {} : { user: decodeURIComponent(username), pass: decodeURIComponent(password) }),
              name: options.name,
              maxReconnectAttempts: -1,
              reconnectTimeWait: 100,
              reconnectJitter: 50,
              pingInterval: 5_000,
              maxPingOut: 2,
              timeout: 5_000,
              noEcho: false
            })
          },
          catch: (cause) => new NatsUnavailable({ cause })
        }),
        (connection) => Effect.promise(() => connection.close())
      )
    )
}
