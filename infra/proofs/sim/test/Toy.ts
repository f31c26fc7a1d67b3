import * as Contract from "@halles/engine/eventsourced/Contract"
import * as EventSourced from "@halles/engine/eventsourced/EventSourced"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import * as Domain from "@halles/entities/Domain"
import { commandFields } from "@halles/shared/Command"
import { Regional } from "@halles/shared/Ids"
import { Result, Schema } from "effect"

const ToyId = Regional.pipe(Schema.brand("ToyId"))
type ToyId = typeof ToyId.Type

class Wind extends Schema.TaggedClass<Wind>()("Wind", { ...commandFields, turns: Schema.Int }) {}
class ToyView extends Schema.Class<ToyView>("ToyView")({ turns: Schema.Int, seq: Schema.Int }) {}

const Toy = Contract.make("Toy", [Contract.command(Wind, ToyView), Contract.view(ToyView)])

const Wound = Schema.TaggedStruct("Wound", { turns: Schema.Int })
type Wound = typeof Wound.Type
const State = Schema.Struct({ turns: Schema.Int })
type State = typeof State.Type

let evolved = 0

/** The smallest domain. Its state follows from its events if `isSound`, else from how often `evolve` was called. */
export const toy = (isSound: boolean) => {
  const view = viewReply("Toy", (_: ToyId, { turns }: State, seq) =>
    seq === 0 ? null : new ToyView({ turns, seq }, { disableChecks: true })
  )
  const model = {
    type: "Toy",
    version: 1,
    Event: Wound,
    State,
    initial: { turns: 0 },
    decide: (_: State, { turns }: Wind): Result.Result<ReadonlyArray<Wound>, never> =>
      Result.succeed([{ _tag: "Wound", turns }]),
    evolve: (_: State, { turns }: Wound): State => ({ turns: isSound ? turns : (evolved += 1) }),
    replies: { Wind: view, View: view }
  }
  return Domain.make({
    contract: Toy,
    id: ToyId,
    model,
    live: EventSourced.layer(Toy, model, { id: ToyId, maxIdleTime: "5 minutes", mailboxCapacity: 256 }),
    table: null,
    routes: null,
    laws: null,
    retention: { archiveAfterDays: null, dropAfterDays: null, reason: "a toy" },
    notifies: {},
    anytime: ["Wind"]
  })
}
