import { showing } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import * as Pool from "./Pool.ts"
import { run } from "./Seed.ts"

const range = /^(\d+)\.\.(\d+)$/

const flags = {
  seeds: Flag.String("seeds").pipe(
    Flag.withSchema(Schema.String.check(Schema.isPattern(range))),
    Flag.withDescription("1..N: a world each"),
    Flag.withDefault("1..1000")
  ),
  seed: Flag.Int("seed").pipe(Flag.withDescription("This world alone"), Flag.optional),
  trace: Flag.Boolean("trace").pipe(Flag.withDescription("Print all that happens in it"), Flag.withDefault(false)),
  workers: Flag.Int("workers").pipe(
    Flag.withDescription("Threads"),
    Flag.withDefault(Math.min(8, availableParallelism()))
  )
}

/** Lines of a trace that are printed for a seed that went wrong when nobody asked for the trace. */
const traceMax = 400

const one = Effect.fnUntraced(function* (seed: number, trace: boolean) {
  const lines: Array<string> = []
  const { hash, violations } = run(seed, (line) => lines.push(line))
  const printed = trace ? lines : violations.length === 0 ? [] : lines.slice(-traceMax)
  for (const line of printed) yield* Console.log(line)
  for (const violation of violations) yield* Console.log(`seed ${seed}: ${violation}`)
  yield* Proof.end({ seed, hash, violations: violations.length }, violations.length === 0)
})

const many = Effect.fnUntraced(function* (from: number, to: number, workers: number) {
  const started = performance.now()
  const sums = Pool.none()
  const seconds = () => (performance.now() - started) / 1000
  const progress = () =>
    `${sums.seeds} of ${to - from + 1} seeds, ${seconds().toFixed(0)} s, ${sums.violations} violations`
  const broken = yield* showing(
    progress,
    Pool.run({ seeds: Pool.inParts({ from, to }), workers, mutant: null, stops: false, sums })
  )
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
  const summary = { seeds, seconds: Math.round(took * 10) / 10, seedsPerSecond, steps, ...rest, violations }
  yield* Proof.end(summary, violations === 0 && isFaulty)
})

const sim = Command.make("sim", flags, ({ seed, seeds, trace, workers }) => {
  if (Option.isSome(seed)) return one(seed.value, trace)
  const [, from, to] = range.exec(seeds)!
  return many(Number(from), Number(to), workers)
}).pipe(
  Command.withDescription(
    `Runs the entities, the saga, the journal and the timers on simulated servers, one world a seed, and holds what came of it
against the invariants. The same seed is the same world. Exit 0 only if nothing was violated.`
  )
)

Proof.run(sim)
