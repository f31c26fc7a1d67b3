import type { HttpApiEndpoint } from "effect/http-api"
import { FindMyWay } from "effect/http"
import { Api } from "../Api.ts"
import { type Traffic, trafficOf } from "../admission/Traffic.ts"

/** A slash at the end is ignored; two in a row, or other capitals, are another path, which there is not. */
export const routerConfig = { ignoreDuplicateSlashes: false, caseSensitive: true }

export interface Route {
  /** The endpoint's name in the contract: a label of bounded number. */
  readonly name: string
  readonly method: string
  readonly traffic: Traffic
  /** Its answers are the same for everybody, and may be kept. */
  readonly shared?: boolean
}

/** What no route fits; probing costs more than asking for what is there. */
export const unrouted: Route = { name: "unrouted", method: "*", traffic: { priority: "browse", cost: 2 } }

const endpoints: ReadonlyArray<{ readonly name: string; readonly method: string; readonly path: string }> = [
  ...Object.values(Api.groups).flatMap((group) =>
    Object.entries(group.endpoints as Record<string, HttpApiEndpoint.Top>).map(([name, { method, path }]) => ({
      method: String(method),
      name,
      path: String(path)
    }))
  ),
  { method: "GET", name: "index", path: "/" },
  { method: "GET", name: "docs", path: "/docs" },
  { method: "GET", name: "problems", path: "/problems" },
  { method: "GET", name: "problem", path: "/problems/:code" },
  { method: "GET", name: "openapi", path: "/openapi.json" }
]

const shared = new Set(["getProduct", "listProducts"])

/** The application's own router, so that no other way to write a path (`%63heckout`, `;x`) is another route to the gate. */
const router = FindMyWay.make<Route>({ ...routerConfig, maxParamLength: Number.POSITIVE_INFINITY })
for (const { method, name, path } of endpoints) {
  router.on(method, path as FindMyWay.PathInput, {
    name,
    method,
    traffic: trafficOf(name, method),
    shared: shared.has(name)
  })
}
/** Whether a route can be made to fail on purpose: not what tells of health and money, nor what ends it again. */
export const mayFail = (name: string): boolean =>
  endpoints.some((endpoint) => endpoint.name === name) &&
  trafficOf(name, "GET").priority !== "vital" &&
  !name.endsWith("Fault") &&
  !name.endsWith("Faults")
const methods = [...new Set(endpoints.map(({ method }) => method))]

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
