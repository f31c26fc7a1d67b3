import { Console, Effect, Result } from "effect"
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { mutated } from "./Mutation.ts"
import { type Mutant, mutants } from "./MutantList.ts"
import * as Pool from "./Pool.ts"

const usage = `npm run test:mutants [-- --only TEXT|sim|check|oversize]

Puts one deliberate fault after the other into the source while it is loaded (nothing on disk changes) and runs the checks
that must notice it: the simulation, the check of the journals of a real Postgres, or what is too large for the bus, a row or a
cart on a real Postgres and NATS. Exit 0 only if all are caught.`

const { values } = parseArgs({
  options: { only: { type: "string", default: "" }, help: { type: "boolean", short: "h", default: false } }
})

/** Seeds that a mutant has to break a law in. The source as it is breaks none in as many. */
const seedsMax = 1_000
/** A mutant that stops the workers is not caught: a check has to tell what is wrong. */
const minutesMax = 3

const verdictOf = ({ caughtBy }: Pick<Mutant, "caughtBy">, mutant: Mutant | null, workers: number) =>
  caughtBy !== "sim"
    ? Effect.map(Pool.play(caughtBy, mutant), ([first]) => first ?? null)
    : Effect.map(Pool.run({ from: 1, to: seedsMax, workers, mutant, stops: true, sums: Pool.none() }), ([first]) =>
        first === undefined ? null : `seed ${first.seed}: ${first.violations[0]}`
      )

const one = Effect.fnUntraced(function* (mutant: Mutant) {
  const started = performance.now()
  const verdict = yield* Effect.result(Effect.timeout(verdictOf(mutant, mutant, 1), `${minutesMax} minutes`))
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
  const caught = Result.isSuccess(verdict) && verdict.success !== null
  const what = Result.isFailure(verdict) ? `did not run: ${String(verdict.failure)}` : (verdict.success ?? "SURVIVES")
  const word = caught ? "caught" : "MISSED"
  yield* Console.log(
    `${word}  ${mutant.name.padEnd(56)} ${mutant.caughtBy.padEnd(8)} ${seconds} s  ${what.slice(0, 110)}`
  )
  return caught
})

const program = Effect.gen(function* () {
  if (values.help) return yield* Effect.as(Console.log(usage), 0)
  const chosen = mutants.filter(({ caughtBy, name }) => name.includes(values.only) || caughtBy === values.only)
  for (const mutant of mutants) mutated(mutant)
  for (const caughtBy of new Set(chosen.map((mutant) => mutant.caughtBy))) {
    const wrong = yield* verdictOf({ caughtBy }, null, availableParallelism())
    yield* Console.log(`source as it is, ${caughtBy}: ${wrong ?? "nothing wrong"}`)
    if (wrong !== null) return 1
  }
  const caught = (yield* Effect.forEach(chosen, one, { concurrency: availableParallelism() })).filter(Boolean).length
  yield* Console.log(`\ncaught ${caught}/${chosen.length}`)
  yield* Console.log(JSON.stringify({ caught, total: chosen.length }))
  return caught === chosen.length ? 0 : 1
})
process.exitCode = await Effect.runPromise(program)
