import { Effect } from "effect"
import type { Answer } from "./Call.ts"
import * as EdgeForm from "./EdgeForm.ts"
import * as PlannedCall from "./PlannedCall.ts"
import type { Step } from "./Plan.ts"
import { Recorder } from "./Recorder.ts"
import type { World } from "./World.ts"

/** Before a call without an answer is sent again. */
const insistAfterMs = 250

/** One client after the other of its plan: a step begins when it is meant to, or as soon as the one before has ended. */
export const run = Effect.fnUntraced(function* (
  session: number,
  steps: ReadonlyArray<Step>,
  world: World,
  startedAt: number
) {
  for (const step of steps) {
    const intendedAt = startedAt + step.atMs
    const waitMs = intendedAt - performance.now()
    if (waitMs > 0) yield* Effect.sleep(waitMs)
    yield* take(`s${session}`, step, world, intendedAt)
  }
})

const take = Effect.fnUntraced(function* (session: string, step: Step, world: World, intendedAt: number) {
  for (const planned of PlannedCall.of(step, world)) yield* send(session, step, planned, world, intendedAt)
})

const send = Effect.fnUntraced(function* (
  session: string,
  step: Step,
  planned: PlannedCall.PlannedCall,
  world: World,
  intendedAt: number
) {
  const { call } = yield* Recorder
  const once = Effect.tap(call(session, step.via, planned, { intendedAt }), (answer) => learn(planned, answer, world))
  const again = Effect.asVoid(call(`${session}'`, "direct", planned))
  if (planned.command !== null && world.duplicating && step.again !== null) {
    const delayMs = step.again === "together" ? 0 : step.again.afterMs
    yield* Effect.forkChild(Effect.delay(again, delayMs))
  }
  const answer = yield* once
  if (answer._tag === "Unknown" && planned.command !== null && step.insists) {
    yield* Effect.delay(once, insistAfterMs)
  }
})

/** What the session goes by from now on. */
const learn = (planned: PlannedCall.PlannedCall, answer: Answer, world: World) =>
  Effect.sync(() => {
    if (answer._tag === "Unknown") return
    if (planned.holds !== undefined) world.held(planned.holds)
    if (planned.slot === undefined) return
    const cart = world.slot(planned.slot)
    if (cart.id !== planned.id) return
    if (answer._tag === "Refused") {
      if (answer.code === "cart_closed") world.closed(planned.slot, cart)
      return
    }
    if (planned.command?._tag === "OpenCart") cart.opened = true
    // The cart stays in its slot: it may be open again, if the order fails. A session that finds it closed opens the next one.
    if (planned.command?._tag === "CheckOut" && answer._tag === "Replied") {
      const order = EdgeForm.orderIdOf(answer.reply)
      if (order !== null) world.checkedOut(order)
    }
  })
