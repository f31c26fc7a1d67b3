import { PgClient } from "@effect/sql-pg"
import * as NodeServices from "@effect/platform-node/NodeServices"
import type { Vitest } from "@effect/vitest"
import { Context, Effect, Layer, Redacted } from "effect"
import { Cluster } from "../../src/cluster/Cluster.ts"
import * as Layout from "../../src/Layout.ts"
import { Settings } from "../../src/Settings.ts"
import { OtlpReceiver } from "./OtlpReceiver.ts"
import * as Shop from "./Shop.ts"

/** A whole cluster on real processes, with an empty past; what a test kills is soon there again. */
const WholeCluster = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* Settings
    const layout = Layout.of("e2e", settings.portBase)
    return Cluster.layer({ layout, settings, empty: true, identity: true, backoffMsMax: 200 })
  })
).pipe(Layer.orDie)

export class Shopper extends Context.Service<Shopper, Shop.Shop>()("test/Shopper") {
  static readonly layer = Layer.effect(
    Shopper,
    Effect.map(Cluster, ({ clientEnvironment, edgeUrl }) =>
      Shop.make(edgeUrl, clientEnvironment["HALLES_IMPORT_TOKEN"]!)
    )
  )
}

/** Reads the journal of `eu` as it is. */
const EuJournal = Layer.unwrap(
  Effect.map(Cluster, ({ proverEnvironment }) =>
    PgClient.layer({ url: Redacted.make(proverEnvironment["HALLES_PG_EU_URL"]!), maxConnections: 2 })
  )
).pipe(Layer.orDie)

export const ClusterTest = Layer.mergeAll(Shopper.layer, EuJournal).pipe(
  Layer.provideMerge(WholeCluster),
  // First, so that every process reports to it.
  Layer.provideMerge(OtlpReceiver.layer),
  Layer.provideMerge(NodeServices.layer)
)
/** What the tests of one cluster run with. */
export type ClusterTests = Vitest.MethodsNonLive<Layer.Success<typeof ClusterTest>>
