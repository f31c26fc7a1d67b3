import { Context, Duration, Effect, Layer, Metric } from "effect"
import type { Front, Handler, Tls } from "@halles/shared/listener/HttpListener"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import * as ListenerRefusal from "@halles/shared/listener/ListenerRefusal"
import {
  AddressDenied,
  ChallengeRequired,
  FaultInjected,
  Overloaded,
  RateLimited
} from "@halles/shared/wire/EdgeErrors"
import { networkOf } from "@halles/shared/clients/NetworkAddress"
import type { IncomingMessage, ServerResponse } from "node:http"
import * as AddressRules from "./AddressRules.ts"
import * as Bots from "./Bots.ts"
import { Callers } from "./Callers.ts"
import { EdgeAnalytics } from "./EdgeAnalytics.ts"
import { ResponseCache } from "../cache/ResponseCache.ts"
import * as KnownAnswers from "../cache/CacheFront.ts"
import { Faults } from "./InjectedFaults.ts"
import * as RateLimit from "./RateLimit.ts"
import type { Ask } from "./TokenBucket.ts"
import { type Route, routeOf } from "../openapi/RouteTable.ts"
import { CorsOrigins, exposed } from "./SecurityHeaders.ts"
import * as Shedding from "./Shedding.ts"
import { accountQuota, addressQuota, botQuota, bulkQuota, clientQuota, memoryQuota } from "./Quotas.ts"

/** One request and its answer, on their way through admission control. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly route: Route
  readonly address: string
  readonly startedMs: number
}

const refused = Metric.counter("halles_edge_refused_total", {
  description: "Requests that admission control answered itself, by reason.",
  incremental: true
})

/** Bytes that an HTTP/1 connection has sent; many streams share one of HTTP/2, so there it is what the answer says of itself. */
const sentBy = ({ request, response }: Exchange): number =>
  request.httpVersionMajor === 1
    ? request.socket.bytesWritten
    : response.headersSent
      ? Number(response.getHeader("content-length") ?? 0)
      : 0

/** Imports are long, and the shop's front has many visitors. */
export const bounds = { requestMs: 3_600_000, connections: 10_000, connectionsOfOne: 5_000 }
/** For balancers to see that readiness has fallen. */
const notice = Duration.seconds(1)

const addressDenied = ListenerRefusal.of(new AddressDenied())
const rateLimited = ListenerRefusal.of(new RateLimited())
const challengeRequired = ListenerRefusal.of(new ChallengeRequired())
const overloaded = ListenerRefusal.of(new Overloaded())
const faultInjected = ListenerRefusal.of(new FaultInjected())
const suspectRetryAfter = { "retry-after": "60" }

/**
 * What stands before the application: it sees Node's own request and answer, so that what is turned away costs next to
 * nothing. In this order: address rules, faults that operators wish for, load shedding, answers that are known, bots, rate limits.
 */
export class AdmissionControl extends Context.Service<
  AdmissionControl,
  Front & {
    /** For its health. */
    readonly state: () => { readonly draining: boolean; readonly rateLimits: "redis" | "local" }
  }
