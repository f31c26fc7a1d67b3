import { connect, type NatsConnection } from "@nats-io/transport-node"
import { Context, Effect, Layer, Redacted, Schema, type Scope } from "effect"

/** The NATS server did not accept the first connection: is it running, and are the credentials right? */
export class NatsUnavailable extends Schema.TaggedError<NatsUnavailable>()("NatsUnavailable", {
  cause: Schema.Defect()
}) {}

/** One connection to NATS a process. It reconnects for ever; what was on its way when it broke may be lost. */
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
              // A stack trace for each request, in case it fails, cost more than the request.
              noAsyncTraces: true,
              noEcho: false
            })
          },
          catch: (cause) => new NatsUnavailable({ cause })
        }),
        (connection) => Effect.promise(() => connection.close())
      )
    )
}

/** Whether the connection is up, and since when (`Date.now()`), for code that must not mistake its own silence for others'. */
export interface Link {
  readonly up: boolean
  readonly changedAtMs: number
}

/** Follows the state of a connection until the scope closes; `onChange` runs at once after each change. */
export const link = (
  connection: NatsConnection,
  onChange?: (up: boolean) => void
): Effect.Effect<Link, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const state = { up: !connection.isClosed(), changedAtMs: Date.now(), stopped: false }
      const set = (up: boolean) => {
        if (state.stopped || state.up === up) return
        state.up = up
        state.changedAtMs = Date.now()
        onChange?.(up)
      }
      const follow = async () => {
        for await (const status of connection.status()) {
          if (status.type === "reconnect") set(true)
          if (status.type === "disconnect" || status.type === "staleConnection" || status.type === "close") set(false)
        }
      }
      void follow()
      return state
    }),
    (state) =>
      Effect.sync(() => {
        state.stopped = true
      })
  )
