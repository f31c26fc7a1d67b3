import * as EntityClient from "@halles/engine/activation/EntityClient"
import { deadlyText } from "@halles/engine/eventsourced/Deadly"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { CommandId, skuId } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import { given } from "@halles/shared/wire/Stamp"
import { Cause, Effect, Layer, Option, Schema } from "effect"
import { ApplyRelease, Product } from "../catalogue/Product.ts"
import { type Member, type Outcome, Release, ReleaseId } from "./Release.ts"
import * as ReleaseState from "./ReleaseState.ts"

/** Products of one release that are changed at a time. */
const productsAtOnce = 50
/** Of one message to a product; after it the product is asked again under the same command id. */
const callDeadline = "5 seconds"

/** None of the members that were asked can answer now; they are asked again. */
class NotYet extends Schema.TaggedError<NotYet>()("NotYet", { members: Schema.Int }) {}

const refusals: Readonly<Record<string, Outcome>> = { NotFound: "not_found", PreconditionFailed: "changed" }
/** The final answer of a member; `null` where it cannot answer now. */
const outcomeOf = (cause: Cause.Cause<{ readonly _tag: string }>): Outcome | null => {
  if (deadlyText(cause) !== null) return "fault"
  const error = Option.getOrUndefined(Cause.findErrorOption(cause))
  return error === undefined ? null : (refusals[error._tag] ?? null)
}

/**
 * Hosts releases. A product takes `ApplyRelease` once, whoever sends it again: its command id is made of the release, which is published
 * at most once. A member that cannot answer now holds up no other.
 */
export const ReleaseLive = Layer.unwrap(
  Effect.gen(function* () {
    const products = yield* EntityClient.make(Product)
    const perform = Effect.fnUntraced(function* (
      { key, members }: ReleaseState.PendingStep,
      state: ReleaseState.State,
      id: ReleaseId
    ) {
      const reason = state._tag === "Known" ? state.plan.title : ""
      const origin = { actor: `release:${id}`, correlationId: id, reason }
      const apply = ({ listed, price, sku, version }: Member) => {
        const command = new ApplyRelease({
          commandId: CommandId.make(`${id}:apply`),
          origin,
          release: id,
          ...given("listed", listed),
          ...given("price", price),
          ...given("expectedSeq", version)
        })
        return products(skuId(regionOf(id), sku))
          .ApplyRelease(command)
          .pipe(
            Effect.timeout(callDeadline),
            Effect.as<Outcome | null>("done"),
            Effect.catchCause((cause) => Effect.succeed(outcomeOf(cause))),
            Effect.map((outcome) => (outcome === null ? [] : [{ sku, outcome }]))
          )
      }
      const answers = (yield* Effect.forEach(members, apply, { concurrency: productsAtOnce })).flat()
      if (answers.length === 0) return yield* new NotYet({ members: members.length })
      const commandId = CommandId.make(`${key}:done`)
      return { _tag: "RecordAnswers", commandId, origin: { actor: `release:${id}` }, answers } as const
    })
    return EventSourced.layer(Release, ReleaseState, {
      id: ReleaseId,
      maxIdleTime: "5 minutes",
      mailboxCapacity: 256,
      perform
    })
  })
)
