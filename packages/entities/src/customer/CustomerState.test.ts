import { assert, it } from "@effect/vitest"
import { CommandId, CustomerId, OrderId } from "@halles/shared/Ids"
import { Arbitrary, Effect, Result, Schema } from "effect"
import {
  addressesMax,
  ChangeCustomer,
  Forget,
  historyMax,
  MovePoints,
  NoteOrder,
  recentOrdersMax,
  Register
} from "./Customer.ts"
import { laws } from "../../test/Laws.ts"
import { customer } from "./CustomerDomain.ts"
import * as CustomerState from "./CustomerState.ts"

const id = CustomerId.make("eu_ada")
const commandId = CommandId.make("c")

const after = (state: CustomerState.State, command: CustomerState.Command): CustomerState.State =>
  Result.getOrElse(CustomerState.decide(state, command, 7), () => []).reduce(CustomerState.evolve, state)
const refused = (state: CustomerState.State, command: CustomerState.Command) =>
  Result.getOrThrow(Result.flip(CustomerState.decide(state, command, 0)))
const ada = after(CustomerState.initial, new Register({ commandId }))
const viewOf = (state: CustomerState.State) => CustomerState.view(id, state, 1)!

const address = { name: "Ada", line1: "1 Mill Lane", city: "Leeds", postalCode: "LS1", country: "GB" }
const profile = (over: Partial<ChangeCustomer>) => new ChangeCustomer({ commandId, ...over })
const putAddress = (label: string, city = "Leeds") => profile({ addresses: [{ label, address: { ...address, city } }] })
const removeAddress = (label: string) => profile({ addresses: [{ label, address: null }] })
const move = (points: number) => new MovePoints({ commandId, points, reference: "order" })
const note = (order: number) => new NoteOrder({ commandId, orderId: OrderId.make(`eu_${order}`) })

const set = (granted: boolean) => profile({ consents: [{ purpose: "analytics", granted }] })

/** Labels are few: an address that is removed has often been put before. */
const moves = Arbitrary.schema(
  Schema.Array(
    Schema.Struct({ label: Schema.Literals(["a", "b", "__proto__"]), city: Schema.Literals(["York", "Leeds", "none"]) })
  ).check(Schema.isMaxLength(4))
)
const command: Arbitrary.Arbitrary<CustomerState.Command> = Arbitrary.map(
  Arbitrary.all([Arbitrary.schema(Schema.Union([Register, ChangeCustomer, Forget, NoteOrder, MovePoints])), moves]),
  ([command, moves]) => {
    if (command._tag !== "ChangeCustomer") return command
    const addresses = moves.map(({ city, label }) => ({
      label,
      address: city === "none" ? null : { ...address, city }
    }))
    return new ChangeCustomer({ ...command, addresses })
  }
)
const history = Arbitrary.map(
  Arbitrary.array(command, { maxLength: 40 }),
  (commands): ReadonlyArray<CustomerState.Command> => [new Register({ commandId }), ...commands]
)

const keepsLaws = laws(customer, id)

it.prop("deciding twice adds nothing, but for points", [history, command], ([history, command]) => {
  const state = after(history.reduce(after, CustomerState.initial), command)
  const again = CustomerState.decide(state, command, 8)
  assert.isTrue(command._tag === "MovePoints" || Result.isFailure(again) || again.success.length === 0)
})

it.prop("the laws of every domain hold", [history], ([history]) => {
  keepsLaws(history.map((command) => ({ command, now: 7 })))
})

const points = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: -50, maximum: 100 }))), {
  minLength: 2 * historyMax,
  maxLength: 3 * historyMax
})
it.prop("points are never negative and equal their ledger, however long it grows", [points], ([points]) => {
  let state = ada
  let balance = 0
  for (const amount of points) {
    state = after(state, move(amount))
    if (balance + amount >= 0) balance += amount
    if (state._tag === "None") return assert.fail("nobody registered")
    const { carried, ledger } = state
    assert.strictEqual(state.points, balance)
    assert.strictEqual(carried + ledger.reduce((sum, { points }) => sum + points, 0), balance)
    assert.isTrue(ledger.length <= historyMax && carried >= 0)
  }
})

it("points are refused when there are too few, and -0 moves none", () => {
  assert.deepInclude(refused(after(ada, move(5)), move(-6)), { _tag: "NotEnoughPoints", points: 5 })
  assert.deepStrictEqual(after(ada, move(-0)), ada)
})

it("an order counts once, under whatever command id; the newest are remembered", () => {
  const orders = Array.from({ length: 2 * recentOrdersMax }, (_, index) => index)
  const twice = [...orders, ...orders].reduce((state, order) => after(state, note(order)), ada)
  const { count, recent } = viewOf(twice).orders
  assert.strictEqual(count, orders.length)
  assert.deepStrictEqual(
    recent,
    orders
      .toReversed()
      .slice(0, recentOrdersMax)
      .map((order) => OrderId.make(`eu_${order}`))
  )
})

