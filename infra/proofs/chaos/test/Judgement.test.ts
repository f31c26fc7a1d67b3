import { evolved } from "@halles/engine/eventsourced/Model"
import type { Row } from "@halles/harness/Books"
import { AddLine, OpenCart, PutLine } from "@halles/entities/cart/Cart"
import * as CartState from "@halles/entities/cart/CartState"
import { ListProduct, Unlist } from "@halles/entities/catalogue/Product"
import * as ProductState from "@halles/entities/catalogue/ProductState"
import { Hold, Receive, Release } from "@halles/entities/inventory/Sku"
import * as SkuState from "@halles/entities/inventory/SkuState"
import { assert, describe, it } from "@effect/vitest"
import { CartId, CommandId, OrderId, SkuCode, SkuId, WarehouseId } from "@halles/shared/Ids"
import { Result } from "effect"
import type { Answer, Call } from "../src/Call.ts"
import { plain } from "../src/Call.ts"
import * as Catalogue from "../src/Catalogue.ts"
import { judge } from "../src/Judgement.ts"

const sku = "eu_ART0"
const warehouse = WarehouseId.make("eu-main")
const commandId = (name: string) => CommandId.make(name)
const receive = (name: string, quantity: number) => new Receive({ commandId: commandId(name), warehouse, quantity })
const hold = (name: string, order: string, quantity: number) =>
  new Hold({ commandId: commandId(name), orderId: OrderId.make(order), quantity, ttlMs: 60_000 })
const release = (name: string, order: string) =>
  new Release({ commandId: commandId(name), orderId: OrderId.make(order) })

/** The journal of a SKU that was sent these commands, and what each answers. */
const skuHistory = (commands: ReadonlyArray<SkuState.Command>) => {
  let state = SkuState.initial
  const rows: Array<Row> = []
  for (const command of commands) {
    const at = Math.round(performance.timeOrigin) + rows.length
    const events = Result.getOrThrow(SkuState.decide(state, command, at))
    state = events.reduce(SkuState.evolve, state)
    const seq = rows.length + 1
    rows.push({
      type: "Sku",
      id: sku,
      seq,
      commandId: command.commandId,
      events: plain(events) as Row["events"],
      epoch: 1,
      at
    })
  }
  return rows
}
const skuView = (rows: ReadonlyArray<Row>, seq: number): Answer => {
  const state = rows
    .slice(0, seq)
    .flatMap(({ events }) => events as unknown as ReadonlyArray<SkuState.Event>)
    .reduce(SkuState.evolve, SkuState.initial)
  return { _tag: "Replied", reply: plain(SkuState.view(SkuId.make(sku), state, seq)) }
}

const call = (
  [invokedAt, completedAt]: readonly [number, number],
  command: Call["command"],
  answer: Answer,
  of: Pick<Call, "type" | "id"> = { type: "Sku", id: sku }
): Call => ({
  session: "s",
  ...of,
  via: "direct",
  command,
  writes: false,
  intendedAt: invokedAt,
  invokedAt,
  completedAt,
  answer
})
const unknown: Answer = { _tag: "Unknown", reason: "deadline" }
const held = (rows: ReadonlyArray<Row>, seq: number): Answer => {
  const event = rows[seq - 1]!.events[0] as unknown as Record<string, unknown>
  const { allocations, backOrdered, expiresAt } = event
  return { _tag: "Replied", reply: { _tag: "Held", allocations, backOrdered, expiresAt } }
}
const failing = (rows: ReadonlyArray<Row>, calls: ReadonlyArray<Call>) =>
  judge(calls, rows).map(({ calls: smallest, verdict }) => ({
    verdict,
    calls: smallest.length
  }))

const one = receive("r1", 5)
const two = hold("h1", "eu_o1", 2)
const three = release("x1", "eu_o1")
const rows = skuHistory([one, two, three])

