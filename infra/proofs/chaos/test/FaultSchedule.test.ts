import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { type Fault, make, nemeses } from "../src/FaultSchedule.ts"

const runners = ["eu-1", "eu-2", "am-1", "ap-1"]
const Options = Schema.Struct({
  seed: Schema.String,
  seconds: Schema.Int.check(Schema.isBetween({ minimum: 5, maximum: 120 })),
  nemeses: Schema.Array(Schema.Literals(nemeses))
})
const endOf = ({ atMs, durationMs }: Fault): number => atMs + durationMs

describe("FaultSchedule", () => {
  it.prop("follows from the seed alone", [Options], ([drawn]) => {
    const given = { ...drawn, runners }
    assert.deepStrictEqual(make(given), make(given))
  })

  it("differs between seeds", () => {
    const options = { seconds: 30, nemeses, runners }
    assert.notDeepEqual(make({ ...options, seed: "1" }), make({ ...options, seed: "2" }))
  })

  it.prop(
    "breaks only what was asked for, in the order of time, and all of it is over in time",
    [Options],
    ([drawn]) => {
      const given = { ...drawn, runners }
      const faults = make(given)
      for (const { kind } of faults) assert.include(given.nemeses, kind)
      for (const fault of faults) assert.isAtMost(endOf(fault), given.seconds * 1_000)
      assert.deepStrictEqual(
        faults.map(({ atMs }) => atMs),
        faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b)
      )
    }
  )

  it.prop("thaws nobody whom another fault has frozen", [Schema.String], ([seed]) => {
    const frozen = make({ seed, seconds: 60, nemeses: ["freeze"], runners }).flatMap((fault) =>
      fault.kind === "freeze" ? [fault] : []
    )
    for (const [index, fault] of frozen.entries()) {
      for (const other of frozen.slice(index + 1)) {
        const apart = endOf(fault) < other.atMs || endOf(other) < fault.atMs
        assert.isTrue(apart || fault.process !== other.process)
      }
    }
  })

  it.prop("never has more than two faults at a time", [Options], ([drawn]) => {
    const given = { ...drawn, runners }
    const faults = make(given)
    for (const { atMs } of faults) {
      assert.isAtMost(faults.filter((other) => other.atMs <= atMs && atMs < endOf(other)).length, 2)
    }
  })

  it.prop("brings up every nemesis within a minute", [Schema.String], ([seed]) => {
    const kinds = new Set(make({ seed, seconds: 60, nemeses, runners }).map(({ kind }) => kind))
    assert.deepStrictEqual([...kinds].toSorted(), [...nemeses].toSorted())
  })
})
