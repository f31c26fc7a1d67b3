import { Region } from "@halles/shared/Region"
import { changes, looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import { searched } from "@halles/shared/wire/Headers"
import { given } from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import { Reads } from "../routes/Reads.ts"
import { coded } from "../routes/Coded.ts"
import { Edge } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import {
  Description,
  Kind,
  rulesMax,
  SearchRule,
  SearchRuleCode,
  searchRuleId,
  SearchRuleView,
  TooManySearchRules
} from "./SearchRule.ts"
import { hasRoomFor, searchRules } from "./SearchRuleTable.ts"

/** `2026-12-01T08:00+01:00`: a minute, a second or a millisecond, with its offset. */
const Moment = Schema.String.check(
  Schema.isPattern(
    /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,3})?)?(Z|[+-][0-9]{2}:[0-9]{2})$/u,
    { expected: "a moment such as 2026-12-01T08:00+01:00" }
  ),
  Schema.makeFilter((text) => Date.parse(text) >= 0, { expected: "a moment that there is" })
).annotate({ examples: ["2026-12-01T08:00+01:00"] })
const iso = (at: number | undefined): string | undefined => (at === undefined ? undefined : new Date(at).toISOString())
const at = (text: string | undefined): number | undefined => (text === undefined ? undefined : Date.parse(text))

const said = {
  title: "Winter picks for tea",
  effect: { kind: "pins", queries: ["tea"], skus: ["TEA-01"], badge: "pick" },
  language: "en",
  channels: ["web"]
}
const asJson = { from: Schema.optionalKey(Moment), until: Schema.optionalKey(Moment) }

/** A rule as the edge answers it. */
const SearchRuleJson = ViewJson.object<SearchRuleView>()(
  "SearchRule",
  { ...SearchRuleView.fields, ...asJson },
  {
    sample: {
      region: "eu",
      code: "winter-tea",
      ...said,
      from: "2026-12-01T07:00:00.000Z",
      until: "2027-03-01T07:00:00.000Z",
      removed: false,
      seq: 1
    },
    from: { from: ({ from }) => iso(from), until: ({ until }) => iso(until) }
  }
)

/** Asks the read table whether the region has room for the rule. */
const hasRoom = Effect.gen(function* () {
  const edge = yield* Edge
  const reads = yield* Reads
  return Effect.fnUntraced(function* ({
    params,
    query
  }: {
    readonly params: { readonly code: SearchRuleCode }
    readonly query: { readonly region: Region }
  }) {
    const hasRoom = yield* edge.call(reads.read(query.region, hasRoomFor(searchRuleId(query.region, params.code))))
    if (!hasRoom) return yield* new TooManySearchRules({ max: rulesMax })
  })
})

const one = { contract: SearchRule, json: SearchRuleJson }
const there = coded(SearchRuleCode, searchRuleId)
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue }, authored: true } as const
const look = { access: { ...looks, ...ofCatalogue } }

export const SearchRuleApi = Routes.group(
  "searchRules",
  {
    title: "Search rules",
    about:
      "What merchants change about searches: synonyms, redirects, products that stand first, further up or further down."
  },
  [
    list("listSearchRules", "/search/rules", {
      ...look,
      summary: "The search rules of a region",
      about:
        "In the order of their codes, a page at a time; of one kind with `kind`. Also those that hold no more, or not yet. `q` finds rules by beginnings of words of their title.",
      contract: SearchRule,
      of: searchRules,
      query: { region: Region, ...searched, kind: Schema.optionalKey(Kind) },
      page: "SearchRules",
      json: SearchRuleJson,
      wanted: ({ query }) => ({ region: query.region, kind: query.kind }),
      itemOf: (view, { query }) =>
        view.removed || (query.kind !== undefined && view.effect.kind !== query.kind) ? null : view
    }),
    Routes.query("getSearchRule", "/search/rules/:code", {
      ...one,
      ...look,
      params: there.changes.params,
      query: there.changes.query,
      id: there.changes.id,
      summary: "One search rule in a region",
      about: "With `If-None-Match`, a version that you have already is answered with 304."
    }),
    Routes.command("putSearchRule", "PUT", "/search/rules/:code", {
      ...change,
      summary: "Put a search rule, or replace it",
      about:
        'Searches follow within a second; `from` and `until` count when somebody searches. `synonyms`: who searches for one of the `terms` finds the others too, or only who searches for the `root`. `redirect`: the answer to the queries names the target. `pins`: these products stand first where the sort is `relevance`, as far as they are on sale and pass the filters. `boost`: multiplies the relevance of these products, by less than 1 to move them down. `queries` are whole queries, however their words are inflected; without any, pins and boosts are for all queries. Needs the `ETag` of the rule that it replaces, or `"0"` for a new rule.',
      example: { ...said, from: "2026-12-01T08:00+01:00", until: "2027-03-01T08:00+01:00" },
      message: "PutSearchRule",
      payload: Schema.Struct({ ...Description.fields, ...asJson }),
      version: "required",
      before: hasRoom,
      refuses: [TooManySearchRules],
      fields: ({ payload: { from, until, ...rest } }) => ({
        ...rest,
        ...given("from", at(from)),
        ...given("until", at(until))
      })
    }),
    Routes.command("removeSearchRule", "DELETE", "/search/rules/:code", {
      ...change,
      summary: "Remove a search rule",
      about: "It holds no more, within a second. `putSearchRule` brings it back.",
      message: "RemoveSearchRule"
    })
  ]
)
