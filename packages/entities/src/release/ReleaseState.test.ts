import { assert, describe, it } from "@effect/vitest"
import { evolved } from "@halles/engine/eventsourced/Model"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { CommandId, SkuCode } from "@halles/shared/Ids"
import { Result } from "effect"
import * as fc from "fast-check"
import { Outcome, PublishRelease, PutRelease, ReleaseId, WithdrawRelease } from "./Release.ts"
import * as ReleaseState from "./ReleaseState.ts"

const commandId = CommandId.make("c")
const id = ReleaseId.make("eu_autumn")
const member = (index: number) => ({ sku: SkuCode.make(`S${index}`), listed: true })
const put = (count: number, dueAt?: number) =>
  new PutRelease({
    commandId,
    title: "Autumn",
    members: Array.from({ length: count }, (_, index) => member(index)),
    ...(dueAt === undefined ? {} : { dueAt })
  })
const publish = new PublishRelease({ commandId })
const withdraw = new WithdrawRelease({ commandId })
const fired = new TimerFired({ commandId })

const after = (state: ReleaseState.State, command: ReleaseState.Command, now = 7): ReleaseState.State =>
  evolved(
    ReleaseState,
    state,
    Result.getOrElse(ReleaseState.decide(state, command, now), () => []),
    1
  )
const all = (...commands: ReadonlyArray<ReleaseState.Command>) =>
  commands.reduce((state, command) => after(state, command), ReleaseState.initial)
const refusal = (state: ReleaseState.State, command: ReleaseState.Command, now = 7) =>
  Result.getOrThrow(Result.flip(ReleaseState.decide(state, command, now)))
const pointers = (command: PutRelease) => {
  const refused = refusal(ReleaseState.initial, command)
  return "errors" in refused ? refused.errors.map(({ pointer }) => pointer) : []
}
const statusOf = (state: ReleaseState.State) => ReleaseState.view(id, state, 1)?.status

describe("a release", () => {
  it("waits for its time or for a command, and can be withdrawn until then", () => {
    assert.strictEqual(statusOf(all(put(2))), "draft")
    const scheduled = all(put(2, 100))
    assert.deepStrictEqual([statusOf(scheduled), ReleaseState.dueAt(scheduled)], ["scheduled", 100])
    assert.strictEqual(statusOf(after(scheduled, fired, 99)), "scheduled")
    assert.strictEqual(statusOf(after(scheduled, fired, 100)), "publishing")
    const withdrawn = after(scheduled, withdraw)
    assert.deepStrictEqual([statusOf(withdrawn), ReleaseState.dueAt(withdrawn)], ["withdrawn", null])
    assert.strictEqual(statusOf(after(withdrawn, fired, 100)), "withdrawn")
    assert.deepInclude(refusal(withdrawn, publish), { _tag: "ReleaseClosed", status: "withdrawn" })
    assert.strictEqual(statusOf(after(withdrawn, put(1))), "draft")
    const publishing = all(put(2), publish)
    for (const command of [put(1), withdraw])
      assert.deepInclude(refusal(publishing, command), { _tag: "ReleaseClosed", status: "publishing" })
    assert.deepInclude(refusal(ReleaseState.initial, publish), { _tag: "NotFound" })
  })

  it("refuses a member that stands twice or is to stay as it is, and a time that has passed", () => {
    const twice = new PutRelease({
      commandId,
      title: "x",
      members: [member(1), member(1), { sku: SkuCode.make("S2") }]
    })
    assert.deepStrictEqual(pointers(twice), ["/members/1/sku", "/members/2"])
    assert.deepStrictEqual(pointers(put(1, 7)), ["/at"])
    assert.deepStrictEqual(pointers(put(1, 10 ** 14)), ["/at"])
    // The same plan again is no change, whatever the time is.
    assert.deepStrictEqual(Result.getOrThrow(ReleaseState.decide(all(put(1, 100)), put(1, 100), 200)), [])
  })

  /** Which of the members that are asked answer, what, and how many answers come again. */
  const round = fc.record({
    answering: fc.array(fc.boolean(), { minLength: 100, maxLength: 100 }),
    outcomes: fc.array(fc.constantFrom(...Outcome.literals), { minLength: 100, maxLength: 100 }),
    again: fc.boolean()
  })
  it("asks each member until it has answered, and counts its first answer", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.array(round, { maxLength: 8 }), (count, rounds) => {
        let state = all(put(count), publish)
        const first = new Map<string, Outcome>()
        const record = (answers: ReadonlyArray<{ readonly sku: SkuCode; readonly outcome: Outcome }>) => {
          for (const { outcome, sku } of answers) if (!first.has(sku)) first.set(sku, outcome)
          state = after(state, { _tag: "RecordAnswers", commandId, answers })
        }
        for (const { again, answering, outcomes } of rounds) {
          const step = ReleaseState.next(state)
          if (step === null) break
          assert.isTrue(step.members.every(({ sku }) => !first.has(sku)))
          const answers = step.members.flatMap(({ sku }, index) =>
            answering[index]! ? [{ sku, outcome: outcomes[index]! }] : []
          )
          record(answers)
          if (again) record(answers.map((one) => ({ ...one, outcome: "fault" as const })))
        }
        for (let step = ReleaseState.next(state); step !== null; step = ReleaseState.next(state)) {
          assert.strictEqual(statusOf(state), "publishing")
          record(step.members.map(({ sku }) => ({ sku, outcome: "done" as const })))
        }
        const view = ReleaseState.view(id, state, 9)
        assert.deepInclude(view, { status: "published", endedAt: 7 })
        assert.deepStrictEqual(
          view?.members.map(({ outcome, sku }) => [sku, outcome]),
          Array.from({ length: count }, (_, index) => [`S${index}`, first.get(`S${index}`)])
        )
        assert.isNull(ReleaseState.dueAt(state))
      }),
      { numRuns: 60 }
    )
  })
})
