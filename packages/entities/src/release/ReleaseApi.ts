import { skuId } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { changes, looks, ofCatalogue } from "@halles/shared/wire/AccessRule"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { searched } from "@halles/shared/wire/Headers"
import { Money, Price } from "@halles/shared/wire/MoneyJson"
import { named } from "@halles/shared/wire/Named"
import { given } from "@halles/shared/wire/Stamp"
import * as ViewJson from "@halles/shared/wire/ViewJson"
import { Effect, Schema } from "effect"
import { Product, TaxRate } from "../catalogue/Product.ts"
import { LocalTime, priceFaults, timeOf } from "../catalogue/Schedule.ts"
import { coded } from "../routes/Coded.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import { Edge } from "../routes/Edge.ts"
import { list } from "../routes/List.ts"
import * as Routes from "../routes/Routes.ts"
import { Member, membersMax, Plan, Release, ReleaseCode, releaseId, ReleaseView } from "./Release.ts"
import { releases, ReleaseSummary, summaryOf } from "./ReleaseTable.ts"

const tea = { sku: "TEA-01", price: { amount: "445", currency: "GBP" }, taxRate: 2000, listed: true }
const mug = { sku: "MUG-07", listed: false, version: 7 }
const planSample = { title: "Winter", members: [tea, mug], at: "2026-12-07T06:00", timeZone: "Europe/Paris" }
const sample = {
  region: "eu",
  code: "winter",
  title: "Winter",
  members: [
    { ...tea, outcome: "done" },
    { ...mug, outcome: "changed" }
  ],
  dueAt: 1_796_619_600_000,
  status: "published",
  startedAt: 1_796_619_600_120,
  endedAt: 1_796_619_600_310,
  seq: 4
}

type MemberView = ReleaseView["members"][number]
const MemberJson = ViewJson.object<MemberView>()(
  "ReleaseMember",
  {
    ...Member.fields,
    price: Schema.optionalKey(Money),
    taxRate: Schema.optionalKey(TaxRate),
    outcome: ReleaseView.fields.members.value.fields.outcome
  },
  { from: { taxRate: ({ price }) => price?.taxRate } }
)
/** A release as the edge answers it. */
const ReleaseJson = ViewJson.object<ReleaseView>()(
  "Release",
  { ...ReleaseView.fields, members: Schema.Array(MemberJson) },
  { sample }
)
const { members: _, ...summary } = sample
const SummaryJson = ReleaseSummary.pipe(named("ReleaseSummary", { ...summary, members: 2, done: 1, refused: 1 }))

const MemberGiven = Schema.Struct({
  ...Member.fields,
  price: Schema.optionalKey(Price),
  taxRate: Schema.optionalKey(TaxRate)
})
/** The body of `putRelease`. */
const PlanGiven = Schema.Struct({
  title: Plan.fields.title,
  members: Schema.Array(MemberGiven).check(Schema.isMinLength(1), Schema.isMaxLength(membersMax)),
  /** Without a time the release waits for `publishRelease`. */
  at: Schema.optionalKey(LocalTime.at),
  timeZone: LocalTime.timeZone
})
type PlanGiven = typeof PlanGiven.Type

const dueAtOf = ({ at, timeZone }: PlanGiven) =>
  at === undefined ? undefined : timeOf({ at, ...given("timeZone", timeZone) })

const planOf = (payload: PlanGiven): Plan => ({
  title: payload.title,
  members: payload.members.map(({ price, taxRate = 0, ...member }) => ({
    ...member,
    ...given("price", price && { ...price, taxRate })
  })),
  // A number, since `planned` has refused everything else.
  ...(payload.at === undefined ? {} : { dueAt: Number(dueAtOf(payload)) })
})

/** Members of one plan whose products the edge asks at a time. */
const asksAtOnce = 16

/** The edge checks the time and the prices of a plan, and that there is a product for each member, before it sends `PutRelease`. */
const planned = Effect.gen(function* () {
  const edge = yield* Edge
  const product = yield* edge.entity(Product)
  return Effect.fnUntraced(function* ({
    payload,
    query
  }: {
    readonly payload: PlanGiven
    readonly query: { readonly region: Region }
  }) {
    const time = dueAtOf(payload)
    const wrong = [
      ...(typeof time === "object" ? [time] : []),
      ...payload.members.flatMap((member, index) => priceFaults(member, `/members/${index}`))
    ]
    if (wrong.length > 0) return yield* new ContentRefused({ errors: wrong })
    const missing = yield* Effect.forEach(
      payload.members,
      ({ sku }, index) =>
        edge.call(product(skuId(query.region, sku)).View()).pipe(
          Effect.as<ReadonlyArray<Fault>>([]),
          Effect.catchTag("NotFound", () =>
            Effect.succeed([{ pointer: `/members/${index}/sku`, detail: "There is no such product" }])
          )
        ),
      { concurrency: asksAtOnce }
    )
    const errors = missing.flat()
    if (errors.length > 0) return yield* new ContentRefused({ errors })
  })
})

const one = { contract: Release, json: ReleaseJson }
const there = coded(ReleaseCode, releaseId)
const look = { ...looks, ...ofCatalogue }
const change = { ...one, ...there.changes, access: { ...changes, ...ofCatalogue }, authored: true } as const

export const ReleaseApi = Routes.group(
  "releases",
  { title: "Releases", about: "Changes of many products that go live together." },
  [
    list("listReleases", "/releases", {
      access: look,
      summary: "The releases of a region",
      about:
        "In the order of their codes, a page at a time, with how many members were changed (`done`) and were not (`refused`). `q` finds releases by beginnings of words of their title.",
      contract: Release,
      of: releases,
      query: { region: Region, ...searched },
      page: "Releases",
      json: SummaryJson,
      wanted: ({ query }) => ({ region: query.region }),
      itemOf: summaryOf
    }),
    Routes.query("getRelease", "/releases/:code", {
      ...one,
      params: there.changes.params,
      query: there.changes.query,
      id: there.changes.id,
      access: look,
      summary: "A release, and what became of each member",
      about:
        "`outcome` of a member: `waiting`, `done`, `not_found` (no such product), `changed` (the product was at another version than the member names), `fault` (the product could not do it). With `If-None-Match`, a version that you have already is answered with 304."
    }),
    Routes.command("putRelease", "PUT", "/releases/:code", {
      ...change,
      summary: "Plan a release, or replace its plan",
      about:
        'What each member is to become: on sale (`listed: true`, which publishes a draft), off sale (`listed: false`), and at which price. With `version` a member is changed only if its product is at that version then. With a time the release publishes itself; without one it waits for `publishRelease`. Needs the `ETag` of the plan that it replaces, or `"0"` for a new release.',
      example: planSample,
      message: "PutRelease",
      payload: PlanGiven,
      version: "required",
      before: planned,
      fields: ({ payload }) => planOf(payload)
    }),
    Routes.command("publishRelease", "POST", "/releases/:code/publish", {
      ...change,
      summary: "Publish a release now",
      about:
        "The release changes its members one beside another. Each product changes in one step, once, and says so in its history. `getRelease` tells what became of each; the release ends as `published` when every member was changed or has told why not. A release that is on its way, or published, stays as it is.",
      message: "PublishRelease"
    }),
    Routes.command("withdrawRelease", "DELETE", "/releases/:code", {
      ...change,
      summary: "Withdraw a release",
      about: "Only before it is published. `putRelease` plans it anew.",
      message: "WithdrawRelease"
    })
  ]
)
