import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { make } from "../src/Plan.ts"

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Options = Schema.Struct({
  seed: Schema.String,
  seconds: within(1, 20),
  sessions: within(1, 8),
  everyMs: within(50, 500)
})

describe("Plan", () => {
  it.prop("follows from the seed alone", [Options], ([options]) => {
    assert.deepStrictEqual(make(options), make(options))
  })

  it.prop("names every step once, in the order of time, within the run", [Options], ([options]) => {
    const plan = make(options)
    const names = plan.flat().map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const steps of plan) {
      const times = steps.map(({ atMs }) => atMs)
      assert.deepStrictEqual(
        times,
        times.toSorted((a, b) => a - b)
      )
      assert.isTrue(times.every((at) => at <= options.seconds * 1_000))
    }
  })
})
