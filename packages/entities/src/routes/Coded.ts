import { Region } from "@halles/shared/Region"
import type { Schema } from "effect"
import { regional } from "./Edge.ts"

interface Asked<Code> {
  readonly params: { readonly code: Code }
}
interface There<Code> extends Asked<Code> {
  readonly query: { readonly region: Region }
}
interface Somewhere<Code> extends Asked<Code> {
  readonly query: { readonly region?: Region }
}

/** Options of routes whose entity is named by the path parameter `code` and a region. Only a route that reads may leave the region out. */
export const coded = <Code extends Schema.Top>(code: Code, idOf: (region: Region, code: Code["Type"]) => string) => ({
  changes: {
    params: { code },
    query: { region: Region },
    id: ({ params, query }: There<Code["Type"]>) => idOf(query.region, params.code)
  },
  reads: {
    params: { code },
    query: regional,
    id: ({ params, query }: Somewhere<Code["Type"]>, own: Region) => idOf(query.region ?? own, params.code)
  }
})
