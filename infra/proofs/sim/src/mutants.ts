import * as Proof from "@halles/harness/Proof"
import { Console, Effect, Option, Result, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { mutated } from "./mutants/Mutation.ts"
import type { Mutant, Scene } from "./mutants/Mutant.ts"
import { mutants } from "./mutants/MutantList.ts"
import * as Pool from "./Pool.ts"

const flags = {
  only: Flag.String("only").pipe(
    Flag.withDescription(
      "Mutants with this in their names, or all that are caught by sim, check, messages or oversize"
    ),
    Flag.withDefault("")
  )
}

class SourceWrong extends Schema.TaggedError<SourceWrong>()("SourceWrong", { caughtBy: Schema.String }) {
  override get message(): string {
    return `the source as it is fails ${this.caughtBy}`
  }
}

/** Seeds that a mutant has to break a law in. */
const seedsMax = 4_000
/** A mutant that stops the workers is not caught: a check has to tell what is wrong. */
const minutesMax = 3

/** By the name of each mutant the seed in which it broke a law the last time: there it is tried first. */
const knownFile = fileURLToPath(new URL("../../../../.halles/mutants.json", import.meta.url))
const Known = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Int))
type Known = typeof Known.Type
const readKnown = Effect.sync(() =>
  existsSync(knownFile)
    ? Option.getOrElse(Schema.decodeOption(Known)(readFileSync(knownFile, "utf8")), (): Known => ({}))
    : {}
)

/** What a check has to say about the source with a mutant or as it is. */
interface Found {
  readonly what: string
  /** Of the simulation. */
  readonly seed: number | null
}

const inScene = (scene: Scene, mutant: Mutant | null) =>
  Effect.map(Pool.play(scene, mutant), ([what]): Found | null => (what === undefined ? null : { what, seed: null }))

const inSeeds = (seeds: ReadonlyArray<Pool.Seeds>, mutant: Mutant | null, workers: number) =>
  Effect.map(Pool.run({ seeds, workers, mutant, stops: true, sums: Pool.none() }), ([first]): Found | null =>
    first === undefined ? null : { what: `seed ${first.seed}: ${first.violations[0]}`, seed: first.seed }
  )

const alone = (seed: number): Pool.Seeds => ({ from: seed, to: seed })

const found = (mutant: Mutant, known: number | undefined) =>
  mutant.caughtBy !== "sim"
    ? inScene(mutant.caughtBy, mutant)
    : inSeeds([...(known === undefined ? [] : [alone(known)]), ...Pool.inParts({ from: 1, to: seedsMax })], mutant, 1)

const one = Effect.fnUntraced(function* (mutant: Mutant, known: number | undefined) {
  const started = performance.now()
  const verdict = yield* Effect.result(Effect.timeout(found(mutant, known), `${minutesMax} minutes`))
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
  const caught = Result.isSuccess(verdict) ? verdict.success : null
  const what = Result.isFailure(verdict) ? `did not run: ${String(verdict.failure)}` : (caught?.what ?? "SURVIVES")
  const word = caught === null ? "MISSED" : "caught"
  yield* Console.log(
    `${word}  ${mutant.name.padEnd(56)} ${mutant.caughtBy.padEnd(8)} ${seconds} s  ${what.slice(0, 110)}`
  )
  return caught === null ? null : { mutant, seed: caught.seed }
})

/** Ends the proof if the source as it is does not pass the same check. */
const rightOtherwise = Effect.fnUntraced(function* (
  caughtBy: Mutant["caughtBy"],
  check: Effect.Effect<Found | null, Pool.WorkerFailed>
) {
  const wrong = yield* check
  yield* Console.log(`source as it is, ${caughtBy}: ${wrong?.what ?? "nothing wrong"}`)
  if (wrong !== null) return yield* new SourceWrong({ caughtBy })
})

const mutantsCommand = Command.make(
  "mutants",
  flags,
  Effect.fn("mutants")(function* ({ only }) {
    const chosen = mutants.filter(({ caughtBy, name }) => name.includes(only) || caughtBy === only)
    for (const mutant of mutants) mutated(mutant)
    const scenes = new Set(chosen.map(({ caughtBy }) => caughtBy).filter((caughtBy) => caughtBy !== "sim"))
    for (const scene of scenes) yield* rightOtherwise(scene, inScene(scene, null))
    const known = yield* readKnown
    // Mutants on real servers begin first. They mostly wait, so one more than there are cores runs at a time.
    const inTurn = chosen.toSorted((a, b) => Number(a.caughtBy === "sim") - Number(b.caughtBy === "sim"))
    const verdicts = yield* Effect.forEach(inTurn, (mutant) => one(mutant, known[mutant.name]), {
      concurrency: availableParallelism() + 1
    })
    const convicted = verdicts.filter((verdict) => verdict !== null)
    const seeds = convicted.flatMap(({ mutant, seed }) => (seed === null ? [] : [[mutant.name, seed] as const]))
    // No seed is the mutant's fault in which the source as it is breaks a law too.
    if (seeds.length > 0)
      yield* rightOtherwise(
        "sim",
        inSeeds([...new Set(seeds.map(([, seed]) => seed))].map(alone), null, availableParallelism())
      )
    yield* Effect.sync(() => writeFileSync(knownFile, JSON.stringify({ ...known, ...Object.fromEntries(seeds) })))
    const caught = convicted.length
    yield* Console.log(`\ncaught ${caught}/${chosen.length}`)
    yield* Proof.end({ caught, total: chosen.length }, caught === chosen.length)
  })
).pipe(
  Command.withDescription(
    `Puts one deliberate fault after the other into the source while it is loaded (nothing on disk changes) and runs the checks
that must notice it: the simulation, the check of the journals of a real Postgres, or, on a real Postgres and NATS, messages of
many rows, and what is too large for the bus, a row or a cart. Exit 0 only if all are caught.`
  )
)

Proof.run(mutantsCommand)