it("addresses are bounded; a known label can still be changed, and removing twice is harmless", () => {
  const labels = ["__proto__", ...Array.from({ length: addressesMax - 1 }, (_, index) => `a${index}`)]
  const full = labels.reduce((state, label) => after(state, putAddress(label)), ada)
  assert.deepStrictEqual(
    viewOf(full).addresses.map(({ label }) => label),
    labels
  )
  assert.deepInclude(refused(full, putAddress("one-more")), { max: addressesMax })
  assert.strictEqual(viewOf(after(full, putAddress("__proto__", "York"))).addresses[0]?.address.city, "York")
  const removed = after(full, removeAddress("a1"))
  assert.lengthOf(viewOf(removed).addresses, addressesMax - 1)
  assert.strictEqual(after(removed, removeAddress("a1")), removed)
})

const moveHome = (...labels: ReadonlyArray<string>) =>
  profile({
    email: "new@example.com",
    addresses: [...labels.map((label) => ({ label, address })), { label: "a0", address: null }],
    consents: [{ purpose: "analytics", granted: true }]
  })
it("a change takes effect as a whole, or not at all", () => {
  const labels = Array.from({ length: addressesMax }, (_, index) => `a${index}`)
  const full = labels.reduce((state, label) => after(state, putAddress(label)), ada)
  assert.deepInclude(refused(full, moveHome("x", "y")), { _tag: "TooManyAddresses", max: addressesMax })
  const swapped = viewOf(after(full, moveHome("x")))
  assert.strictEqual(swapped.email, "new@example.com")
  assert.deepStrictEqual(
    swapped.addresses.map(({ label }) => label),
    [...labels.slice(1), "x"]
  )
})

it("a consent holds as it was set last; a refusal is one too, and the history is bounded", () => {
  assert.deepStrictEqual(viewOf(after(ada, set(false))).consents, [{ purpose: "analytics", granted: false, at: 7 }])
  const often = Array.from({ length: historyMax + 5 }).reduce<CustomerState.State>(
    (state, _, index) => after(state, set(index % 2 === 0)),
    ada
  )
  assert.strictEqual(often._tag === "Known" && often.consentHistory.length, historyMax)
  assert.deepStrictEqual(viewOf(often).consents, [{ purpose: "analytics", granted: true, at: 7 }])
})

it("a guest becomes an account with an e-mail address; only the fields present change", () => {
  assert.isTrue(viewOf(ada).guest)
  const named = after(ada, profile({ name: "Ada", preferences: { language: "en" } }))
  const account = after(named, profile({ email: "ada@example.org", preferences: { currency: "GBP" } }))
  const { email, guest, name, preferences } = viewOf(account)
  assert.deepStrictEqual([email, guest, name], ["ada@example.org", false, "Ada"])
  assert.deepStrictEqual(preferences, { language: "en", currency: "GBP" })
  assert.strictEqual(after(account, profile({ name: "Ada" })), account)
})

it.prop(
  "an address counts as proved when the last who said it, or said another, had seen the proof",
  [history],
  ([history]) => {
    let proved: string | null = null
    history.reduce<CustomerState.State>((state, command) => {
      const next = after(state, command)
      if (command._tag === "Forget") proved = null
      if ((command._tag === "Register" && state._tag === "None") || command._tag === "ChangeCustomer") {
        const { email = null, emailVerified } = command
        if (email !== null) proved = emailVerified === true || email === proved ? email : null
      }
      if (next._tag === "Known") {
        const { email, emailVerified } = viewOf(next)
        assert.strictEqual(emailVerified, proved !== null && email === proved)
      }
      return next
    }, CustomerState.initial)
  }
)

it("who proves an address that was only written down makes it count, and who repeats it takes nothing away", () => {
  const written = after(ada, profile({ email: "ada@example.org" }))
  const proved = after(written, profile({ email: "ada@example.org", emailVerified: true }))
  const repeated = after(proved, profile({ email: "ada@example.org" }))
  const other = after(repeated, profile({ email: "eve@example.org" }))
  const states = [written, proved, repeated, other].map((state) => viewOf(state).emailVerified)
  assert.deepStrictEqual(states, [false, true, true, false])
})

it("an id is registered once, and needed for all else", () => {
  assert.strictEqual(refused(ada, new Register({ commandId }))._tag, "AlreadyExists")
  assert.strictEqual(refused(CustomerState.initial, move(1))._tag, "NotFound")
  assert.strictEqual(CustomerState.view(id, CustomerState.initial, 0), null)
})

it("the histories that the laws are tried on have every event in them", () => {
  const seen = new Set<string>()
  for (const commands of Effect.runSync(Arbitrary.sampleEffect(history, { count: 2_000, seed: 1 }))) {
    let state = CustomerState.initial
    for (const command of commands) {
      for (const { _tag } of Result.getOrElse(CustomerState.decide(state, command, 7), () => [])) seen.add(_tag)
      state = after(state, command)
    }
  }
  const tags = CustomerState.Event.members.map(({ fields }) => fields._tag.schema.literal)
  assert.deepStrictEqual([...seen].toSorted(), tags.toSorted())
})

it.prop(
  "who is forgotten leaves nothing of its person, and its orders and points as they were",
  [history],
  ([history]) => {
    const before = history.reduce(after, CustomerState.initial)
    const { consents, orders, points, ...person } = viewOf(after(before, new Forget({ commandId })))
    assert.deepStrictEqual(consents, [])
    assert.deepInclude(person, {
      guest: true,
      email: null,
      emailVerified: false,
      name: null,
      addresses: [],
      preferences: {}
    })
    const { orders: ordersBefore, points: pointsBefore } = viewOf(before)
    assert.deepStrictEqual([orders, points], [ordersBefore, pointsBefore])
  }
)
