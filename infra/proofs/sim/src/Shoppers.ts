import * as EntityClient from "@halles/engine/activation/EntityClient"
import {
  AddLine,
  ApplyCoupon,
  Cart,
  type CartView,
  CheckOut,
  type CheckOutResult,
  Merge,
  OpenCart,
  PutCharge,
  RemoveLine
} from "@halles/entities/cart/Cart"
import { Cancel, Operate, Order, type OrderView, RequestReturn } from "@halles/entities/order/Order"
import { type Parts, stockLines } from "@halles/entities/catalogue/Parts"
import { DescribeProduct, ListProduct, Product, Unlist } from "@halles/entities/catalogue/Product"
import { Customer, Register } from "@halles/entities/customer/Customer"
import {
  PublishRelease,
  PutRelease,
  Release as ProductRelease,
  ReleaseId,
  WithdrawRelease
} from "@halles/entities/release/Release"
import { AllowBackOrder, Hold, Receive, Release, Sku } from "@halles/entities/inventory/Sku"
import { CartId, CommandId, CustomerId, OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { given } from "@halles/shared/wire/Stamp"
import { Effect, Exit, Option } from "effect"
import * as Anybody from "./Anybody.ts"
import type { World } from "./World.ts"

/** Of one send, in milliseconds; then the same command is sent again. */
const deadline = 3_000
const triesMax = 60
/** Carts with agreed prices ask nobody; the others ask the products. */
const pricings = ["agreed", "shop"] as const

/** Cards that pay, and later do not take what is asked of them, or not at first. */
const closing = ["tok_capture_refused", "tok_void_refused", "tok_refund_refused"].flatMap((token) => [
  token,
  `${token}_once`
])

const address = (postalCode: string) => ({ name: "A", line1: "1 Street", city: "York", postalCode, country: "GB" })

interface Command {
  readonly _tag: string
  readonly commandId: CommandId
}
type Client = Readonly<Record<string, (command?: Command) => Effect.Effect<unknown, unknown>>>
const within = <A, E>(call: Effect.Effect<A, E>) => Effect.exit(Effect.timeout(call, deadline))
const send = (client: Client, command: Command) => within(client[command._tag]!(command))

const isWithBuyer = ({ status }: OrderView): boolean =>
  status === "shipped" || status === "delivered" || status === "partially_returned"

/** Refusals that say "not now". */
const isPassing = (error: unknown): boolean => {
  const { _tag } = error as { readonly _tag?: string }
  return _tag === "Busy" || _tag === "TimeoutError" || _tag === "EntityNotAssignedToRunner"
}

/** The cart has the prices and the parts of now. */
const isChanged = (error: unknown): boolean => {
  const { _tag } = (error ?? {}) as { readonly _tag?: string }
  return _tag === "TotalChanged" || _tag === "BundleChanged"
}
const totalOf = (amount: number) => ({ amount, currency: "GBP" as const })

/** Customers and shop keepers, who repeat what is not answered. */
export const make = (world: World) => {
  const sent: Array<{ readonly client: Client; readonly command: Command }> = []
  const placed: Array<OrderId> = []
  /** What has been sold before it was there. */
  const backOrdered = new Set<SkuCode>()
  let commands = 0
  const commandId = () => CommandId.make(`c${(commands += 1)}`)
  const pause = (maxMs: number) => Effect.suspend(() => Effect.sleep(world.between(0, maxMs)))

  /** Until there is an answer; what was answered, or `null` if nobody did. */
  const ask = <C extends Command>(client: unknown, command: C): Effect.Effect<Exit.Exit<unknown, unknown> | null> =>
    Effect.gen(function* () {
      sent.push({ client: client as Client, command })
      const once = send(client as Client, command)
      for (let tries = 0; tries < triesMax; tries += 1) {
        const exit = yield* once
        const refusal = Exit.isFailure(exit) ? Option.getOrUndefined(Exit.findErrorOption(exit)) : undefined
        if (Exit.isSuccess(exit) || !isPassing(refusal)) return exit
        yield* pause(400)
      }
      return null
    })

  const stock = Effect.fnUntraced(function* (code: SkuCode) {
    const sku = (yield* EntityClient.make(Sku))(SkuId.make(`eu_${code}`))
    const product = (yield* EntityClient.make(Product))(SkuId.make(`eu_${code}`))
    const price = { amount: 100 + world.draw(900), currency: "GBP" as const, taxRate: 2_000 }
    const listed = new ListProduct({ commandId: commandId(), sku: code, title: code, description: "", price })
    const deliveries = Array.from({ length: world.pick([1, 1, 2]) }, () => {
      const warehouse = WarehouseId.make(`w${world.draw(2)}`)
      return ask(sku, new Receive({ commandId: commandId(), warehouse, quantity: 1 + world.draw(3) }))
    })
    yield* Effect.all([ask(product, listed), ...deliveries], { concurrency: "unbounded", discard: true })
  })

  /** One or two of each, in any order. */
  const partsOf = (codes: ReadonlyArray<SkuCode>): Parts => {
    const some = world.chance(0.3) ? codes.slice(0, 1) : codes.toReversed()
    return some.map((sku) => ({ sku, quantity: 1 + world.draw(2) }))
  }
  /** A bundle, whose parts may be others by the time it is bought. */
  const bundle = Effect.fnUntraced(function* (code: SkuCode, codes: ReadonlyArray<SkuCode>) {
    const product = (yield* EntityClient.make(Product))(SkuId.make(`eu_${code}`))
    const price = { amount: 100 + world.draw(900), currency: "GBP" as const, taxRate: 2_000 }
    yield* ask(product, new ListProduct({ commandId: commandId(), sku: code, title: code, description: "", price }))
    yield* ask(product, new DescribeProduct({ commandId: commandId(), parts: partsOf(codes) }))
  })
  const rebundler = Effect.fnUntraced(function* (code: SkuCode, codes: ReadonlyArray<SkuCode>) {
    yield* pause(300)
    const product = (yield* EntityClient.make(Product))(SkuId.make(`eu_${code}`))
    yield* ask(product, new DescribeProduct({ commandId: commandId(), parts: partsOf(codes) }))
  })

  /** Prices change while carts are full, and some of it is sold before it is there. */
  const keeper = Effect.fnUntraced(function* (code: SkuCode) {
    yield* pause(300)
    if (world.chance(0.5)) {
      const product = (yield* EntityClient.make(Product))(SkuId.make(`eu_${code}`))
      const price = { amount: 100 + world.draw(900), currency: "GBP" as const, taxRate: world.pick([0, 2_000]) }
      yield* ask(product, new ListProduct({ commandId: commandId(), sku: code, title: code, description: "", price }))
    }
    if (world.chance(0.5)) {
      const sku = (yield* EntityClient.make(Sku))(SkuId.make(`eu_${code}`))
      backOrdered.add(code)
      yield* ask(sku, new AllowBackOrder({ commandId: commandId(), allowed: true }))
      yield* pause(3_000)
      yield* receive(code, 1 + world.draw(3))
    }
  })
  const receive = Effect.fnUntraced(function* (code: SkuCode, quantity: number) {
    const sku = (yield* EntityClient.make(Sku))(SkuId.make(`eu_${code}`))
    yield* ask(sku, new Receive({ commandId: commandId(), warehouse: WarehouseId.make("w0"), quantity }))
  })

  /** Somebody who holds stock without an order, and mostly lets it go; the rest goes when its time is over. */
  const clerk = Effect.fnUntraced(function* (code: SkuCode, busy: number) {
    const sku = (yield* EntityClient.make(Sku))(SkuId.make(`eu_${code}`))
    for (let index = 0; index < busy; index += 1) {
      const orderId = OrderId.make(`eu_x${code}${index}`)
      const ttlMs = world.pick([40, 2_000, 60_000])
      yield* ask(sku, new Hold({ commandId: commandId(), orderId, quantity: 1 + world.draw(2), ttlMs }))
      yield* pause(100)
      if (world.chance(0.7)) yield* ask(sku, new Release({ commandId: commandId(), orderId }))
      yield* Effect.exit(Effect.timeout(sku.View(), deadline))
    }
  })

  const shopper = Effect.fnUntraced(function* (number: number, codes: ReadonlyArray<SkuCode>, carts: number) {
    const id = CartId.make(`eu_cart${number}`)
    const cart = (yield* EntityClient.make(Cart))(id)
    const pricing = world.pick(pricings)
    const customerId = CustomerId.make(`eu_cust${world.draw(2)}`)
    const known = world.chance(0.5) ? { customerId } : {}
    yield* ask(cart, new OpenCart({ commandId: commandId(), currency: "GBP", pricing, ...known }))
    if (world.chance(0.2)) {
      yield* ask(
        (yield* EntityClient.make(Customer))(customerId),
        new Register({ commandId: commandId(), name: "Ada" })
      )
    }
    const lines = 1 + world.draw(2)
    const adding = Array.from({ length: lines }, () => {
      const agreed = pricing === "agreed" ? { agreedPrice: 50 + world.draw(500) } : {}
      const fields = { commandId: commandId(), sku: world.pick(codes), variant: "", quantity: 1 + world.draw(2) }
      return ask(cart, new AddLine({ ...fields, ...agreed }))
    })
    yield* Effect.all(adding, { concurrency: world.chance(0.5) ? "unbounded" : 1, discard: true })
    if (world.chance(0.3)) yield* Effect.exit(Effect.timeout(cart.View(), deadline))
    if (world.chance(0.15)) {
      yield* ask(cart, new RemoveLine({ commandId: commandId(), sku: world.pick(codes), variant: "" }))
    }
    if (pricing === "agreed" && world.chance(0.2)) {
      const charge = { code: "post", kind: "shipping" as const, amount: 300 }
      yield* ask(cart, new PutCharge({ commandId: commandId(), charge }))
    }
    if (pricing === "agreed" && world.chance(0.3)) {
      const charge = { code: "deal", kind: "discount" as const, amount: -1 - world.draw(200) }
      yield* ask(cart, new PutCharge({ commandId: commandId(), charge }))
    }
    if (pricing === "shop" && world.chance(0.5)) {
      const coupon = { code: `C${world.draw(2)}0`, basisPoints: 500 * (1 + world.draw(3)) }
      yield* ask(cart, new ApplyCoupon({ commandId: commandId(), coupon }))
    }
    if (world.chance(0.15)) {
      const from = CartId.make(`eu_cart${world.draw(carts)}`)
      if (from !== id) yield* ask(cart, new Merge({ commandId: commandId(), from }))
    }
    yield* buy(id)
  })

  /** A checkout; of one that failed, or whose total has changed, mostly another. */
  const buy = Effect.fnUntraced(function* (id: CartId) {
    const cart = (yield* EntityClient.make(Cart))(id)
    let open: CartView | null = null
    for (let tries = 0; tries < 3; tries += 1) {
      const { lastFailure, lines = [], totals } = open ?? {}
      const isMissing = ({ sku }: { readonly sku: SkuCode }) => lastFailure?.missing.some((one) => one.sku === sku)
      const missing = lines.find((line) => stockLines(line).some(isMissing))
      if (missing !== undefined && world.chance(0.7)) {
        yield* ask(cart, new RemoveLine({ commandId: commandId(), sku: missing.sku, variant: missing.variant }))
      }
      const agreed = totals !== undefined && world.chance(0.3) ? { expectedTotal: totalOf(totals.total) } : {}
      const checkOut = new CheckOut({
        commandId: commandId(),
        email: "ada@example.org",
        shippingAddress: address(world.chance(0.1) ? "NO-SERVICE" : world.chance(0.1) ? "NO-RECALL" : "YO1"),
        paymentToken: world.chance(0.25) ? "tok_declined" : world.chance(0.3) ? world.pick(closing) : "tok_ok",
        fingerprint: "f",
        ...agreed
      })
      const done = yield* ask(cart, checkOut)
      if (done === null) return
      if (Exit.isSuccess(done)) {
        const { orderId } = done.value as typeof CheckOutResult.Type
        placed.push(orderId)
        yield* afterwards(orderId)
      } else if (!isChanged(Option.getOrUndefined(Exit.findErrorOption(done)))) return
      if (world.chance(0.2)) return
      yield* pause(400)
      const view = yield* Effect.exit(Effect.timeout(cart.View(), deadline))
      if (Exit.isFailure(view) || view.value.status !== "open") return
      open = view.value
    }
  })

  const afterwards = Effect.fnUntraced(function* (id: OrderId) {
    const order = (yield* EntityClient.make(Order))(id)
    if (world.chance(0.35)) {
      yield* pause(world.pick([5, 40, 400]))
      yield* ask(order, new Cancel({ commandId: commandId(), reason: "changed my mind" }))
    }
    if (world.chance(0.3)) yield* Effect.exit(Effect.timeout(order.Settled({ timeoutMs: 2_000 }), deadline))
    if (world.chance(0.4)) yield* sendBack(id)
  })

  /** All of it at once, or a unit at a time. */
  const sendBack = Effect.fnUntraced(function* (id: OrderId) {
    const order = (yield* EntityClient.make(Order))(id)
    for (let looks = 0; looks < 6; looks += 1) {
      const view = yield* Effect.exit(Effect.timeout(order.View(), deadline))
      if (Exit.isSuccess(view) && isWithBuyer(view.value)) {
        const { lines } = view.value
        const returned = world.chance(0.3)
          ? lines.map(({ quantity, sku, variant }) => ({ sku, variant, quantity }))
          : [world.pick(lines)].map(({ sku, variant }) => ({ sku, variant, quantity: 1 }))
        const disposition = world.chance(0.7) ? "restock" : "write_off"
        const fields = { commandId: commandId(), returnId: `r${looks}`, reason: "wrong", disposition } as const
        yield* ask(order, new RequestReturn({ ...fields, lines: returned }))
        if (world.chance(0.5)) return
      }
      yield* pause(3_000)
    }
  })

  /** Somebody looks after what was refused: it is sent anew, or settled elsewhere. */
  const operator = Effect.fnUntraced(function* (id: OrderId) {
    const order = (yield* EntityClient.make(Order))(id)
    for (let looks = 0; looks < 3; looks += 1) {
      yield* pause(8_000)
      const view = yield* Effect.exit(Effect.timeout(order.View(), deadline))
      if (Exit.isFailure(view)) continue
      for (const { step } of view.value.refused) {
        const act = world.chance(0.7) ? "retry" : "skip"
        yield* ask(order, new Operate({ commandId: commandId(), act, step, note: "looked after" }))
      }
    }
  })

  /** Drafts and products on sale that a release changes, at once or at its time, unless it is withdrawn before. */
  const publisher = Effect.gen(function* () {
    const codes = Array.from({ length: 1 + world.draw(3) }, (_, index) => SkuCode.make(`M${index}`))
    const price = { amount: 100, currency: "GBP" as const, taxRate: 0 }
    const products = yield* EntityClient.make(Product)
    yield* Effect.forEach(codes, (sku) => {
      const fields = { commandId: commandId(), sku, title: sku, description: "", price }
      return ask(products(SkuId.make(`eu_${sku}`)), new ListProduct({ ...fields, draft: world.chance(0.5) }))
    })
    const release = (yield* EntityClient.make(ProductRelease))(ReleaseId.make("eu_launch"))
    const members = codes.map((sku) => ({
      sku,
      ...(world.chance(0.5) ? { listed: world.chance(0.7) } : { price: { ...price, amount: 90 } }),
      ...(world.chance(0.3) ? { version: 1 } : {})
    }))
    const dueAt = world.chance(0.5) ? Math.floor(world.now) + 2_000 + world.draw(2_000) : undefined
    yield* ask(release, new PutRelease({ commandId: commandId(), title: "Launch", members, ...given("dueAt", dueAt) }))
    const parts = [
      ...(dueAt === undefined || world.chance(0.2)
        ? [ask(release, new PublishRelease({ commandId: commandId() }))]
        : []),
      ...(world.chance(0.3) ? [ask(release, new WithdrawRelease({ commandId: commandId() }))] : []),
      ...(world.chance(0.3) ? [ask(products(SkuId.make("eu_M0")), new Unlist({ commandId: commandId() }))] : [])
    ]
    yield* Effect.all(
      parts.map((part) => Effect.andThen(pause(300), part)),
      { concurrency: "unbounded", discard: true }
    )
  })

  /** Whatever the domains let anybody send. */
  const visitor = Effect.fnUntraced(function* ({ commands, contract, id }: ReturnType<typeof Anybody.visits>[number]) {
    const entity = ((yield* EntityClient.make(contract)) as unknown as (id: string) => unknown)(id)
    const concurrency = world.chance(0.5) ? "unbounded" : 1
    yield* Effect.forEach(commands, (command) => ask(entity, command as Command), { concurrency, discard: true })
  })

  return {
    /** A day in the shop. */
    day: Effect.gen(function* () {
      const codes = Array.from({ length: 1 + world.draw(2) }, (_, index) => SkuCode.make(`S${index}`))
      const bundles = world.chance(0.4) ? [SkuCode.make("B0")] : []
      const carts = world.pick([1, 1, 2, 2, 3])
      yield* Effect.all([...codes.map(stock), ...bundles.map((code) => bundle(code, codes))], {
        concurrency: "unbounded",
        discard: true
      })
      const parts = [
        ...Array.from({ length: carts }, (_, number) =>
          Effect.andThen(pause(150), shopper(number, [...codes, ...bundles], carts))
        ),
        ...(world.chance(0.2) ? [clerk(codes[0]!, 1 + world.draw(4))] : []),
        ...codes.filter(() => world.chance(0.3)).map(keeper),
        ...bundles.filter(() => world.chance(0.3)).map((code) => rebundler(code, codes)),
        ...Anybody.visits(world, commandId).map(visitor),
        ...(world.chance(0.15) ? [publisher] : [])
      ]
      yield* Effect.all(parts, { concurrency: "unbounded", discard: true })
      // Whoever waits for goods gets them at last.
      yield* Effect.forEach(backOrdered, (code) => receive(code, 100), { concurrency: "unbounded", discard: true })
      yield* Effect.forEach(placed, operator, { concurrency: "unbounded", discard: true })
    }),
    /** It takes too long: those who have ordered want it no more. */
    changeMinds: Effect.suspend(() =>
      Effect.forEach(
        placed,
        Effect.fnUntraced(function* (id) {
          yield* pause(3_000)
          yield* ask((yield* EntityClient.make(Order))(id), new Cancel({ commandId: commandId(), reason: "too slow" }))
        }),
        { concurrency: "unbounded", discard: true }
      )
    ),
    /** Some of what was sent is sent once more, long after, some of that while somebody looks. */
    repeats: Effect.suspend(() =>
      Effect.forEach(
        sent.filter(() => world.chance(0.15)),
        ({ client, command }) => {
          const looks = world.chance(0.5) ? [within(client["View"]!())] : []
          return Effect.all([send(client, command), ...looks], { concurrency: "unbounded", discard: true })
        },
        { concurrency: "unbounded", discard: true }
      )
    )
  }
}
