import { assert, describe, it } from "@effect/vitest"
import { Cart, CartView } from "@halles/entities/cart/Cart"
import { Category, CategoryView } from "@halles/entities/category/Category"
import { CategoryTree, CategoryTreeView } from "@halles/entities/category/CategoryTree"
import { Customer, CustomerView } from "@halles/entities/customer/Customer"
import { hiddenForms, hiddenText, masked, visibleMembers, visibleWords } from "@halles/entities/inspector/Masked"
import { Order, OrderView } from "@halles/entities/order/Order"
import { Payment, PaymentView } from "@halles/entities/payment/Payment"
import { Product, ProductView } from "@halles/entities/catalogue/Product"
import { ProductModel, ProductModelView } from "@halles/entities/productmodel/ProductModel"
import { ProductType, ProductTypeView } from "@halles/entities/producttype/ProductType"
import { Shipment, ShipmentView } from "@halles/entities/shipment/Shipment"
import { UnitCost, UnitCostView } from "@halles/entities/unitcost/UnitCost"
import { UniqueValue, UniqueValueView } from "@halles/entities/producttype/UniqueValue"
import { SearchRule, SearchRuleView } from "@halles/entities/searchrule/SearchRule"
import { Slug, SlugView } from "@halles/entities/slug/Slug"
import { Sku, SkuView } from "@halles/entities/inventory/Sku"
import { Result, Schema, SchemaAST } from "effect"
import type { Rpc } from "effect/rpc"
import * as fc from "fast-check"
import { codecsOf } from "@halles/engine/eventsourced/Codecs"
import { models as followed } from "@halles/entities/Domains"
import * as CartState from "../src/cart/CartState.ts"
import * as CategoryState from "../src/category/CategoryState.ts"
import * as CategoryTreeState from "../src/category/CategoryTreeState.ts"
import * as CustomerState from "../src/customer/CustomerState.ts"
import * as OrderState from "../src/order/OrderState.ts"
import * as PaymentState from "../src/payment/PaymentState.ts"
import * as ProductState from "../src/catalogue/ProductState.ts"
import * as ProductModelState from "../src/productmodel/ProductModelState.ts"
import * as ProductTypeState from "../src/producttype/ProductTypeState.ts"
import * as ShipmentState from "../src/shipment/ShipmentState.ts"
import * as UnitCostState from "../src/unitcost/UnitCostState.ts"
import * as UniqueValueState from "../src/producttype/UniqueValueState.ts"
import * as SearchRuleState from "../src/searchrule/SearchRuleState.ts"
import * as SlugState from "../src/slug/SlugState.ts"
import * as SkuState from "../src/inventory/SkuState.ts"

const models = [
  CartState,
  CategoryState,
  CategoryTreeState,
  CustomerState,
  OrderState,
  PaymentState,
  ProductModelState,
  ProductState,
  ProductTypeState,
  SearchRuleState,
  ShipmentState,
  SlugState,
  UniqueValueState,
  UnitCostState,
  SkuState
]
const views = [
  CartView,
  CategoryView,
  CategoryTreeView,
  CustomerView,
  OrderView,
  PaymentView,
  ProductView,
  ProductModelView,
  ProductTypeView,
  SearchRuleView,
  ShipmentView,
  SlugView,
  UniqueValueView,
  UnitCostView,
  SkuView
]

/** What people write, and what says who somebody is, where they live or how they pay. */
const personal =
  "email name line1 line2 city postalCode region label paymentToken token title description reason cancelReason detail note text unit seoTitle seoDescription terms root queries"

const contracts = {
  Cart,
  Category,
  CategoryTree,
  Customer,
  Order,
  Payment,
  Product,
  ProductModel,
  ProductType,
  SearchRule,
  Shipment,
  Slug,
  UniqueValue,
  UnitCost,
  Sku
} as const
type AnyCodec = Schema.Codec<unknown, unknown>

/** Questions, and what partners say, which call things by ids of their own. */
const notSpoken =
  "View HeldFor Path Children Subtree Missing Edited History NeedsStock IsOver Settled Watch GatewayNotice CarrierNotice NoteDispute".split(
    " "
  )

/** Members of commands that stand beside the events, and one that is hidden there under another name (`note`). */
const notInEvents = ["actor", "correlationId", "causationId", "MovePoints.reference"]

/** What no code, id, number or time of ours looks like. */
const words = "Ada, of 12 Mill Lane"
/** The same with these words wherever it may have them, which `fits` says. */
const written = (value: unknown, fits: (candidate: unknown) => boolean): unknown => {
  if (typeof value === "string") return fits(words) ? words : value
  if (typeof value !== "object" || value === null) return value
  let copy: Record<string, unknown> | ReadonlyArray<unknown> = value as Record<string, unknown>
  for (const key of Object.keys(value)) {
    const having = (inner: unknown) =>
      Array.isArray(copy) ? copy.with(Number(key), inner) : { ...(copy as Record<string, unknown>), [key]: inner }
    copy = having(written((copy as Record<string, unknown>)[key], (candidate) => fits(having(candidate))))
  }
  return copy
}
const json = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner)) ?? ""

