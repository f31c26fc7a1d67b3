import type { HttpApiEndpoint } from "effect/http-api"
import { Api } from "./Api.ts"
import { type Traffic, trafficOf } from "./Traffic.ts"

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

interface Node {
  readonly literal: Map<string, Node>
  parameter: Node | undefined
  readonly methods: Map<string, Route>
}
const node = (): Node => ({ literal: new Map(), parameter: undefined, methods: new Map() })

const endpoints: ReadonlyArray<{ readonly name: string; readonly method: string; readonly path: string }> = [
  ...Object.values(Api.groups).flatMap((group) =>
    Object.entries(group.endpoints as Record<string, HttpApiEndpoint.Top>).map(([name, { method, path }]) => ({
      method: String(method),
      name,
      path: String(path)
    }))
  ),
  { method: "GET", name: "metrics", path: "/metrics" },
  { method: "GET", name: "docs", path: "/docs" },
  { method: "GET", name: "problems", path: "/problems" },
  { method: "GET", name: "problem", path: "/problems/:code" },
  { method: "GET", name: "openapi", path: "/openapi.json" }
]

const shared = new Set(["getProduct", "listProducts"])

const root = node()
for (const { method, name, path } of endpoints) {
  let at = root
  for (const segment of path.split("/").slice(1)) {
    if (segment.startsWith(":")) {
      at.parameter ??= node()
      at = at.parameter
    } else {
      const next = at.literal.get(segment) ?? node()
      at.literal.set(segment, next)
      at = next
    }
  }
  at.methods.set(method, { name, method, traffic: trafficOf(name, method), shared: shared.has(name) })
}

const walk = (at: Node, segments: ReadonlyArray<string>, index: number): Node | undefined => {
  const segment = segments[index]
  // A slash at the end is ignored, as the router ignores it.
  if (segment === undefined || (segment === "" && index === segments.length - 1)) {
    return at.methods.size === 0 ? undefined : at
  }
  const literal = at.literal.get(segment)
  const found = literal === undefined ? undefined : walk(literal, segments, index + 1)
  return found ?? (at.parameter === undefined ? undefined : walk(at.parameter, segments, index + 1))
}

/** Path without its query. */
export const pathOf = (url: string): string => {
  const end = url.indexOf("?")
  return end === -1 ? url : url.slice(0, end)
}

/** The methods that a path of the contract takes, each with its route; none for another path. */
export const methodsOf = (url: string): ReadonlyMap<string, Route> =>
  walk(root, pathOf(url).split("/"), 1)?.methods ?? new Map<string, Route>()

export const routeOf = (method: string, url: string): Route =>
  walk(root, pathOf(url).split("/"), 1)?.methods.get(method === "HEAD" ? "GET" : method) ?? unrouted