>()("@halles/http/AdmissionControl") {
  /** A listener that asks admission control first. */
  static readonly listen = (options: {
    readonly host: string
    readonly port: number
    readonly tls?: Tls | undefined
    readonly notice?: Duration.Duration
  }) => Layer.unwrap(Effect.map(AdmissionControl, (front) => HttpListener.layer({ notice, ...options, front, bounds })))

  static readonly layer = (rules: AddressRules.Rules) =>
    Layer.effect(
      AdmissionControl,
      Effect.gen(function* () {
        const addresses = AddressRules.make(rules)
        const limits = yield* RateLimit.RateLimit
        const callers = yield* Callers
        const shedding = yield* Shedding.measured
        const analytics = yield* EdgeAnalytics
        const { answerOf } = yield* ResponseCache
        const faults = yield* Faults
        const front = KnownAnswers.make(answerOf, () => Date.now())
        const context = yield* Effect.context<never>()
        const origins = new Set<string>(yield* CorsOrigins)
        /** Without them the page of a listed origin could not tell a 429 from a network that is down. */
        const crossOrigin = ({ headers: { origin } }: IncomingMessage) =>
          origin !== undefined && origins.has(origin)
            ? {
                "access-control-allow-origin": origin,
                "access-control-expose-headers": exposed.join(","),
                vary: "Origin"
              }
            : {}
        const bots = Bots.make({ now: () => performance.now() })
        let underWay = 0
        let draining = false
        const counts = new Map<string, Metric.Counter<number>>()
        const refuse = (
          { request, response }: Exchange,
          answer: ListenerRefusal.Refusal,
          headers: Readonly<Record<string, string>> = {}
        ) => {
          const { code } = answer.document
          const count = counts.get(code) ?? Metric.withAttributes(refused, { reason: code })
          counts.set(code, count)
          count.updateUnsafe(1, context)
          ListenerRefusal.answer(request, response, answer, { ...crossOrigin(request), ...headers })
        }

        const asksOf = ({ address, request, route }: Exchange): ReadonlyArray<Ask> => {
          const caller = callers.of(request.headers)
          if (caller?.unlimited === true) return []
          if (caller?.client !== undefined && caller.bulk === true) {
            return [{ key: `limit:bulk:${caller.client}`, quota: bulkQuota, cost: route.traffic.cost }]
          }
          const { cost, quota } = route.traffic
          const network = networkOf(address)
          const bot = caller === undefined && bots.declared(request.headers["user-agent"])
          const asks: Array<Ask> = [
            { key: `limit:${bot ? "bot" : "address"}:${network}`, quota: bot ? botQuota : addressQuota, cost }
          ]
          if (caller?.account !== undefined)
            asks.push({ key: `limit:account:${caller.account}`, quota: accountQuota, cost })
          if (caller?.client !== undefined)
            asks.push({ key: `limit:client:${caller.client}`, quota: clientQuota, cost })
          if (quota !== undefined) asks.push({ key: `limit:${quota.name}:${network}`, quota, cost })
          return asks
        }

        /** It costs less than asking Redis would: this process's own bucket is enough. */
        const mayHaveFromMemory = ({ address }: Exchange) =>
          limits.askLocal({ key: `memory:${networkOf(address)}`, quota: memoryQuota, cost: 1 }).allowed

        const who = ({ address, request }: Exchange): string => {
          const caller = callers.of(request.headers)
          return caller?.account ?? caller?.client ?? networkOf(address)
        }

        const limited = (exchange: Exchange, application: Handler) => {
          const asks = asksOf(exchange)
          if (asks.length === 0) return application(exchange.request, exchange.response)
          limits.ask(asks, (verdict) => {
            const { request, response } = exchange
            if (response.destroyed) return
            for (const [name, value] of RateLimit.headers(asks, verdict)) response.setHeader(name, value)
            if (verdict.allowed) return application(request, response)
            refuse(exchange, rateLimited, {
              "retry-after": String(Math.max(1, Math.ceil(verdict.waitMicros / 1e6)))
            })
          })
        }

        const admit = (request: IncomingMessage, response: ServerResponse, application: Handler) => {
          const route = routeOf(request.method ?? "GET", request.url ?? "/")
          const forwarded = request.headers["x-forwarded-for"]
          const address = addresses.clientOf(
            request.socket.remoteAddress ?? "",
            Array.isArray(forwarded) ? forwarded.join(",") : forwarded
          )
          const exchange: Exchange = { request, response, route, address, startedMs: performance.now() }
          const { denied, unlimited } = addresses.verdict(address)
          const sentBefore = sentBy(exchange)
          underWay += 1
          response.once("close", () => {
            underWay -= 1
            analytics.saw({
              route: route.name,
              client: who(exchange),
              status: response.writableFinished ? response.statusCode : 499,
              ms: performance.now() - exchange.startedMs,
              bytes: sentBy(exchange) - sentBefore
            })
            if (!unlimited) bots.saw(request.headers, address, response.statusCode)
          })
          if (denied) return refuse(exchange, addressDenied)
          const fault = faults.draw(`route:${route.name}`)
          if (fault?.kind === "drop") return void response.destroy()
          if (fault?.kind === "error") return refuse(exchange, faultInjected)
          if (fault === undefined) return onwards(exchange, unlimited, application)
          setTimeout(() => {
            if (!response.destroyed) onwards(exchange, unlimited, application)
          }, fault.latencyMs)
        }

        const onwards = (exchange: Exchange, unlimited: boolean, application: Handler) => {
          const { address, request, response, route } = exchange
          if (shedding.refuses(route.traffic.priority, underWay)) {
            return refuse(exchange, overloaded)
          }
          if (route.shared === true) {
            if ((unlimited || mayHaveFromMemory(exchange)) && front.answer(request, response)) return
            front.watch(request, response)
          }
          if (unlimited || route.traffic.priority === "vital") return application(request, response)
          if (bots.suspect(address)) {
            return refuse(exchange, challengeRequired, suspectRetryAfter)
          }
          return limited(exchange, application)
        }

        return {
          admit,
          // Imports are long: the bound of the whole request holds for them.
          bodyMsOf: ({ method = "GET", url = "/" }) =>
            routeOf(method, url).traffic.priority === "bulk" ? Number.POSITIVE_INFINITY : undefined,
          isProxy: addresses.isProxy,
          state: () => ({ draining, rateLimits: limits.where() }),
          drain: () => {
            draining = true
          }
        }
      })
    )
}
