import * as HttpListener from "@halles/shared/listener/HttpListener"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import type { Act } from "@halles/shared/audit/AuditEntry"
import * as WebhookTables from "@halles/shared/security/WebhookTables"
import * as PartnerKeyTables from "@halles/shared/security/PartnerKeyTables"
import { Revocations } from "@halles/shared/security/Revocations"
import { Reads } from "@halles/entities/routes/Reads"
import { RunnerPresence } from "@halles/engine/placement/RunnerPresence"
import type { Region } from "@halles/shared/Region"
import * as Shard from "@halles/shared/Shard"
import { publicText } from "@halles/shared/security/DerivedKey"
import { Intents } from "@halles/shared/Intent"
import * as ServiceToken from "@halles/shared/security/ServiceToken"
import { NatsTest } from "@halles/shared/testing/NatsTest"
import { PgTest } from "@halles/shared/testing/PgTest"
import { RedisTest } from "@halles/shared/testing/RedisTest"
import { Context, Effect, Layer, Logger, Option, Redacted } from "effect"
import {
  MessageStorage,
  RunnerAddress,
  RunnerHealth,
  Runners,
  RunnerStorage,
  Sharding,
  ShardingConfig
} from "effect/cluster"
import { HttpRouter, HttpServer } from "effect/http"
import type { SqlClient } from "effect/sql"
import { Credentials } from "../src/access/Credentials.ts"
import { AccessTokens } from "../src/access/AccessTokens.ts"
import { Faults } from "../src/admission/InjectedFaults.ts"
import { ResponseCache } from "../src/cache/ResponseCache.ts"
import { RoutesLive } from "../src/Http.ts"
import { PartnerKeys } from "../src/access/PartnerKeys.ts"
import { routerConfig } from "../src/openapi/RouteTable.ts"
import { Subscriptions } from "../src/webhooks/Subscriptions.ts"
import { allowed, Targets } from "../src/webhooks/WebhookTargets.ts"
import { WebhookSecrets } from "../src/notices/PartnerNoticeHttp.ts"
import * as EntityDoubles from "./EntityDoubles.ts"
import { Issuer } from "./Issuer.ts"

const toolsKey = ServiceToken.signingKey(Redacted.make("key of tools"))
export const serviceKey = publicText(toolsKey)
export const importToken = ServiceToken.make(toolsKey, "import", Date.now() + ServiceToken.lifetimeMs)
export const adminToken = ServiceToken.make(toolsKey, "admin", Date.now() + ServiceToken.lifetimeMs)
/** It was good until a moment ago. */
export const expiredToken = ServiceToken.make(toolsKey, "admin", Date.now() - 1_000)
export const gatewaySecret = Redacted.make(Buffer.from("gateway-secret").toString("base64"))
export const intentKey = Redacted.make("intent-key")
export const webhookKey = Redacted.make("webhook-key")
export const carrierSecret = Redacted.make(Buffer.from("carrier-secret").toString("base64"))

/** One runner in this process that owns all of `eu`. `am` and `ap` have none, as when a region is down. */
export const doubles = EntityDoubles.layer.pipe(
  Layer.provideMerge(Sharding.layer),
  Layer.provide([Runners.layerNoop, RunnerStorage.layerMemory, RunnerHealth.layerNoop]),
  Layer.provide(MessageStorage.layerNoop),
  Layer.provide(
    ShardingConfig.layer({
      runnerAddress: Option.some(RunnerAddress.make("edge-test", 1)),
      shardsPerGroup: 1,
      availableShardGroups: Shard.allGroups,
      assignedShardGroups: Shard.groupsOf("eu"),
      simulateRemoteSerialization: true,
      entityTerminationTimeout: 0,
      entityMessagePollInterval: "100 millis",
      refreshAssignmentsInterval: "100 millis",
      sendRetryInterval: "20 millis"
    })
  )
)

