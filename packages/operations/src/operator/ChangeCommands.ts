import { Region } from "@halles/shared/Region"
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { oneId } from "../inspector/EntityCommands.ts"
import { callOperator, confirmed, operator, reason, tell, yes } from "./Operator.ts"
import { login as signIn, logout as signOut } from "./Tokens.ts"

const runner = Argument.String("runner").pipe(Argument.withDescription("Such as eu-1"))
const shard = Argument.String("shard").pipe(Argument.withDescription("Such as eu/17"))

/** No shard is called so. */
export class BadShard extends Schema.TaggedError<BadShard>()("BadShard", { given: Schema.String }) {
  override get message() {
    return `"${this.given}" names no shard: give a region and a number, such as eu/17`
  }
}

const isRegion = Schema.is(Region)
const shardOf = (given: string) => {
  const [region, number] = given.split("/")
  return isRegion(region) && /^[1-9]\d{0,3}$/.test(number ?? "")
    ? Effect.succeed({ region, shard: Number(number) })
    : Effect.fail(new BadShard({ given }))
}

const drain = Command.make("drain", { runner, reason, yes }, ({ reason, runner, yes }) =>
  Effect.gen(function* () {
    yield* confirmed(yes, `Move all shards of ${runner} to other runners?`)
    const { cluster } = yield* operator
    yield* tell(yield* callOperator(cluster.drainRunner({ params: { id: runner }, payload: { reason } })))
  })
).pipe(
  Command.withDescription(
    "Move a runner's shards to the others of its region, a few at a time; it goes on running without any until undrain"
  ),
  Command.withShortDescription("Move a runner's shards away"),
  Command.withExamples([{ command: 'halles drain eu-1 --reason "new kernel"' }])
)

const undrain = Command.make("undrain", { runner, reason, yes }, ({ reason, runner, yes }) =>
  Effect.gen(function* () {
    yield* confirmed(yes, `Let ${runner} have shards again?`)
    const { cluster } = yield* operator
    yield* tell(yield* callOperator(cluster.undrainRunner({ params: { id: runner }, payload: { reason } })))
  })
).pipe(
  Command.withDescription("Let a drained runner have shards again"),
  Command.withExamples([{ command: 'halles undrain eu-1 --reason "kernel is new"' }])
)

const move = Command.make(
  "move",
  { shard, to: Flag.String("to").pipe(Flag.withDescription("The runner, such as eu-2")), reason, yes },
  ({ reason, shard, to, yes }) =>
    Effect.gen(function* () {
      const params = yield* shardOf(shard)
      yield* confirmed(yes, `Move ${shard} to ${to} and keep it there?`)
      const { cluster } = yield* operator
      yield* tell(yield* callOperator(cluster.moveShard({ params, payload: { runner: to, reason } })))
    })
).pipe(
  Command.withDescription(
    "Give a shard to a runner of its region, where it stays as long as that is there, until unpin"
  ),
  Command.withShortDescription("Give a shard to a runner"),
  Command.withExamples([{ command: 'halles move eu/17 --to eu-2 --reason "a hot customer"' }])
)

const unpin = Command.make("unpin", { shard, reason, yes }, ({ reason, shard, yes }) =>
  Effect.gen(function* () {
    const params = yield* shardOf(shard)
    yield* confirmed(yes, `Let ${shard} be placed like any other?`)
    const { cluster } = yield* operator
    yield* tell(yield* callOperator(cluster.unpinShard({ params, payload: { reason } })))
  })
).pipe(
  Command.withDescription("Let a shard be placed again that was given to a runner"),
  Command.withExamples([{ command: 'halles unpin eu/17 --reason "quiet again"' }])
)