describe("Calls on a SKU", () => {
  it("fit its journal and its model", () => {
    const calls = [
      call([0, 1], one, skuView(rows, 1)),
      call([2, 3], two, held(rows, 2)),
      call([4, 5], null, skuView(rows, 2)),
      call([6, 7], three, { _tag: "Replied", reply: null }),
      call([8, 9], null, skuView(rows, 3))
    ]
    assert.deepStrictEqual(failing(rows, calls), [])
  })

  it("may be answered by nobody, and take effect late", () => {
    const calls = [
      call([0, 1], one, skuView(rows, 1)),
      call([2, 3], two, unknown),
      call([4, 5], null, skuView(rows, 1))
    ]
    assert.deepStrictEqual(failing(rows, [...calls, call([90, 91], null, skuView(rows, 2))]), [])
  })

  it("may be answered as a repeat, with the state of then", () => {
    const calls = [call([0, 9], one, skuView(rows, 3)), call([10, 11], one, skuView(rows, 3))]
    assert.deepStrictEqual(failing(rows, calls), [])
  })

  it("may be among those of others, which only the journal knows", () => {
    assert.deepStrictEqual(
      failing(rows, [call([0, 1], null, skuView(rows, 1)), call([2, 3], null, skuView(rows, 3))]),
      []
    )
  })

  it("do not read what was before a command that was answered", () => {
    const calls = [
      call([0, 1], one, skuView(rows, 1)),
      call([2, 3], two, held(rows, 2)),
      call([4, 5], null, skuView(rows, 1))
    ]
    assert.deepStrictEqual(failing(rows, calls), [{ verdict: "not linearizable", calls: 2 }])
  })

  it("do not read first what is new and then what is old", () => {
    const calls = [call([0, 1], null, skuView(rows, 3)), call([2, 3], null, skuView(rows, 2))]
    assert.deepStrictEqual(failing(rows, calls), [{ verdict: "not linearizable", calls: 2 }])
  })

  it("are lost when they were answered and have no row", () => {
    const calls = [call([0, 1], one, skuView(rows, 1)), call([2, 3], receive("r2", 1), skuView(rows, 2))]
    assert.deepStrictEqual(failing(rows, calls), [{ verdict: "not linearizable", calls: 1 }])
  })

  it("do not take effect before they are made", () => {
    const calls = [call([0, 1], null, skuView(rows, 2)), call([2, 3], two, unknown)]
    assert.deepStrictEqual(failing(rows, calls), [{ verdict: "not linearizable", calls: 2 }])
  })

  it("do not take effect twice", () => {
    const twice = skuHistory([receive("r1", 5), receive("r1'", 5)])
    const calls = [
      call([0, 1], one, skuView(twice, 1)),
      call([2, 3], one, { _tag: "Replied", reply: plain({ seq: 3 }) })
    ]
    assert.deepStrictEqual(failing(twice, calls), [{ verdict: "not linearizable", calls: 1 }])
  })

  it("do what the model says, not what the journal says", () => {
    const wrong = rows.with(1, { ...rows[1]!, events: [{ ...rows[1]!.events[0]!, backOrdered: 1 } as never] })
    assert.deepStrictEqual(failing(wrong, [call([2, 3], two, unknown), call([4, 5], null, skuView(wrong, 2))]), [
      { verdict: "not linearizable", calls: 2 }
    ])
  })

  it("are refused only where the model refuses", () => {
    const refusal: Answer = { _tag: "Refused", code: "stock_bound", detail: { bound: "onHand", max: 1 } }
    assert.deepStrictEqual(failing(rows, [call([0, 1], receive("r9", 1), refusal)]), [
      { verdict: "not linearizable", calls: 1 }
    ])
  })
})

describe("Calls on an entity that anybody may write to", () => {
  const of = { type: "Product", id: "eu_any1" }
  const price = { amount: 500, currency: "GBP", taxRate: 2_000 } as const
  const listing = (name: string, title: string) =>
    new ListProduct({ commandId: commandId(name), sku: SkuCode.make("any1"), title, description: "", price })
  const tea = listing("l1", "Tea")
  const events = Result.getOrThrow(ProductState.decide(ProductState.initial, tea, 1))
  const row: Row = { ...of, seq: 1, commandId: "l1", events: plain(events) as Row["events"], epoch: 1, at: 1 }
  const state = evolved(ProductState, ProductState.initial, events, 1)
  const shown: Answer = { _tag: "Replied", reply: plain(ProductState.view(SkuId.make(of.id), state, 1)) }

  it("are held to its own pure part", () => {
    const calls = [call([0, 1], tea, shown, of), call([2, 3], listing("l2", "Tea"), shown, of)]
    assert.deepStrictEqual(failing([row], calls), [])
    assert.deepStrictEqual(failing([row], [call([4, 5], new Unlist({ commandId: commandId("u") }), shown, of)]), [
      { verdict: "not linearizable", calls: 1 }
    ])
  })

  it("are lost when they were answered, would have left a row, and have none", () => {
    assert.deepStrictEqual(failing([row], [call([0, 1], listing("l3", "Coffee"), shown, of)]), [
      { verdict: "not linearizable", calls: 1 }
    ])
  })
})

