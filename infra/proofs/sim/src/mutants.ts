import * as Proof from "@halles/harness/Proof"
import { Console, Effect, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { availableParallelism } from "node:os"
import { mutated } from "./Mutation.ts"
import { type Mutant, mutants } from "./MutantList.ts"
import * as Pool from "./Pool.ts"

const flags = {
  only: Flag.String("only").pipe(
    Flag.withDescription("Mutants with this in their names, or all that are caught by sim, check or oversize"),
    Flag.withDefault("")
  )
}

class SourceWrong extends Schema.TaggedError<SourceWrong>()("SourceWrong", { caughtBy: Schema.String }) {
  override get message(): string {
    return `the source as it is fails ${this.caughtBy}`
  }
}

/** Seeds that a mutant has to break a law in. The source as it is breaks none in as many. */
const seedsMax = 4_000
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

const mutantsCommand = Command.make(
  "mutants",
  flags,
  Effect.fn("mutants")(function* ({ only }) {
    const chosen = mutants.filter(({ caughtBy, name }) => name.includes(only) || caughtBy === only)
    for (const mutant of mutants) mutated(mutant)
    for (const caughtBy of new Set(chosen.map((mutant) => mutant.caughtBy))) {
      const wrong = yield* verdictOf({ caughtBy }, null, availableParallelism())
      yield* Console.log(`source as it is, ${caughtBy}: ${wrong ?? "nothing wrong"}`)
      if (wrong !== null) return yield* new SourceWrong({ caughtBy })
    }
    // Mutants on real servers begin first. They mostly wait, so one more than there are cores runs at a time.
    const inTurn = chosen.toSorted((a, b) => Number(a.caughtBy === "sim") - Number(b.caughtBy === "sim"))
    const verdicts = yield* Effect.forEach(inTurn, one, { concurrency: availableParallelism() + 1 })
    const caught = verdicts.filter(Boolean).length
    yield* Console.log(`\ncaught ${caught}/${chosen.length}`)
    yield* Proof.end({ caught, total: chosen.length }, caught === chosen.length)
  })
).pipe(
  Command.withDescription(
    `Puts one deliberate fault after the other into the source while it is loaded (nothing on disk changes) and runs the checks
that must notice it: the simulation, the check of the journals of a real Postgres, or what is too large for the bus, a row or a
cart on a real Postgres and NATS. Exit 0 only if all are caught.`
  )
)

Proof.run(mutantsCommand)