const resume = Command.make("resume", { id: oneId, reason, yes }, ({ id, reason, yes }) =>
  Effect.gen(function* () {
    yield* confirmed(yes, `Let ${id} work again?`)
    const { entities } = yield* operator
    yield* tell(yield* callOperator(entities.resumeEntity({ params: { id }, payload: { reason } })))
  })
).pipe(
  Command.withDescription("Let a parked entity work again, once what made it die or hang is mended"),
  Command.withExamples([{ command: 'halles resume Order/eu_x --reason "fixed in 1.4.2"' }])
)

const login = Command.make("login", {}, () =>
  Effect.gen(function* () {
    yield* signIn((text) => Console.error(text))
    yield* Console.error("You are signed in.")
    const allowed = yield* Effect.match((yield* operator).cluster.me(), {
      onFailure: ({ _tag }) => (_tag === "Forbidden" ? "nothing" : "all"),
      onSuccess: ({ needsTwoFactors }) => (needsTwoFactors ? "looking" : "all")
    })
    if (allowed === "looking")
      yield* Console.error("With a password alone you may look. To change anything, sign in with a second factor.")
    if (allowed === "nothing") {
      yield* Console.error(
        "No role of your account counts here. One of staff does with a second factor: npm run identity -- enrol EMAIL --reason … prints the link that sets it up."
      )
    }
  })
).pipe(
  Command.withDescription("Sign in as an operator: shows a code that you type in a browser"),
  Command.withExamples([{ command: "halles login" }])
)
const logout = Command.make("logout", {}, () => Effect.andThen(signOut, Console.error("You are signed out."))).pipe(
  Command.withDescription("Sign out: forgets the tokens that are kept here, and ends them at the issuer")
)

const step = Flag.String("step").pipe(
  Flag.withDescription("Which step, as `halles saga show` names it; else the first that it can be done to"),
  Flag.optional
)

const changing = (
  act: "retry" | "skip",
  question: (id: string) => string,
  description: string,
  examples: ReadonlyArray<string>
) =>
  Command.make(act, { id: oneId, step, reason, yes }, ({ id, reason, step, yes }) =>
    Effect.gen(function* () {
      yield* confirmed(yes, question(id))
      const { sagas } = yield* operator
      const request = { params: { id }, payload: { reason, ...given("step", step) } }
      yield* tell(yield* callOperator(act === "retry" ? sagas.retrySaga(request) : sagas.skipSagaStep(request)))
    })
  ).pipe(Command.withDescription(description), Command.withExamples(examples.map((command) => ({ command }))))

const compensate = Command.make("compensate", { id: oneId, reason, yes }, ({ id, reason, yes }) =>
  Effect.gen(function* () {
    yield* confirmed(yes, `Give ${id} up and undo what was done?`)
    const { sagas } = yield* operator
    yield* tell(yield* callOperator(sagas.compensateSaga({ params: { id }, payload: { reason } })))
  })
).pipe(
  Command.withDescription("Give a saga up, and undo what was done"),
  Command.withExamples([{ command: 'halles saga compensate eu_x --reason "nobody can pick it"' }])
)

/** What operators do to a saga: commands to its order. */
export const sagaChanges = [
  changing(
    "retry",
    (id) => `Send the pending steps of ${id} again, or what was refused anew?`,
    "Send the pending steps of a saga again, now, or a step that was refused for good anew",
    [
      'halles saga retry eu_x --reason "the carrier is back"',
      'halles saga retry eu_x --step capture --reason "the bank renewed the authorisation"'
    ]
  ),
  compensate,
  changing(
    "skip",
    (id) => `Let the step of ${id} be?`,
    "Let a step be that nothing depends on, or one that was refused for good and is settled elsewhere",
    ['halles saga skip eu_x --step refund-r1 --reason "paid by bank transfer"']
  )
] as const

export const changeCommands = [drain, undrain, move, unpin, resume, login, logout] as const

/** For flags that may be absent. */
export const given = <K extends string, V>(key: K, value: Option.Option<V>): { readonly [P in K]?: V } =>
  (Option.isNone(value) ? {} : { [key]: value.value }) as { readonly [P in K]?: V }
