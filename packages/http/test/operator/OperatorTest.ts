import * as HttpListener from "@halles/shared/listener/HttpListener"
import { migrateControl, migrateRegion } from "@halles/entities/Migrations"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import type { Role, Scope } from "@halles/shared/security/Authority"
import type { Act } from "@halles/shared/audit/AuditEntry"
import { EntityCalls, Figures } from "@halles/engine/activation/EntityCalls"
import { Placement } from "@halles/engine/placement/Placement"
import { ActivationDirectory } from "@halles/engine/activation/ActivationDirectory"
import { Revocations } from "@halles/shared/security/Revocations"
import { layerHeartbeat, RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import * as RunnerStatus from "@halles/engine/placement/RunnerStatus"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Context, Effect, Layer, Logger } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { SqlClient } from "effect/sql"
import { Credentials } from "../../src/access/Credentials.ts"
import { AccessTokens } from "../../src/access/AccessTokens.ts"
import { RequestMiddleware } from "../../src/admission/RequestMiddleware.ts"
import { Sessions } from "../../src/operator/OperatorSessions.ts"
import * as SignIn from "../../src/operator/OperatorSignIn.ts"
import { OperatorRoutes } from "../../src/operator/OperatorHttp.ts"
import { anonymous } from "@halles/shared/wire/Principal"
import { PartnerKeys } from "../../src/access/PartnerKeys.ts"
import { BrowserRules } from "../../src/admission/SecurityHeaders.ts"
import { adminToken, doubles, serviceKey } from "../EdgeTest.ts"
import { Issuer } from "../Issuer.ts"

/** What went into the audit log. */
export const audited: Array<Act> = []

/** The tables of a region and of the control database in one, which the test has for itself. */
const tables = Layer.effectDiscard(
  Effect.gen(function* () {
    yield* migrateControl
    yield* migrateRegion
    const sql = yield* SqlClient.SqlClient
    yield* sql`UPDATE shard_placement SET runner = region || '-1', holder = region || '-1' WHERE region = 'eu'`
  })
)

/** Two runners of `eu` and one of `am`, as far as others hear of them. */
const beats = (id: string) =>
  Layer.fresh(layerHeartbeat({ id, region: id.slice(0, 2), version: "test", incarnation: "first" }))
const runners = Layer.mergeAll(
  beats("eu-1"),
  beats("eu-2"),
  beats("am-1"),
  RunnerStatus.layer({ runnerId: "eu-1", region: "eu", incarnation: "first" })
)

const routes = Layer.mergeAll(
  SignIn.layer("http://127.0.0.1"),
  OperatorRoutes,
  RequestMiddleware.pipe(Layer.provideMerge(SignIn.OperatorAuthentication), Layer.provideMerge(BrowserRules))
)

/** One operator is signed in: the whole way through the issuer is walked in a browser (`packages/dashboard/test`). */
const sessions = Layer.succeed(Sessions, {
  account: "https://accounts.test/account",
  start: Effect.die("nobody signs in here"),
  finish: () => Effect.die("nobody signs in here"),
  end: () => Effect.succeed(null),
  principalOf: (session) =>
    Effect.succeed(
      session === "known"
        ? {
            kind: "staff",
            strong: true,
            subject: "account-9",
            called: { name: "Olga Operator", email: "olga@halles.test" },
            clientId: "halles-ops",
            roles: new Set<Role>(["ops-write"]),
            scopes: new Set<Scope>(["ops:read", "ops:write"])
          }
        : anonymous
    )
})

export interface Answer {
  readonly status: number
  readonly json: ReturnType<typeof JSON.parse>
}

/** The real routes of the operator process on a real HTTP server. */
export class OperatorTest extends Context.Service<
  OperatorTest,
  {
    readonly url: string
    readonly figures: Figures
    readonly send: (
      method: string,
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string>>
    ) => Effect.Effect<Answer>
  }
>()("@halles/http/test/OperatorTest") {
  static readonly layer = Layer.unwrap(
    Effect.sync(() => {
      const figures = new Figures()
      return Layer.effect(
        OperatorTest,
        Effect.map(HttpServer.HttpServer, ({ address }) => {
          const url = HttpServer.formatAddress(address).replace("0.0.0.0", "127.0.0.1")
          const send = async (
            method: string,
            path: string,
            body?: unknown,
            headers: Readonly<Record<string, string>> = { authorization: `Bearer ${adminToken}` }
          ) => {
            const response = await fetch(`${url}/v1/ops/${path}`, {
              method,
              headers: { "content-type": "application/json", ...headers },
              ...(body === undefined ? {} : { body: JSON.stringify(body) })
            })
            return { status: response.status, json: JSON.parse(await response.text()) }
          }
          return { url, figures, send: (...args: Parameters<typeof send>) => Effect.promise(() => send(...args)) }
        })
      ).pipe(
        Layer.provide(HttpRouter.serve(routes, { disableLogger: true, disableListenLog: true })),
        Layer.provide(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
        Layer.provide([
          sessions,
          Credentials.layer({ serviceKey, services: ["admin"] }),
          AuditLog.layerMemory(audited),
          RegionDatabases.layerOne,
          doubles,
          runners.pipe(Layer.provide(ActivationDirectory.layer), Layer.provide(Layer.succeed(EntityCalls, figures)))
        ]),
        Layer.provide([
          Layer.unwrap(Effect.map(Issuer, ({ url }) => AccessTokens.layer(url))),
          PartnerKeys.layerNone,
          RunnerPresence.layer,
          Placement.layer
        ]),
        Layer.provideMerge(Issuer.layer),
        Layer.provide(Revocations.layer),
        Layer.provideMerge(NatsTest.layerConnection("ops")),
        Layer.provide(tables),
        Layer.provideMerge(PgTest.layer("ops")),
        Layer.provide(NatsTest.layer),
        Layer.provide(Logger.layer([]))
      )
    })
  )
}