/** The members of a schema that hold a value, and those under which anything may stand as a key. */
const membersOf = (
  schema: SchemaAST.AST
): { readonly leaves: ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>>; readonly maps: ReadonlySet<string> } => {
  const leaves = new Map<string, ReadonlyArray<SchemaAST.AST>>()
  const maps = new Set<string>()
  const walk = (ast: SchemaAST.AST, member: string): void => {
    switch (ast._tag) {
      case "Objects":
        for (const { name, type } of ast.propertySignatures) walk(type, String(name))
        for (const { type } of ast.indexSignatures) {
          maps.add(member)
          walk(type, member)
        }
        return
      case "Arrays":
        for (const inner of [...ast.elements, ...ast.rest]) walk(inner, member)
        return
      case "Union":
        for (const inner of ast.types) walk(inner, member)
        return
      case "Null":
      case "Undefined":
        return
      default:
        leaves.set(member, [...(leaves.get(member) ?? []), ast])
    }
  }
  walk(SchemaAST.toEncoded(schema), "")
  return { leaves, maps }
}

describe("masked", () => {
  it("every member of an event, a state and a view is one that is shown or one that is about people", () => {
    const all = [...models.flatMap(({ Event, State }) => [Event.ast, State.ast]), ...views.map(({ ast }) => ast)]
    const found = all.map(membersOf)
    const known = new Set([...visibleMembers, ...personal.split(" ")])
    assert.deepStrictEqual(
      [...new Set(found.flatMap(({ leaves }) => [...leaves.keys()]))].filter((name) => !known.has(name)).toSorted(),
      []
    )
    // A key that is data would be shown.
    assert.deepStrictEqual(
      found.flatMap(({ maps }) => [...maps]),
      []
    )
    assert.deepStrictEqual(
      personal.split(" ").filter((name) => visibleMembers.includes(name)),
      []
    )
  })

  it("no member that is shown takes what people write", () => {
    const spoken = Object.values(contracts).flatMap(({ protocol }) =>
      [...(protocol.requests as ReadonlyMap<string, unknown>)].flatMap(([name, rpc]) =>
        notSpoken.includes(name)
          ? []
          : [...membersOf((rpc as Rpc.AnyWithProps).payloadSchema.ast).leaves].map(([member, leaves]) => ({
              name: notInEvents.includes(member) ? member : `${name}.${member}`,
              isOpen: visibleMembers.includes(member) && leaves.some((leaf) => Schema.is(Schema.make(leaf))(words))
            }))
      )
    )
    const open = new Set(spoken.flatMap(({ isOpen, name }) => (isOpen ? [name] : [])))
    assert.deepStrictEqual([...open].toSorted(), notInEvents.toSorted())
  })

  for (const { Event, type } of models) {
    const events = Event as Schema.Codec<unknown, unknown>
    const { decodeEvents, encodeEvents } = codecsOf({ Event: events })
    it.prop(`a history of ${type} can be followed when it is hidden`, [events], ([event]) => {
      assert.lengthOf(decodeEvents(masked(encodeEvents([event]))), 1)
    })
  }

  for (const [type, { protocol }] of Object.entries(contracts)) {
    const requests = [...(protocol.requests as ReadonlyMap<string, unknown>).entries()].flatMap(([name, rpc]) =>
      notSpoken.includes(name) ? [] : [rpc as Rpc.AnyWithProps]
    )
    const codecs = requests.map(({ payloadSchema }) => Schema.toCodecJson(payloadSchema) as unknown as AnyCodec)
    const commands = Schema.Array(Schema.Union(codecs)).check(Schema.isMinLength(1), Schema.isMaxLength(8))
    it.prop(`hides in a history of ${type} whatever people wrote in a command`, [commands], ([given]) => {
      let now = followed.get(type)!("eu_x")
      for (const command of given) {
        const codec = codecs.find((one) => Schema.is(one)(command))!
        const decode = Schema.decodeUnknownResult(codec)
        const spoken = written(Schema.encodeUnknownSync(codec)(command), (one) => Result.isSuccess(decode(one)))
        const { events } = now.would(Result.getOrThrow(decode(spoken)), 1_000)
        if (events === null) continue
        now = now.after(events)
        assert.notInclude(json(masked(events)), words)
        assert.notInclude(json(masked(now.view)), words)
      }
    })
  }

  it("hides whatever nobody has thought of, wherever it stands, and keeps its kind", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const texts: Array<string> = []
        JSON.stringify(masked({ unheardOf: value }), (key, inner: unknown) => {
          const isHidden = !visibleMembers.includes(key) && !/^\d+$/.test(key)
          if (isHidden && typeof inner === "string") texts.push(inner)
          if (isHidden && typeof inner === "number") assert.strictEqual(inner, 0)
          return inner
        })
        assert.isTrue(
          texts.every((text) => [hiddenText, ...Object.values(hiddenForms), ...visibleWords].includes(text))
        )
      })
    )
  })
})
