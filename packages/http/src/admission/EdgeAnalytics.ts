import { jetstreamManager } from "@nats-io/jetstream"
import * as NatsClient from "@halles/shared/clients/Nats"
import { Context, Effect, Layer, Metric, Schedule } from "effect"
import { createHash, randomUUID } from "node:crypto"
import * as Latencies from "./Latencies.ts"
import * as TopKeys from "./TopKeys.ts"

/** One event says what happened in this time. */
const windowMs = 10_000
/** Clients that are counted at a time, and named in an event. */
export const clientsMax = 100
const clientsListedMax = 10
const stream = { name: "ANALYTICS", subjects: ["halles.analytics.>"] }
const subject = "halles.analytics.edge"
/** The stream keeps this much, and no longer. */
const streamBytesMax = 256 * 1_024 * 1_024
const streamDaysMax = 7

const requests = Metric.counter("halles_edge_route_requests_total", {
  description: "Requests by route and class of status; class 4xx includes those whose client went away.",
  incremental: true
})
const bytes = Metric.counter("halles_edge_route_bytes_total", {
  description: "Bytes sent, by route.",
  incremental: true
})
const latency = Metric.gauge("halles_edge_route_latency_seconds", {
  description: "Of the last ten seconds in which the route was asked, by route and quantile."
})
const dropped = Metric.counter("halles_edge_analytics_dropped_total", {
  description: "Events of analytics that were not sent, since NATS was away.",
  incremental: true
})

export interface Seen {
  readonly route: string
  /** Who asked: an account, a client, or a network; it is told apart in events, and not named. */
  readonly client: string
  /** 499: the client went away. */
  readonly status: number
  readonly ms: number
  readonly bytes: number
}

interface RouteWindow {
  readonly latencies: Latencies.Latencies
  requests: number
  refused: number
  failed: number
  bytes: number
}

/** A client's name in events: it tells one from another, and says nothing without the salt. */
const pseudonym = (client: string, salt: string): string =>
  createHash("sha256").update(`${salt}:${client}`).digest("base64url").slice(0, 16)

/**
 * What the edge is asked and how it answers: per route rate, errors, latencies and bytes, and who asks most. It costs a request
 * a few additions; every ten seconds they become metrics and one event, which is dropped when NATS is away.
 */
export class EdgeAnalytics extends Context.Service<EdgeAnalytics, { readonly saw: (seen: Seen) => void }>()(
  "@halles/http/EdgeAnalytics"
) {
  static readonly layerNone = Layer.succeed(EdgeAnalytics, { saw: () => undefined })

  static readonly layer = Layer.effect(
    EdgeAnalytics,
    Effect.gen(function* () {
      // A process's own, so that nobody is followed for longer than it lives.
      const salt = randomUUID()
      const nats = yield* NatsClient.Nats
      const link = yield* NatsClient.link(nats)
      let routes = new Map<string, RouteWindow>()
      let clients = TopKeys.make(clientsMax)

      const report = Effect.gen(function* () {
        const [window, top] = [routes, clients.top(clientsListedMax)]
        routes = new Map()
        clients = TopKeys.make(clientsMax)
        if (window.size === 0) return
        const listed = [...window].map(([route, { latencies, ...sums }]) => ({
          route,
          ...sums,
          p50Ms: latencies.quantile(0.5),
          p95Ms: latencies.quantile(0.95),
          p99Ms: latencies.quantile(0.99)
        }))
        for (const { failed, p50Ms, p95Ms, p99Ms, refused, requests: count, route, ...sums } of listed) {
          const add = (status: string, value: number) =>
            Metric.update(Metric.withAttributes(requests, { route, status }), value)
          yield* add("2xx", count - refused - failed)
          yield* add("4xx", refused)
          yield* add("5xx", failed)
          yield* Metric.update(Metric.withAttributes(bytes, { route }), sums.bytes)
          for (const [quantile, ms] of [
            ["0.5", p50Ms],
            ["0.95", p95Ms],
            ["0.99", p99Ms]
          ] as const) {
            yield* Metric.update(Metric.withAttributes(latency, { route, quantile }), ms / 1_000)
          }
        }
        // The client would keep what it cannot send, without a bound.
        if (!link.up || nats.isClosed()) return yield* Metric.update(dropped, 1)
        const event = {
          at: new Date().toISOString(),
          seconds: windowMs / 1_000,
          routes: listed,
          clients: top.map(({ key, ...counts }) => ({ client: pseudonym(key, salt), ...counts }))
        }
        yield* Effect.sync(() => nats.publish(subject, JSON.stringify(event)))
      })

      yield* Effect.tryPromise(async () => {
        const manager = await jetstreamManager(nats)
        await manager.streams.add({
          ...stream,
          max_bytes: streamBytesMax,
          max_age: streamDaysMax * 86_400 * 1e9
        })
      }).pipe(Effect.retry(Schedule.spaced("5 seconds")), Effect.ignore, Effect.forkScoped)
      yield* report.pipe(Effect.delay(windowMs), Effect.forever, Effect.forkScoped)
      yield* Effect.addFinalizer(() => report)

      return {
        saw: ({ bytes: sent, client, ms, route, status }) => {
          let window = routes.get(route)
          if (window === undefined) {
            window = { latencies: Latencies.make(), requests: 0, refused: 0, failed: 0, bytes: 0 }
            routes.set(route, window)
          }
          window.requests += 1
          if (status >= 500) window.failed += 1
          else if (status >= 400) window.refused += 1
          window.bytes += sent
          window.latencies.add(ms)
          clients.add(client)
        }
      }
    })
  )
}
