import { Console, Effect, Fiber, Schedule } from "effect"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import * as Pool from "./Pool.ts"
import { run } from "./Seed.ts"

const usage = `npm run sim -- [--seeds 1..N] [--seed S [--trace]] [--workers N]

Runs the entities, the saga, the journal and the timers on simulated servers, one world a seed, and holds what came of it
against the invariants. The same seed is the same world. Exit 0 only if nothing was violated.`

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1..1000" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    workers: { type: "string", default: String(Math.min(8, availableParallelism())) },
    help: { type: "boolean", short: "h", default: false }
  }
})

/** Lines of a trace that are printed for a seed that went wrong when nobody asked for the trace. */
const traceMax = 400

const one = (seed: number, trace: boolean) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    const { hash, violations } = run(seed, (line) => lines.push(line))
    const printed = trace ? lines : violations.length === 0 ? [] : lines.slice(-traceMax)
    for (const line of printed) yield* Console.log(line)
    for (const violation of violations) yield* Console.log(`seed ${seed}: ${violation}`)
    yield* Console.log(JSON.stringify({ seed, hash, violations: violations.length }))
    return violations.length === 0 ? 0 : 1
  })

const many = Effect.fnUntraced(function* (from: number, to: number, workers: number) {
  const started = performance.now()
  const sums = Pool.none()
  const seconds = () => (performance.now() - started) / 1000
  const progress = Effect.suspend(() =>
    Console.error(`${sums.seeds} of ${to - from + 1} seeds, ${seconds().toFixed(0)} s, ${sums.violations} violations`)
  )
  const display = yield* Effect.forkChild(Effect.repeat(Effect.delay(progress, "2 seconds"), Schedule.forever))
  const broken = yield* Pool.run({ from, to, workers, mutant: null, stops: false, sums })
  yield* Fiber.interrupt(display)
  for (const { seed, violations } of broken.slice(0, 20)) {
    for (const violation of violations.slice(0, 5)) yield* Console.log(`seed ${seed}: ${violation}`)
  }
  if (broken.length > 0) yield* one(broken[0]!.seed, false)
  // A run in which nothing went wrong outside proves nothing; a short one may miss a kind of fault.
  const { crashes, doubleOwners, drops, duplicates, freezes } = sums
  const isFaulty = [crashes, doubleOwners, drops, duplicates, freezes].every((count) => count > 0)
  if (!isFaulty) yield* Console.log(`some kind of fault never happened: ${JSON.stringify(sums)}`)
  const { seeds, steps, violations, ...rest } = sums
  const took = seconds()
  const seedsPerSecond = Math.round((10 * seeds) / took) / 10
  yield* Console.log(
    JSON.stringify({ seeds, seconds: Math.round(took * 10) / 10, seedsPerSecond, steps, ...rest, violations })
  )
  return violations === 0 && isFaulty ? 0 : 1
})

const range = /^(\d+)\.\.(\d+)$/.exec(values.seeds)
const program = Effect.gen(function* () {
  if (values.help) return yield* Effect.as(Console.log(usage), 0)
  if (values.seed !== undefined) return yield* one(Number(values.seed), values.trace)
  if (range === null) return yield* Effect.as(Console.error(usage), 2)
  return yield* many(Number(range[1]), Number(range[2]), Number(values.workers))
})
process.exitCode = await Effect.runPromise(program)