const lists: ReadonlyArray<string> = [
  "products",
  "orders",
  "productTypes",
  "productModels",
  "productsIn",
  "productsWithTexts",
  "media",
  "releases",
  "searchRules",
  "searchReport",
  "releases"
]
/** Lists have nothing in them, and that of `ap` is broken. */
const reads = Layer.mock(Reads, {
  read: <A>(region: Region, { name }: { readonly name: string }) => {
    if (region === "ap" && name === "products") return Effect.die(new Error("secret detail"))
    if (name === "membersInUse") return Effect.succeed({ details: new Set(), texts: [], attributes: [] } as A)
    return Effect.succeed((lists.includes(name) ? { items: [], next: null } : new Map()) as A)
  }
})

/** What went into the audit log. */
export const audited: Array<Act> = []

const accessTokens = Layer.unwrap(Effect.map(Issuer, ({ url }) => AccessTokens.layer(url)))
const webhookTables = Layer.effectDiscard(WebhookTables.create)
const partnerKeys = PartnerKeys.layer.pipe(Layer.provide(Layer.effectDiscard(PartnerKeyTables.create)))

/** The real routes on a real HTTP server, over a cluster in this process. */
export class EdgeTest extends Context.Service<
  EdgeTest,
  {
    readonly url: string
    readonly fetch: (path: string, init?: RequestInit) => Effect.Effect<Response>
    /** A JSON request; the answer's body is parsed. */
    readonly send: (
      method: string,
      path: string,
      body?: unknown,
      headers?: Readonly<Record<string, string>>
    ) => Effect.Effect<Answer>
  }
>()("@halles/http/test/EdgeTest") {
  static readonly layerOver = <E>(
    cluster: Layer.Layer<Sharding.Sharding, E, SqlClient.SqlClient>,
    lists: Layer.Layer<Reads, never, SqlClient.SqlClient> = reads
  ) =>
    Layer.effect(
      EdgeTest,
      Effect.gen(function* () {
        const { address } = yield* HttpServer.HttpServer
        const url = HttpServer.formatAddress(address).replace("0.0.0.0", "127.0.0.1")
        const send = async (
          method: string,
          path: string,
          body?: unknown,
          headers: Readonly<Record<string, string>> = {}
        ) => {
          const response = await fetch(`${url}${path}`, {
            method,
            headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
            ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
          })
          const text = await response.text()
          return { status: response.status, headers: response.headers, text, json: text === "" ? null : parse(text) }
        }
        return {
          url,
          fetch: (path: string, init?: RequestInit) => Effect.promise(() => fetch(`${url}${path}`, init)),
          send: (...args: Parameters<typeof send>) => Effect.promise(() => send(...args))
        }
      })
    ).pipe(
      Layer.provide(HttpRouter.serve(RoutesLive, { disableLogger: true, disableListenLog: true, routerConfig })),
      Layer.provide(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
      Layer.provide([
        cluster,
        lists,
        Credentials.layer({ serviceKey, services: ["import", "admin"] }),
        AuditLog.layerMemory(audited),
        Subscriptions.layer(webhookKey).pipe(Layer.provide(webhookTables)),
        Targets.layer(allowed("127.0.0.0/8")),
        Intents.layer(intentKey),
        WebhookSecrets.layer({ gateway: gatewaySecret, carrier: carrierSecret }),
        RunnerPresence.layer,
        ResponseCache.layer
      ]),
      Layer.provide(Faults.layer),
      Layer.provide([accessTokens, partnerKeys]),
      Layer.provideMerge(Issuer.layer),
      Layer.provide(Revocations.layer),
      Layer.provide([NatsTest.layerConnection("edge"), RedisTest.layerConnection("edge")]),
      Layer.provideMerge(PgTest.layer("edge")),
      Layer.provideMerge(NatsTest.layer),
      Layer.provideMerge(RedisTest.layer),
      Layer.provide(Logger.layer([]))
    )

  /** Over doubles of the entities. */
  static readonly layer = EdgeTest.layerOver(doubles)
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** What came over the wire, looked into by assertions. */
  readonly json: ReturnType<typeof JSON.parse>
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
