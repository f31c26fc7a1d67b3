import * as Contract from "@halles/engine/eventsourced/Contract"
import { NotFound, PreconditionFailed } from "@halles/engine/eventsourced/EntityErrors"
import { commandFields } from "@halles/shared/Command"
import { Regional, SkuCode } from "@halles/shared/Ids"
import { Region } from "@halles/shared/Region"
import { copy } from "@halles/shared/Text"
import { Refusal } from "@halles/shared/wire/Refusal"
import { Schema } from "effect"
import { Channels } from "../catalogue/Channel.ts"
import { CategoryCode } from "../category/CategoryTree.ts"
import { Language } from "../producttype/Attributes.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"

/** Rules that a region has at a time. */
export const rulesMax = 2_000
/** Terms that mean the same, queries that one rule is for, characters of each. */
export const termsMax = 20
export const queriesMax = 50
export const termLengthMax = 100
/** Products that one rule pins, and those that it moves up or down. */
export const pinsMax = 20
export const boostedMax = 100
/** What a rule multiplies the relevance of a product by. */
export const factors = { minimum: 0.05, maximum: 20 }

/** The merchant's name of a rule: `sofa-or-couch`. */
export const SearchRuleCode = Schema.String.check(
  Schema.isPattern(/^[a-z][a-z0-9-]{0,39}$/u, { expected: "a letter, then up to 39 of a-z, 0-9 and -" })
)
  .annotate({ examples: ["sofa-or-couch"] })
  .pipe(Schema.brand("SearchRuleCode"))
export type SearchRuleCode = typeof SearchRuleCode.Type

/** A rule in one region: `eu_sofa-or-couch`. */
export const SearchRuleId = Regional.pipe(Schema.brand("SearchRuleId"))
export type SearchRuleId = typeof SearchRuleId.Type

export const searchRuleId = (region: Region, code: SearchRuleCode): SearchRuleId =>
  SearchRuleId.make(`${region}_${code}`)

const Term = copy(termLengthMax)
/** Queries that a rule is for, however their words are written; without any it is for all queries. */
const Queries = Schema.Array(Term).check(Schema.isMaxLength(queriesMax))
const skus = (max: number) =>
  Schema.Array(SkuCode).check(Schema.isMinLength(1), Schema.isMaxLength(max), Schema.isUnique())
/** A path of the shop, and never another host. */
const Path = Schema.String.check(
  Schema.isPattern(/^\/([!-.0-[\]-~][!-[\]-~]{0,498})?$/u, { expected: "a path such as /sale, percent-encoded" })
).annotate({ examples: ["/sale"] })

/** Where a redirect leads. */
export const Target = Schema.Union([Schema.Struct({ path: Path }), Schema.Struct({ category: CategoryCode })])
export type Target = typeof Target.Type
/** What shoppers are told of a product that is pinned: law asks that whatever was paid for says so. */
export const Badge = Schema.Literals(["pick", "sponsored"])
export type Badge = typeof Badge.Type

/** What a rule changes about searches. */
export const RuleEffect = Schema.Union([
  /** Who searches for one of the terms finds the others too. With a `root`, only who searches for the root does. */
  Schema.Struct({
    kind: Schema.Literal("synonyms"),
    terms: Schema.Array(Term).check(Schema.isMinLength(1), Schema.isMaxLength(termsMax)),
    root: Schema.optionalKey(Term)
  }),
  /** Leads away from the products that the query finds. */
  Schema.Struct({
    kind: Schema.Literal("redirect"),
    queries: Queries.check(Schema.isMinLength(1)),
    target: Target
  }),
  /** Shows these products first, in this order. */
  Schema.Struct({
    kind: Schema.Literal("pins"),
    queries: Queries,
    skus: skus(pinsMax),
    badge: Schema.optionalKey(Badge)
  }),
  /** Multiplies the relevance of these products: by less than 1 it moves them down. */
  Schema.Struct({
    kind: Schema.Literal("boost"),
    queries: Queries,
    skus: skus(boostedMax),
    factor: Schema.Finite.check(Schema.isBetween(factors))
  })
]).annotate({ expected: "a kind of synonyms, redirect, pins or boost" })
export type RuleEffect = typeof RuleEffect.Type
export const Kind = Schema.Literals(RuleEffect.members.map(({ fields }) => fields.kind.literal))

/** A moment in Unix milliseconds. */
const Moment = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 253_402_300_799_999 }))

/** All that a rule says. */
export const Description = Schema.Struct({
  title: copy(200),
  effect: RuleEffect,
  /** The language of the queries that it is for. Absent: all languages. */
  language: Schema.optionalKey(Language),
  /** Absent: all channels. */
  channels: Schema.optionalKey(Channels.check(Schema.isMinLength(1))),
  /** The rule holds from then on; absent, at once. */
  from: Schema.optionalKey(Moment),
  /** It holds until then; absent, for good. */
  until: Schema.optionalKey(Moment)
})
export type Description = typeof Description.Type

/** Replaces all that the rule says; the same again writes no event. */
export class PutSearchRule extends Schema.TaggedClass<PutSearchRule>()("PutSearchRule", {
  ...commandFields,
  ...Description.fields
}) {}

/** The rule holds no more. The next `PutSearchRule` brings it back. */
export class RemoveSearchRule extends Schema.TaggedClass<RemoveSearchRule>()("RemoveSearchRule", commandFields) {}

/** The region has as many rules as the search processes keep in memory. */
export class TooManySearchRules extends Refusal<TooManySearchRules>()("TooManySearchRules", {
  status: 409,
  title: "The region has too many search rules",
  fields: { max: Schema.Int },
  sample: { max: rulesMax },
  detail: ({ max }) => `A region has at most ${max} search rules. Remove one that holds no more.`
}) {}

export class SearchRuleView extends Schema.Class<SearchRuleView>("SearchRuleView")({
  region: Region,
  code: SearchRuleCode,
  ...Description.fields,
  removed: Schema.Boolean,
  seq: Schema.Int
}) {}

export const SearchRule = Contract.make("SearchRule", [
  Contract.command(PutSearchRule, SearchRuleView, ContentRefused, PreconditionFailed),
  Contract.command(RemoveSearchRule, SearchRuleView, NotFound, PreconditionFailed),
  Contract.view(SearchRuleView)
])
