import type { Mutant } from "./Mutant.ts"

const parts = "packages/entities/src/catalogue/Parts.ts"
const orderLive = "packages/entities/src/order/OrderLive.ts"
const orderState = "packages/entities/src/order/OrderState.ts"
const orderPendingStep = "packages/entities/src/order/OrderPendingStep.ts"
const orderEvolve = "packages/entities/src/order/OrderEvolve.ts"
const orderReturns = "packages/entities/src/order/OrderReturns.ts"
const paymentLive = "packages/entities/src/payment/PaymentLive.ts"
const releaseLive = "packages/entities/src/release/ReleaseLive.ts"
const skuState = "packages/entities/src/inventory/SkuState.ts"
const skuLive = "packages/entities/src/inventory/SkuLive.ts"

/** Faults of carts, orders, payments, shipments, stock, pictures and releases, in this order. */
export const domainMutants: ReadonlyArray<Mutant> = [
  // Carts.
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
    name: "sell a bundle with parts that its cart did not show",
    file: "packages/entities/src/cart/CheckOut.ts",
    find: "if (bundles.length > 0) {",
    replace: "if (bundles.length < 0) {",
    caughtBy: "sim"
  },
  {
    name: "bound no bytes of a cart",
    file: "packages/entities/src/cart/CartBounds.ts",
    find: '["bytes", bytesMax,',
    replace: '["bytes", Infinity,',
    caughtBy: "oversize"
  },
  // Orders: the saga on its way.
  {
    name: "retry with a new command id",
    file: orderLive,
    find: "commandId: CommandId.make(`${orderId}:${key}`),",
    replace: "commandId: CommandId.make(`${orderId}:${key}-${(globalThis.tries = (globalThis.tries ?? 0) + 1)}`),",
    caughtBy: "sim"
  },
  {
    name: "capture under a new reference each time",
    file: orderLive,
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
    name: "go on with an order that was not paid for in time",
    file: orderState,
    find: "now >= state.since + holdTtlMs",
    replace: "now < state.since",
    caughtBy: "sim"
  },
  {
    name: "send only what was there when it was held",
    file: orderState,
    find: "...(stock === state.stock ? {} : { stock })",
    replace: "...{}",
    caughtBy: "sim"
  },
  {
    name: "send again what was refused for good",
    file: orderLive,
    find: 'if (outcome._tag === "Pending") return new NotYet',
    replace: 'if (outcome._tag === "Pending" || outcome._tag === "Refused") return new NotYet',
    caughtBy: "sim"
  },
  {
    name: "send anew under the key of the first try",
    file: orderPendingStep,
    find: "(attempt === 1 ? step : `${step}:${attempt}`)",
    replace: "(attempt < 0 ? `${attempt}` : step)",
    caughtBy: "sim"
  },
  // Orders: undoing.
  {
    name: "undo only what an order remembers that was read back on its way",
    file: orderEvolve,
    find: 'if (event._tag === "Resumed") return { ...before, unsure: before.phase }',
    replace: 'if (event._tag === "Resumed") return before',
    caughtBy: "sim"
  },
  {
    name: "void nothing of what the gateway was asked for and the payment has not written",
    file: orderLive,
    find: "state.authorised > 0 ? {} :",
    replace: "state.authorised >= 0 ? {} :",
    caughtBy: "sim"
  },
  {
    name: "release no stock",
    file: orderLive,
    find: "(code) => sku(code).Release(new Release({ ...fields, orderId })),",
    replace: "() => Effect.void,",
    caughtBy: "sim"
  },
  {
    name: "void no payment",
    file: orderLive,
    find: "yield* payments(orderId).Void(new Void({ ...fields, reference: fields.commandId, ...asked }))",
    replace: '{ _tag: "Done" }',
    caughtBy: "sim"
  },
  {
    name: "reopen the cart without releasing what was held",
    file: orderEvolve,
    find: '({ phase: "releasing", cancellation: { code, detail: shortageText(missing), missing } })',
    replace: '({ phase: "reopening", cancellation: { code, detail: shortageText(missing), missing } })',
    caughtBy: "sim"
  },
  {
    name: "reopen no cart",
    file: orderLive,
    find: "yield* carts(cartId).Reopen(new Reopen({ ...fields, attempt, failure: pendingStep.failure }))",
    replace: "",
    caughtBy: "sim"
  },
  // Orders: returns and refunds.
  {
    name: "refund more than was captured",
    file: orderReturns,
    find: "const amount = lines.reduce((sum, { refund }) => sum + refund, whole)",
    replace: "const amount = lines.reduce((sum, { refund }) => sum + refund, whole + state.captured)",
    caughtBy: "sim"
  },
  {
    name: "ask for all of a refund though less is left",
    file: orderPendingStep,
    find: "one.limit ?? one.amount - one.refunded",
    replace: "one.amount - one.refunded",
    caughtBy: "sim"
  },
  {
    name: "refund the price, not what was paid",
    file: orderReturns,
    find: "paidUpTo(shares[at]!.paid,",
    replace: "paidUpTo(shares[at]!.goods + shares[at]!.tax,",
    caughtBy: "sim"
  },
  {
    name: "give shipping back with every part",
    file: orderReturns,
    find: "isEverything(draft, wanted) ? outbound : 0",
    replace: "isEverything(draft, wanted) || true ? outbound : 0",
    caughtBy: "sim"
  },
  {
    name: "send goods back to the first warehouse",
    file: orderLive,
    find: "const { quantity, warehouse } = part.from",
    replace: "const { quantity } = part.from, { warehouse } = state.stock[0]!.allocations[0]!",
    caughtBy: "sim"
  },
  {
    name: "pay nothing more when a dispute is won",
    file: orderEvolve,
    find: "isExceeding(one, after) || isShort(one)",
    replace: "isExceeding(one, after)",
    caughtBy: "sim"
  },
  // Orders: bundles.
  {
    name: "hold only the first part of a bundle",
    file: parts,
    find: ": parts.map((part) => (",
    replace: ": parts.slice(0, 1).map((part) => (",
    caughtBy: "sim"
  },
  {
    name: "hold one of each part, however many a bundle has",
    file: parts,
    find: "quantity: part.quantity * quantity }",
    replace: "quantity }",
    caughtBy: "sim"
  },
  {
    name: "release and ship the SKUs of lines, and no parts",
    file: orderLive,
    find: "codes ?? quantities(state.draft!).map(({ sku }) => sku)",
    replace: "codes ?? [...new Set(state.draft!.lines.map(({ sku }) => sku))]",
    caughtBy: "sim"
  },
  {
    name: "take a bundle back as one SKU",
    file: orderReturns,
    find: 'given("parts", bought.get(keyOf(line))?.parts)',
    replace: 'given("parts", undefined)',
    caughtBy: "sim"
  },
  // Payments.
  {
    name: "ask for a capture again under another reference",
    file: paymentLive,
    find: "const reference = pendingStep.key",
    replace: `globalThis.tries = (globalThis.tries ?? 0) + 1
    const reference = pendingStep._tag === "Capture" ? \`\${pendingStep.key}:\${globalThis.tries}\` : pendingStep.key`,
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
    name: "tell the order of no dispute",
    file: paymentLive,
    find: "? Effect.as(tell(pendingStep), {",
    replace: "? Effect.as(Effect.void, {",
    caughtBy: "sim"
  },
  // Shipments.
  {
    name: "book a shipment that was cancelled before",
    file: "packages/entities/src/shipment/ShipmentState.ts",
    find: `if (state.cancel === "done") return [{ _tag: "CreateRefused"`,
    replace: `if (state.cancel === "none" && state.request !== null) return [{ _tag: "CreateRefused"`,
    caughtBy: "sim"
  },
  // Stock.
  {
    name: "hold without looking at what is there",
    file: skuState,
    find: "if (missing > 0 && !mayWait) return",
    replace: "if (missing < 0) return",
    caughtBy: "sim"
  },
  {
    name: "hold for an order that was released before",
    file: skuState,
    find: "const isOver = HashSet.has(state.released.young, orderId) || HashSet.has(state.released.old, orderId)",
    replace: "const isOver = false",
    caughtBy: "sim"
  },
  {
    name: "let go at its time what an order needs",
    file: skuLive,
    find: '(isNeeded ? "needed" : "over")',
    replace: '("over")',
    caughtBy: "sim"
  },
  {
    name: "keep for ever what no order needs",
    file: skuLive,
    find: 'Effect.catchTag("NotFound", () => Effect.succeed<Answer>("over"))',
    replace: 'Effect.catchTag("NotFound", () => Effect.succeed<Answer>("needed"))',
    caughtBy: "sim"
  },
  {
    name: "take a hold twice: ship it, and hold it on",
    file: skuState,
    find: "...without(state, event.orderId),",
    replace: "...state,",
    caughtBy: "sim"
  },
  // Pictures.
  {
    name: "tell no picture that a product shows it",
    file: "packages/entities/src/media/ShownMedia.ts",
    find: "added.length === 0 && removed.length === 0 ?",
    replace: "added.length === 0 || removed.length === 0 ?",
    caughtBy: "sim"
  },
  // Releases.
  {
    name: "take a member of a release that did not answer for changed",
    file: releaseLive,
    find: "outcome === null ? [] : [{ sku, outcome }]",
    replace: '[{ sku, outcome: outcome ?? "done" }]',
    caughtBy: "sim"
  },
  {
    name: "change a member of a release under a new command id each time",
    file: releaseLive,
    find: "commandId: CommandId.make(`${id}:apply`),",
    replace: "commandId: CommandId.make(`${id}:apply-${(globalThis.tries = (globalThis.tries ?? 0) + 1)}`),",
    caughtBy: "sim"
  },
  {
    name: "end a release when one member has answered",
    file: "packages/entities/src/release/ReleaseState.ts",
    find: "answers.length < waiting.size ?",
    replace: "answers.length < 1 ?",
    caughtBy: "sim"
  }
]
