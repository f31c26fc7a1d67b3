import { Console, Effect } from "effect"
import { read } from "./ClusterState.ts"
import { type Layout, stateFile } from "../Layout.ts"
import { isAlive, signal } from "./ProcessIdentity.ts"
import { progress } from "../Progress.ts"
import { owner, stopLeftovers } from "../StateDirectory.ts"
import { rmSync } from "node:fs"

/** Longer than the supervisor needs when every process has to be killed after its grace. */
const supervisorMs = 60_000

/** `npm stop`: the supervisor stops its processes in order; what a killed supervisor left is stopped too. */
export const stop = Effect.fn("Stop.stop")(function* (layout: Layout) {
  const supervisor = owner(layout)
  if (supervisor !== null) {
    const display = progress()
    display.step("stopping")
    signal(supervisor, "SIGTERM")
    const deadline = performance.now() + supervisorMs
    while (isAlive(supervisor) && performance.now() < deadline) yield* Effect.sleep("50 millis")
    signal(supervisor, "SIGKILL")
    display.done()
  }
  const left = yield* stopLeftovers(layout)
  rmSync(stateFile(layout), { force: true })
  if (supervisor === null && left.length === 0) yield* Console.log("Nothing was running.")
  else if (supervisor === null) yield* Console.log(`Stopped what a killed supervisor had left: ${left.join(", ")}.`)
  else yield* Console.log("Stopped. The data stays in .halles; npm start goes on from there.")
})

/** Whether there is anything to stop before a new start. */
export const hasLeftovers = (layout: Layout): boolean =>
  owner(layout) === null &&
  (read(layout)?.processes ?? []).some(({ identity }) => identity !== null && isAlive(identity))
