import { assert, describe, it } from "@effect/vitest"
import { evolved } from "@halles/engine/eventsourced/Model"
import type { Commanded } from "@halles/engine/eventsourced/Kind"
import { Equal, Result } from "effect"
import { category } from "../category/CategoryDomain.ts"
import * as CategoryState from "../category/CategoryState.ts"
import type { Domain } from "../Domain.ts"
import { histories } from "../laws/RandomCommands.ts"
import { productModel } from "../productmodel/ProductModelDomain.ts"
import * as ProductModelState from "../productmodel/ProductModelState.ts"
import { productType } from "../producttype/ProductTypeDomain.ts"
import * as ProductTypeState from "../producttype/ProductTypeState.ts"
import { product } from "../catalogue/ProductDomain.ts"
import * as ProductState from "../catalogue/ProductState.ts"

interface Shown {
  readonly versions: Readonly<Record<string, number>>
  readonly fields: Readonly<Record<string, unknown>>
}
type Edited = (id: never, state: never, seq: number) => object | null
const shownBy =
  (edited: Edited) =>
  (state: unknown, seq: number): Shown | null => {
    const shown = edited("eu_a" as never, state as never, seq) as Shown["fields"] | null
    if (shown === null) return null
    const { product, versions, ...rest } = shown
    const {
      code: _code,
      listed: _listed,
      region: _region,
      seq: _seq,
      sku: _sku,
      ...fields
    } = {
      ...(product as object),
      ...rest
    } as Record<string, unknown>
    const { taxRate, ...price } = (fields["price"] ?? {}) as { readonly taxRate?: number }
    const priced = taxRate === undefined ? fields : { ...fields, price, taxRate }
    return { versions: versions as Shown["versions"], fields: priced }
  }

const all: ReadonlyArray<readonly [string, Domain, Edited]> = [
  ["Product", product, ProductState.edited],
  ["ProductModel", productModel, ProductModelState.edited],
  ["ProductType", productType, ProductTypeState.edited],
  ["Category", category, CategoryState.edited]
]

describe.each(all)("versions of the fields of a %s", (_, { contract, model }, edited) => {
  const shownAt = shownBy(edited)
  const commands = histories(contract)({ minLength: 5, maxLength: 30 }, (index) => `c${index}`)
  it.prop("name the row that gave each field its value", [commands], ([commands]) => {
    let state = model.initial
    const rows: Array<{ readonly shown: Shown; readonly events: number }> = []
    for (const [index, command] of commands.entries()) {
      const decided = model.decide(state, command as Commanded, 1_767_225_600_000 + index * 10_000_000_000)
      if (Result.isFailure(decided) || decided.success.length === 0) continue
      state = evolved(model, state, decided.success, rows.length + 1)
      rows.push({ shown: shownAt(state, rows.length + 1)!, events: decided.success.length })
      const { fields, versions } = rows.at(-1)!.shown
      assert.deepStrictEqual(
        Object.keys(fields).filter((field) => versions[field] === undefined),
        []
      )
      for (const [field, version] of Object.entries(versions)) {
        const valueAt = (seq: number) => rows[seq - 1]?.shown.fields[field]
        const since = rows.slice(version - 1)
        assert.isTrue(
          since.every(({ shown }) => Equal.equals(shown.fields[field], fields[field])),
          field
        )
        const isNew = version === 1 || !Equal.equals(valueAt(version - 1), valueAt(version))
        assert.isTrue(isNew || rows[version - 1]!.events > 1, `${field} is as it was before version ${version}`)
      }
    }
  })
})
