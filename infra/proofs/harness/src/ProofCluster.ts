import * as ClusterClient from "@halles/engine/cluster/ClusterClient"
import { Cluster, type ClusterOptions } from "@halles/infra/cluster/Cluster"
import * as Environment from "@halles/infra/Environment"
import * as Layout from "@halles/infra/Layout"
import { Settings } from "@halles/infra/Settings"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Effect, Layer, Redacted } from "effect"

/** A whole cluster of a proof's own, with an empty past, that stops with its scope. */
export const own = (name: Layout.Name, options: Pick<ClusterOptions, "through"> = {}) =>
  Layer.unwrap(
    Effect.map(Settings, (settings) =>
      Cluster.layer({ ...options, layout: Layout.of(name, settings.portBase), settings, apart: true, empty: true })
    )
  )

/** Where a client of a cluster finds it. */
export interface Addressed {
  readonly name: string
  readonly natsUrl: string
  readonly controlUrl: string
}

export const addressed = (name: string, parts: Environment.Parts): Addressed => ({
  name,
  natsUrl: parts.addresses.nats,
  controlUrl: Environment.databaseUrl(parts, "halles_edge", "control")
})

/** Calls entities from this process, past the edge. */
export const client = ({ controlUrl, name, natsUrl }: Addressed) =>
  ClusterClient.layer({ region: name }).pipe(
    Layer.provide([
      Nats.layer({ url: Redacted.make(natsUrl), name }),
      Postgres.layer({
        url: Redacted.make(controlUrl),
        applicationName: `halles:${name}:control`,
        connectionsMax: 3
      })
    ])
  )
