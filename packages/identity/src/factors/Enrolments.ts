import { Context, Data, Effect, Layer, Option } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { Factors } from "./Factors.ts"
import { Pending } from "../signin/Pending.ts"

/** `gone`: the link was used, is too old, or another account's; `wrong`: the factor was not proved, and the link is still good. */
export type Outcome = "done" | "gone" | "wrong"

class NotDone extends Data.TaggedError("NotDone")<{ readonly outcome: Outcome }> {}

const isOf = (accountId: string, found: Option.Option<{ readonly accountId: string }>) =>
  Option.isSome(found) && found.value.accountId === accountId

/**
 * The first second factor of staff. Whoever knows the password alone could set one up, so it takes a link besides that an
 * operator makes and hands over by another way than the account's mail. What was set up before counts for nothing and goes.
 */
export class Enrolments extends Context.Service<
  Enrolments,
  {
    /** The key of a new link; the ones before it are void. */
    readonly offer: (accountId: string) => Effect.Effect<string, SqlError.SqlError>
    readonly isOffered: (accountId: string, key: string) => Effect.Effect<boolean, SqlError.SqlError>
    /** Uses the link up for the factor that `add` stores, in place of all others, or does nothing. */
    readonly complete: (
      accountId: string,
      key: string,
      add: Effect.Effect<boolean, SqlError.SqlError>
    ) => Effect.Effect<Outcome, SqlError.SqlError>
  }
>()("@halles/identity/Enrolments") {
  static readonly layer = Layer.effect(
    Enrolments,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      const factors = yield* Factors
      const pending = yield* Pending
      return {
        offer: (accountId) =>
          Effect.andThen(pending.forget("enrolment", accountId), pending.issue("enrolment", { accountId }, accountId)),
        isOffered: (accountId, key) =>
          Effect.map(pending.peek<{ accountId: string }>("enrolment", key), (found) => isOf(accountId, found)),
        complete: (accountId, key, add) =>
          sql
            .withTransaction(
              Effect.gen(function* () {
                const taken = yield* pending.take<{ accountId: string }>("enrolment", key)
                if (!isOf(accountId, taken)) return yield* new NotDone({ outcome: "gone" })
                yield* factors.removeAll(accountId)
                if (!(yield* add)) return yield* new NotDone({ outcome: "wrong" })
                yield* factors.vouch(accountId)
                return "done" as const
              })
            )
            .pipe(Effect.catchTag("NotDone", ({ outcome }) => Effect.succeed(outcome)))
      }
    })
  )
}
