import { CartId, CustomerId, OrderId, SkuId } from "@halles/shared/Ids"
import { Result } from "effect"
import * as CartState from "./cart/CartState.ts"
import * as CustomerState from "./customer/CustomerState.ts"
import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import type { Model } from "@halles/engine/eventsourced/Model"
import { view as orderView } from "./order/OrderAnswers.ts"
import * as OrderState from "./order/OrderState.ts"
import * as PaymentState from "./payment/PaymentState.ts"
import * as ProductState from "./catalogue/ProductState.ts"
import * as ShipmentState from "./shipment/ShipmentState.ts"
import * as SkuState from "./inventory/SkuState.ts"

/** What an entity is after some of its history. */
export interface Now {
  readonly seq: number
  /** What `View` answers, or `null` where it answers `NotFound`. */
  readonly view: unknown
  readonly dueAt: number | null
  /** The key of the message that it owes. */
  readonly owes: string | null
  /** It owes something that may rightly take long. */
  readonly isPatient: boolean
  readonly after: (events: ReadonlyArray<unknown>) => Now
  /** What a command would come to: so many events, or the tag of a refusal. */
  readonly decide: (command: unknown, now: number) => number | string
  /** As `decide`, with the events as they would be stored, or the refusal. */
  readonly would: (
    command: unknown,
    now: number
  ) =>
    | { readonly events: ReadonlyArray<unknown>; readonly refused: null }
    | { readonly events: null; readonly refused: object }
}

/** Hides the types of a model, for programs that follow histories of every type. */
const follow = <
  State,
  Command extends { readonly commandId: string },
  Event extends { readonly _tag: string },
  Refusal extends { readonly _tag: string },
  Owed extends { readonly key: string; readonly patient?: true }
>(
  model: Model<State, Command, Event, Refusal, Owed>,
  view: (id: string, state: State, seq: number) => unknown
) => {
  const { decodeEvents: decode, encodeEvents: encode } = codecsOf(model)
  const at = (id: string, state: State, seq: number): Now => ({
    seq,
    get view() {
      return view(id, state, seq)
    },
    get dueAt() {
      return model.dueAt?.(state) ?? null
    },
    get owes() {
      return model.next?.(state)?.key ?? null
    },
    get isPatient() {
      return model.next?.(state)?.patient === true
    },
    after: (events) => at(id, decode(events).reduce(model.evolve, state), seq + 1),
    decide: (command, now) =>
      Result.match(model.decide(state, command as Command, now), {
        onSuccess: (decided): number | string => decided.length,
        onFailure: ({ _tag }) => _tag
      }),
    would: (command, now) =>
      Result.match(model.decide(state, command as Command, now), {
        onSuccess: (decided) => ({ events: encode(decided), refused: null }),
        onFailure: (refused) => ({ events: null, refused })
      })
  })
  return { type: model.type, begin: (id: string): Now => at(id, model.initial, 0) }
}

const trusted = { disableChecks: true } as const
/** By entity type: the state before the first row, to be followed row by row. */
export const models: ReadonlyMap<string, (id: string) => Now> = new Map(
  [
    follow(CartState, (id, state, seq) => CartState.view(CartId.make(id, trusted), state, seq)),
    follow(OrderState, (id, state, seq) => orderView(OrderId.make(id, trusted), state, seq)),
    follow(SkuState, (id, state, seq) => (seq === 0 ? null : SkuState.view(SkuId.make(id, trusted), state, seq))),
    follow(PaymentState, (_id, state, seq) => PaymentState.view(state, seq)),
    follow(ShipmentState, (_id, state, seq) => ShipmentState.view(state, seq)),
    follow(ProductState, (id, state, seq) => ProductState.view(SkuId.make(id, trusted), state, seq)),
    follow(CustomerState, (id, state, seq) => CustomerState.view(CustomerId.make(id, trusted), state, seq))
  ].map(({ begin, type }) => [type, begin] as const)
)
