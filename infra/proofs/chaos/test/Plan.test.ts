import { assert, describe, it } from "@effect/vitest"
import { Redacted, Schema } from "effect"
import { domains } from "@halles/entities/Domains"
import { Intents } from "@halles/shared/Intent"
import * as PlannedCall from "../src/PlannedCall.ts"
import { make } from "../src/Plan.ts"
import { World } from "../src/World.ts"

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

  it("visits every domain whose manifest lets anybody send something, with each of its commands, and looks at it", () => {
    const world = new World("1", Intents.make(Redacted.make("key")))
    const visits = make({ seed: "1", seconds: 60, sessions: 8, everyMs: 100 })
      .flat()
      .filter(({ kind }) => kind === "visit")
      .map((step) => PlannedCall.of(step, world))
    const sent = visits.flat().flatMap(({ command, id, type }) => (command === null ? [] : [{ command, id, type }]))
    const names = new Set(sent.map(({ command, type }) => `${type} ${command._tag}`))
    const open = domains.flatMap(({ anytime, type }) => anytime.map((tag) => `${type} ${tag}`))
    assert.deepStrictEqual([...names].toSorted(), open.toSorted())
    assert.isAbove(open.length, 5)
    assert.strictEqual(new Set(sent.map(({ command }) => command.commandId)).size, sent.length)
    for (const { id } of sent) assert.match(id, /^(eu|am|ap)_any[a-z]+[0-5]$/)
    for (const visit of visits) assert.isNull(visit.at(-1)!.command)
  })
})
