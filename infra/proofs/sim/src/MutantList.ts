import { jointMutants } from "./JointMutants.ts"
import type { Mutant } from "./Mutant.ts"
import { streamMutants } from "./StreamMutants.ts"

const entity = "packages/engine/src/eventsourced/EventSourcedEntity.ts"
const host = "packages/engine/src/activation/Activation.ts"
const commit = "packages/engine/src/journal/GroupCommit.ts"
const saga = "packages/entities/src/order/OrderLive.ts"
const stock = "packages/entities/src/inventory/SkuState.ts"

export const mutants: ReadonlyArray<Mutant> = [
  {
    name: "acknowledge before the commit",
    file: entity,
    find: "const answer = Effect.flatMap(commit, (refused) => {",
    replace: "const answer = Effect.flatMap(Effect.succeed<Refused | null>(null), (refused) => {",
    caughtBy: "sim"
  },
  {
    name: "answer queries from the speculative state",
    file: entity,
    find: "Effect.sync(() => ({ state: this.state, seq: this.committedSeq }))",
    replace: "Effect.sync(() => ({ state: this.speculative, seq: this.seq }))",
    caughtBy: "sim"
  },
  {
    name: "answer from memory without being sure of the shard",
    file: entity,
    find: "if (kind.epochs.isSure(lease.shard, lease.epoch)) return answer",
    replace: "if (!lease.dead) return answer",
    caughtBy: "sim"
  },
  {
    name: "evolve twice",
    file: entity,
    find: "const state = events.reduce(model.evolve, this.speculative)",
    replace: "const state = [...events, ...events].reduce(model.evolve, this.speculative)",
    caughtBy: "sim"
  },
  {
    name: "forget the command ids of the rows that are loaded",
    file: "packages/engine/src/eventsourced/EventSourced.ts",
    find: "remember(recent, row.commandId, bounds.recentMax)",
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "do not look for a repeat in the journal",
    file: entity,
    find: "journal.find(model.type, this.id, commandId),",
    replace: "Effect.succeedNone,",
    caughtBy: "sim"
  },
  {
    name: "drop the command ids of the snapshot",
    file: entity,
    find: "commands: [...recent].slice(0, recent.size - (seq - committedSeq))",
    replace: "commands: []",
    caughtBy: "sim"
  },
  {
    name: "write what is not committed into the snapshot",
    file: entity,
    find: "state: kind.encodeState(state)",
    replace: "state: kind.encodeState(this.speculative)",
    caughtBy: "sim"
  },
  {
    name: "write no timer",
    file: entity,
    find: "dueAt: this.timer.toWrite(this.timerWanted(state), at),",
    replace: "dueAt: undefined,",
    caughtBy: "sim"
  },
  {
    name: "write a row without what was deferred before it",
    file: entity,
    find: "[...(this.deferred?.encoded ?? []), ...encodeEvents(events)]",
    replace: "events.length > 0 ? encodeEvents(events) : (this.deferred?.encoded ?? [])",
    caughtBy: "sim"
  },
  {
    name: "acknowledge what is deferred before it is written",
    file: entity,
    find: "return isWaiting ? this.whenCommitted",
    replace: "return !isWaiting ? this.whenCommitted",
    caughtBy: "sim"
  },
  {
    name: "undo only what an order remembers that was read back on its way",
    file: "packages/entities/src/order/OrderEvolve.ts",
    find: 'if (event._tag === "Resumed") return { ...before, unsure: before.phase }',
    replace: 'if (event._tag === "Resumed") return before',
    caughtBy: "sim"
  },
  {
    name: "void nothing of what the gateway was asked for and the payment has not written",
    file: saga,
    find: "state.authorised > 0 ? {} :",
    replace: "state.authorised >= 0 ? {} :",
    caughtBy: "sim"
  },
  {
    name: "do not go on with a saga after a takeover",
    file: entity,
    find: `lease.entityId)
    this.startDriving()`,
    replace: `lease.entityId)`,
    caughtBy: "sim"
  },
  {
    name: "go on with an entity whose handler died",
    file: host,
    find: 'if (!call.isCut && this.self === self && this.mode === "working") this.end()',
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "keep the entities of a shard that is given away",
    file: host,
    find: `      this.leaveMemory()
      this.waiting = null`,
    replace: "      return Effect.void",
    caughtBy: "sim"
  },
  {
    name: "lose the timers of a shard that is taken over",
    file: "packages/engine/src/eventsourced/Timers.ts",
    find: "const shards = epochs.owned()",
    replace: "const shards = epochs.owned().filter((shard) => epochs.current(shard) === 1)",
    caughtBy: "sim"
  },
  {
    name: "keep a shard that another runner has taken",
    file: "packages/engine/src/placement/FencedRunnerStorage.ts",
    find: "return shards.filter(isHeld)",
    replace: "return shards",
    caughtBy: "sim"
  },
  {
    name: "publish before the commit",
    file: commit,
    find: "const published = options.published.take()",
    replace: `const published = options.published.take()
      options.onCommitted({ batch: 0n, entries: entries.map((entry) => ({ ...entry, position: 0n })) })`,
    caughtBy: "sim"
  },
  {
    name: "go on after a write that was refused",
    file: commit,
    find: "entry.lease.dead = true\n          batch.refused.set(entry, refused)",
    replace: "batch.refused.set(entry, refused)",
    caughtBy: "sim"
  },
  {
    name: "forget the markers that a batch was to take along",
    file: commit,
    find: "return options.store.append(options.runner, entries, published).pipe(",
    replace:
      "options.published.struckOff(published)\n      return options.store.append(options.runner, entries, []).pipe(",
    caughtBy: "sim"
  },
  {
    name: "write under an old epoch",
    file: "infra/proofs/sim/src/Tables.ts",
    find: 'if (this.epochs.get(lease.shard)?.epoch !== lease.epoch) return { _tag: "Stale" }',
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "write under an old epoch, in SQL",
    file: "packages/engine/src/journal/JournalTables.ts",
    find: "IF stale IS NOT NULL THEN",
    replace: "IF false THEN",
    caughtBy: "check"
  },
  {
    name: "release no stock",
    file: saga,
    find: "(code) => sku(code).Release(new Release({ ...fields, orderId })),",
    replace: "() => Effect.void,",
    caughtBy: "sim"
  },
  {
    name: "void no payment",
    file: saga,
    find: "yield* payments(orderId).Void(new Void({ ...fields, reference: fields.commandId, ...asked }))",
    replace: '{ _tag: "Done" }',
    caughtBy: "sim"
  },
  {
    name: "retry with a new command id",
    file: saga,
    find: "commandId: CommandId.make(`${orderId}:${key}`),",
    replace: "commandId: CommandId.make(`${orderId}:${key}-${(globalThis.tries = (globalThis.tries ?? 0) + 1)}`),",
    caughtBy: "sim"
  },
  {
    name: "capture under a new reference each time",
    file: saga,
    find: "new Capture({ ...fields, reference: fields.commandId, amount: state.authorised })",
    replace: `new Capture({
                ...fields,
                commandId: CommandId.make(\`\${fields.commandId}-\${(globalThis.tries = (globalThis.tries ?? 0) + 1)}\`),
                reference: \`\${fields.commandId}-\${globalThis.tries}\`,
                amount: state.authorised
              })`,
    caughtBy: "sim"
  },
  {
    name: "refund more than was captured",
    file: "packages/entities/src/order/OrderReturns.ts",
    find: "const amount = lines.reduce((sum, { refund }) => sum + refund, whole)",
    replace: "const amount = lines.reduce((sum, { refund }) => sum + refund, whole + state.captured)",
    caughtBy: "sim"
  },
  {
    name: "hold without looking at what is there",
    file: stock,
    find: "if (missing > 0 && !mayWait) return",
    replace: "if (missing < 0) return",
    caughtBy: "sim"
  },
  {
    name: "hold for an order that was released before",
    file: stock,
    find: "const isOver = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)",
    replace: "const isOver = false",
    caughtBy: "sim"
  },
  {
    name: "void while the authorisation is under way",
    file: "packages/entities/src/payment/PaymentState.ts",
    find: 'if (status === "requested") return true',
    replace: 'if (status === "requested") return false',
    caughtBy: "sim"
  },
  {
    name: "book a shipment that was cancelled before",
    file: "packages/entities/src/shipment/ShipmentState.ts",
    find: `if (state.cancel === "done") return [{ _tag: "CreateRefused"`,
    replace: `if (state.cancel === "none" && state.request !== null) return [{ _tag: "CreateRefused"`,
    caughtBy: "sim"
  },
  {
    name: "reopen the cart without releasing what was held",
    file: "packages/entities/src/order/OrderEvolve.ts",
    find: '({ phase: "releasing", cancellation: { code, detail: shortageText(missing), missing } })',
    replace: '({ phase: "reopening", cancellation: { code, detail: shortageText(missing), missing } })',
    caughtBy: "sim"
  },
  {
    name: "reopen no cart",
    file: saga,
    find: "yield* carts(cartId).Reopen(new Reopen({ ...fields, attempt, failure: pendingStep.failure }))",
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "place each order of a cart under the id of the first",
    file: "packages/entities/src/cart/CartLive.ts",
    find: "const orderId = orderIdOf(id, attempt)",
    replace: "const orderId = orderIdOf(id, 1)",
    caughtBy: "sim"
  },
  {
    name: "drop the coupon of a cart that is merged",
    file: "packages/entities/src/cart/CartAnswers.ts",
    find: 'return Result.succeed({ _tag: "Lines", lines, charges, coupon, customerId })',
    replace: 'return Result.succeed({ _tag: "Lines", lines, charges, coupon: null, customerId })',
    caughtBy: "sim"
  },
  {
    name: "send again what was refused for good",
    file: saga,
    find: 'if (outcome._tag === "Pending") return new NotYet',
    replace: 'if (outcome._tag === "Pending" || outcome._tag === "Refused") return new NotYet',
    caughtBy: "sim"
  },
  {
    name: "send anew under the key of the first try",
    file: "packages/entities/src/order/OrderPendingStep.ts",
    find: "(attempt === 1 ? step : `${step}:${attempt}`)",
    replace: "(attempt < 0 ? `${attempt}` : step)",
    caughtBy: "sim"
  },
  {
    name: "ask for all of a refund though less is left",
    file: "packages/entities/src/order/OrderPendingStep.ts",
    find: "one.limit ?? one.amount - one.refunded",
    replace: "one.amount - one.refunded",
    caughtBy: "sim"
  },
  {
    name: "refund the price, not what was paid",
    file: "packages/entities/src/order/OrderReturns.ts",
    find: "paidUpTo(shares[at]!.paid,",
    replace: "paidUpTo(shares[at]!.goods + shares[at]!.tax,",
    caughtBy: "sim"
  },
  {
    name: "give shipping back with every part",
    file: "packages/entities/src/order/OrderReturns.ts",
    find: "isEverything(draft, wanted) ? outbound : 0",
    replace: "isEverything(draft, wanted) || true ? outbound : 0",
    caughtBy: "sim"
  },
  {
    name: "send goods back to the first warehouse",
    file: saga,
    find: "const { quantity, warehouse } = part.from",
    replace: "const { quantity } = part.from, { warehouse } = state.stock[0]!.allocations[0]!",
    caughtBy: "sim"
  },
  {
    name: "tell the order of no dispute",
    file: "packages/entities/src/payment/PaymentLive.ts",
    find: "? Effect.as(tell(pendingStep), {",
    replace: "? Effect.as(Effect.void, {",
    caughtBy: "sim"
  },
  {
    name: "pay nothing more when a dispute is won",
    file: "packages/entities/src/order/OrderEvolve.ts",
    find: "isExceeding(one, after) || isShort(one)",
    replace: "isExceeding(one, after)",
    caughtBy: "sim"
  },
  {
    name: "write rows of any size",
    file: entity,
    find: "if (!RowSize.fits(text, this.kind.bounds)) {",
    replace: 'if (text === "") {',
    caughtBy: "oversize"
  },
  {
    name: "count the characters of a row, not its bytes",
    file: "packages/shared/src/Bytes.ts",
    find: "text.length * 3 <= bytesMax || (text.length <= bytesMax && Buffer.byteLength(text) <= bytesMax)",
    replace: "text.length <= bytesMax",
    caughtBy: "oversize"
  },
  {
    name: "bound no bytes of a cart",
    file: "packages/entities/src/cart/CartBounds.ts",
    find: '["bytes", bytesMax,',
    replace: '["bytes", Infinity,',
    caughtBy: "oversize"
  },
  ...jointMutants,
  ...streamMutants
]
