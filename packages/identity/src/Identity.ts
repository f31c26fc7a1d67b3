import { AuditLog } from "@halles/shared/audit/AuditLog"
import * as AuditSigner from "@halles/shared/audit/AuditSigner"
import * as BreakerNews from "@halles/shared/clients/BreakerNews"
import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as MetricsListener from "@halles/shared/listener/MetricsListener"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Redis } from "@halles/shared/clients/Redis"
import { Revocations } from "@halles/shared/security/Revocations"
import * as Telemetry from "@halles/shared/clients/Telemetry"
import { ByteSize, Effect, Layer, Option, type Redacted } from "effect"
import { HttpIncomingMessage, HttpRouter, HttpServerResponse } from "effect/http"
import { SqlClient } from "effect/sql"
import { AccountClosingHttp } from "./accounts/AccountClosingHttp.ts"
import { AccountEmailHttp } from "./accounts/AccountEmailHttp.ts"
import { AccountHttp } from "./accounts/AccountHttp.ts"
import { AccountOwner } from "./accounts/AccountOwner.ts"
import { Artifacts } from "./oidc/Artifacts.ts"
import { Assets } from "./pages/Assets.ts"
import { AuthorizationServer } from "./oidc/AuthorizationServer.ts"
import { ClientRequests } from "./oidc/ClientRequests.ts"
import { CustomersLive } from "./accounts/Customers.ts"
import { demoAccountsLayer, type DemoCredentials } from "./accounts/DemoAccounts.ts"
import { EnrolHttp } from "./factors/EnrolHttp.ts"
import { Forms } from "./pages/Forms.ts"
import { PageMiddleware } from "./pages/PageMiddleware.ts"
import { IdentityConfig } from "./IdentityConfig.ts"
import { Interactions } from "./signin/Interactions.ts"
import { Mail } from "./pages/Mail.ts"
import { OidcHttp } from "./oidc/OidcHttp.ts"
import { Passkeys } from "./factors/Passkeys.ts"
import { Passwords } from "./accounts/Passwords.ts"
import { RegisterHttp } from "./accounts/RegisterHttp.ts"
import { Seal } from "./oidc/Seal.ts"
import { SignIn } from "./signin/SignIn.ts"
import { SignInHttp } from "./signin/SignInHttp.ts"
import { Sso, type SsoOptions } from "./signin/Sso.ts"
import { SsoHttp } from "./signin/SsoHttp.ts"
import { storeLayer } from "./oidc/Store.ts"
import { SweepLive } from "./oidc/Sweep.ts"
import { Throttle } from "./signin/Throttle.ts"

const bodyMax = ByteSize.kibibytes(64)
const connectionsMax = 8

export interface IdentityOptions {
  readonly issuer: string
  readonly key: Redacted.Redacted
  readonly sso: Option.Option<SsoOptions>
  readonly breachListUrl: Option.Option<string>
  readonly demo: Option.Option<DemoCredentials>
}

/** Ready while the database answers: nothing works without it, and all else can wait. */
const health = Layer.mergeAll(
  HttpRouter.add("GET", "/health/live", HttpServerResponse.jsonUnsafe({ live: true })),
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const sql = yield* SqlClient.SqlClient
      yield* router.add(
        "GET",
        "/health/ready",
        sql`SELECT 1`.pipe(
          Effect.timeout("2 seconds"),
          Effect.as(HttpServerResponse.jsonUnsafe({ ready: true })),
          Effect.catch(() => Effect.succeed(HttpServerResponse.jsonUnsafe({ ready: false }, { status: 503 })))
        )
      )
    })
  )
)

/** The authorization server, and how passwords and passkeys are proved. */
export const coreLayer = (options: IdentityOptions) =>
  Layer.mergeAll(
    AuthorizationServer.layer(options.issuer).pipe(
      Layer.provide(Artifacts.layer),
      Layer.provideMerge(ClientRequests.layer)
    ),
    Passkeys.layer(options.issuer),
    Passwords.layer(options)
  ).pipe(Layer.provideMerge(storeLayer(options)))

/** All pages and endpoints; what they need stays open, so that tests may bring servers of theirs. */
export const identityLayer = (options: IdentityOptions) =>
  Layer.mergeAll(
    SignInHttp,
    SsoHttp,
    RegisterHttp,
    AccountHttp,
    AccountEmailHttp,
    AccountClosingHttp,
    EnrolHttp,
    OidcHttp,
    Assets,
    health,
    PageMiddleware,
    SweepLive,
    demoAccountsLayer(options.demo)
  ).pipe(
    Layer.provide(AccountOwner.layer),
    Layer.provide([
      Interactions.layer,
      Forms.layer({ secure: new URL(options.issuer).protocol === "https:" }),
      Sso.layer(options.issuer, options.sso),
      SignIn.layer
    ]),
    Layer.provide(Layer.succeed(HttpIncomingMessage.MaxBodySize, bodyMax))
  )

/** The identity process: an authorization server, the pages of accounts, and a client of the cluster that owns no shards. */
export const IdentityLive = Layer.unwrap(
  Effect.map(
    IdentityConfig,
    ({ breachListUrl, countersUrl, demo, host, mailFrom, metrics, natsUrl, port, smtpUrl, sso, store }) => {
      const options = { ...store, sso, breachListUrl, demo }
      return Layer.mergeAll(
        HttpRouter.serve(identityLayer(options), { disableLogger: true }),
        CustomersLive,
        BreakerNews.layerTell("identity"),
        MetricsListener.layer(metrics),
        AuditSigner.layer(store.key)
      ).pipe(
        Layer.provide(coreLayer(options)),
        Layer.provide(HttpListener.layer({ host, port })),
        Layer.provide([Mail.layer({ smtpUrl, from: mailFrom }), AuditLog.layer, Revocations.layer]),
        Layer.provide(Throttle.layer.pipe(Layer.provide(Seal.layer(store.key)))),
        Layer.provide(ClusterClient.layer({ region: "identity" })),
        Layer.provide([
          Nats.layer({ url: natsUrl, name: "identity" }),
          Redis.layer({ url: countersUrl, name: "identity", dependency: "counters", answerMsMax: 250 }),
          Postgres.layer({ url: store.controlUrl, applicationName: "halles:identity", connectionsMax })
        ]),
        Layer.provide(Telemetry.layer("identity"))
      )
    }
  )
)
