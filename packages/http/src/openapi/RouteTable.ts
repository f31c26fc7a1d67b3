import { Context } from "effect"
import { FindMyWay } from "effect/http"
import { Api } from "../Api.ts"
import { Shared } from "@halles/shared/wire/Operation"
import type { Worth } from "@halles/shared/wire/Traffic"
import { endpointsOf } from "../access/Policy.ts"
import { byMethod, trafficOf } from "../admission/Quotas.ts"

/** A slash at the end is ignored; two in a row, or other capitals, are another path, which there is not. */
export const routerConfig = { ignoreDuplicateSlashes: false, caseSensitive: true }

export interface Route {
  /** The endpoint's name in the contract: a label of bounded number. */
  readonly name: string
  readonly method: string
  readonly traffic: Worth
  /** Its answers are the same for everybody, and may be kept. */
  readonly shared?: boolean
}

/** What no route fits; probing costs more than asking for what is there. */
export const unrouted: Route = { name: "unrouted", method: "*", traffic: { priority: "browse", cost: 2 } }

const routes: ReadonlyArray<Route & { readonly path: string }> = [
  ...endpointsOf(Api).map((endpoint) => ({
    name: endpoint.identifier,
    method: endpoint.method,
    path: endpoint.path,
    traffic: trafficOf(endpoint),
    shared: Context.get(endpoint.annotations, Shared)
  })),
  ...[
    ["index", "/"],
    ["docs", "/docs"],
    ["problems", "/problems"],
    ["problem", "/problems/:code"],
    ["openapi", "/openapi.json"]
  ].map(([name = "", path = ""]) => ({ name, method: "GET", path, traffic: byMethod("GET") }))
]

/** The application's own router, so that no other way to write a path (`%63heckout`, `;x`) is another route to admission control. */
const router = FindMyWay.make<Route>({ ...routerConfig, maxParamLength: Number.POSITIVE_INFINITY })
for (const { path, ...route } of routes) router.on(route.method, path as FindMyWay.PathInput, route)
/** Whether a route can be made to fail on purpose: not what tells of health and money, nor what ends it again. */
export const mayFail = (name: string): boolean =>
  routes.some((route) => route.name === name && route.traffic.priority !== "vital") &&
  !name.endsWith("Fault") &&
  !name.endsWith("Faults")
const methods = [...new Set(routes.map(({ method }) => method))]

/** Path without its query. */
const pathOf = (url: string): string => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}

/** The methods that a path of the contract takes, each with its route; none for another path. */
export const methodsOf = (url: string): ReadonlyMap<string, Route> => {
  const path = pathOf(url)
  return new Map(
    methods.flatMap((method) => {
      const found = router.find(method, path)
      return found === undefined ? [] : [[method, found.handler] as const]
    })
  )
}

export const routeOf = (method: string, url: string): Route =>
  router.find(method === "HEAD" ? "GET" : method, pathOf(url))?.handler ?? unrouted
