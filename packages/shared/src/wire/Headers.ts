import { Schema, SchemaTransformation } from "effect"
import { limitMax } from "../Page.ts"
import { Reason } from "../Command.ts"
import { isMaxCharacters } from "../Text.ts"
import { WholeNumber } from "./WholeNumber.ts"

// Headers and parameters that routes have in common.

/** Made by the client, new for each intent; the same on each retry. */
export const IdempotencyKey = Schema.String.check(Schema.isPattern(/^[\x21-\x7e]{1,100}$/u))

/** Headers of what changes something: repeated with its key, it has one effect. */
export const keyed = { "idempotency-key": Schema.optionalKey(IdempotencyKey) }
/** As `keyed`, where a repeat without a key could do harm. */
export const keyRequired = { "idempotency-key": IdempotencyKey }
/** One entity tag as we give them out, or `*`: whatever version there is. */
const IfMatch = Schema.String.check(
  Schema.isPattern(/^(\*|"[\x21\x23-\x7e]{1,40}")$/u, { expected: "one strong entity tag, or *" })
).annotate({ examples: ['"7"'] })
/** For what changes an entity that is there: `If-Match` is checked where the change is decided. */
export const conditional = { "if-match": Schema.optionalKey(IfMatch) }
/** As `keyed`, for an entity that is there. */
export const changing = { ...keyed, ...conditional }
export const changingKeyRequired = { ...keyRequired, ...conditional }
/** Where a change that was made without looking would undo somebody else's: 428 without `If-Match`. */
export const required = { "if-match": IfMatch }
/** As `changing`, with `If-Match` required. */
export const replacing = { ...keyed, ...required }

/** `return=minimal`: only whether it was done, and the version that it led to. */
export const preferring = { prefer: Schema.optionalKey(Schema.String) }

const isPercentEncoded = Schema.makeFilter<string>(
  (text) => {
    try {
      return decodeURIComponent(text) !== ""
    } catch {
      return "Expected percent-encoded UTF-8"
    }
  },
  { expected: "percent-encoded UTF-8", toJsonSchema: () => ({ format: "percent-encoded-paragraph" }) }
)
/** Why the change is made: printable ASCII, all else and `%` itself percent-encoded, as `Slug` of RFC 5023 is. */
export const ChangeReason = Schema.String.check(
  Schema.isPattern(/^[\x20-\x7e]{1,3600}$/u, { expected: "printable ASCII; all else percent-encoded" }),
  isPercentEncoded
)
  .pipe(
    Schema.decodeTo(Reason, SchemaTransformation.transform({ decode: decodeURIComponent, encode: encodeURIComponent }))
  )
  .annotate({ examples: ["Autumn prices"] })
/** For what merchants change: the history of the entity shows why. */
export const reasoned = { "change-reason": Schema.optionalKey(ChangeReason) }
/** Whatever a change may come with. */
export const any = { ...changing, ...preferring, ...reasoned }

interface Declared {
  readonly key?: "required"
  readonly version?: "required" | "none"
  readonly minimal?: unknown
  readonly authored?: true
}
/** The headers of a route that changes something. */
export const of = ({ authored, key, minimal, version }: Declared) => ({
  ...(key === "required" ? keyRequired : keyed),
  ...(version === "none" ? {} : version === "required" ? required : conditional),
  ...(minimal === undefined ? {} : preferring),
  ...(authored === undefined ? {} : reasoned)
})

const waitMaxSeconds = 30
/** RFC 7240: `wait=10`, among other preferences, for how long to wait for an outcome; `respond-async` for not at all. */
export const waitMsOf = (prefer: string | undefined): number => {
  if (prefer === undefined || /(?:^|[,;\s])respond-async\b/i.test(prefer)) return 0
  const seconds = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})/i.exec(prefer)?.[1]
  return Math.min(Number(seconds ?? 0), waitMaxSeconds) * 1_000
}
/** What of it was honoured. */
export const applied = (prefer: string | undefined): { readonly "preference-applied"?: string } => {
  const waitMs = waitMsOf(prefer)
  if (waitMs > 0) return { "preference-applied": `wait=${waitMs / 1_000}` }
  return /(?:^|[,;\s])respond-async\b/i.test(prefer ?? "") ? { "preference-applied": "respond-async" } : {}
}
/** RFC 7240: the sender has no use for what its change came to. */
export const isMinimal = (prefer: string | undefined): boolean =>
  /(?:^|[,;\s])return\s*=\s*"?minimal\b/i.test(prefer ?? "")

/** The `next` of a page: the sort key of its last item, so that what is inserted meanwhile moves nothing. */
export const Cursor = Schema.String.check(isMaxCharacters(200))
export const paged = {
  cursor: Schema.optionalKey(Cursor),
  limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: limitMax }))
}
export const limitDefault = 50
/** Words that a list looks for. */
export const searched = { q: Schema.optionalKey(Schema.String.check(isMaxCharacters(100))) }