describe("Calls on a cart", () => {
  const id = "eu_c1"
  const of = { type: "Cart", id } as const
  const article = Catalogue.articles[0]!
  const open = new OpenCart({ commandId: commandId("open"), currency: "GBP", pricing: "shop" })
  const lines = ["a", "b"].map(
    (name) => new AddLine({ commandId: commandId(name), sku: article.sku, variant: "", quantity: 1 })
  )
  const put = (quantity: number, name: string) =>
    new PutLine({ commandId: commandId(name), sku: article.sku, variant: "", quantity })
  /** The journal of a cart that was sent these commands, and what it looks like after each row. */
  const cartHistory = (commands: ReadonlyArray<CartState.Command>) => {
    const states: Array<CartState.State> = [CartState.initial]
    const cartRows = commands.map((command, index): Row => {
      const at = Math.round(performance.timeOrigin) + index
      const priced =
        command._tag === "AddLine" || command._tag === "PutLine"
          ? { ...command, listing: Catalogue.listing(article) }
          : command
      const events = Result.getOrThrow(CartState.decide(states.at(-1)!, priced, at))
      states.push(events.reduce(CartState.evolve, states.at(-1)!))
      const written = plain(events) as Row["events"]
      return { ...of, seq: index + 1, commandId: command.commandId, events: written, epoch: 1, at }
    })
    const view = (seq: number): Answer => ({
      _tag: "Replied",
      reply: plain(CartState.view(CartId.make(id), states[seq]!, seq))
    })
    return { rows: cartRows, view }
  }
  const { rows: cartRows, view } = cartHistory([open, ...lines])
  const failures = (calls: ReadonlyArray<Call>) => judge(calls, cartRows).length

  it("lose no line under parallel adds", () => {
    const [first, second] = lines
    const good = [
      call([0, 1], open, view(1), of),
      call([2, 9], first!, view(2), of),
      call([2, 9], second!, view(3), of)
    ]
    assert.strictEqual(failures(good), 0)
    const lost = good.with(2, call([2, 9], second!, view(2), of))
    assert.strictEqual(failures(lost), 1)
  })

  it("answer a command that changes nothing, which has no row", () => {
    const same = new PutLine({ commandId: commandId("put"), sku: article.sku, variant: "", quantity: 2 })
    assert.strictEqual(failures([call([0, 1], same, view(3), of)]), 0)
    assert.strictEqual(failures([call([0, 1], same, view(2), of)]), 1)
  })

  it("may change nothing, and take effect when they are sent again later", () => {
    const then = [open, put(1, "p1"), put(2, "p2"), put(1, "p3")]
    const history = cartHistory(then)
    const same = put(1, "p3")
    const done: Answer = { _tag: "Done" }
    const good = [
      call([0, 1], open, done, of),
      call([2, 3], put(1, "p1"), done, of),
      call([4, 5], same, history.view(2), of),
      call([6, 7], put(2, "p2"), done, of),
      call([8, 9], same, history.view(4), of)
    ]
    const verdicts = (calls: ReadonlyArray<Call>) => judge(calls, history.rows).length
    assert.strictEqual(verdicts(good), 0)
    assert.strictEqual(verdicts(good.slice(0, 4)), 1)
  })

  it("are refused once it is closed, and not before", () => {
    const refusal: Answer = { _tag: "Refused", code: "cart_closed", detail: { status: "checked_out" } }
    const another = new AddLine({ commandId: commandId("c"), sku: article.sku, variant: "", quantity: 1 })
    assert.strictEqual(failures([call([0, 1], another, refusal, of)]), 1)
  })
})
