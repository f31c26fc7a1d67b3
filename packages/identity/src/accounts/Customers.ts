import * as EntityClient from "@halles/engine/activation/EntityClient"
import { ChangeCustomer, Customer, Forget, Register } from "@halles/entities/customer/Customer"
import { CommandId } from "@halles/shared/Ids"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/** Accounts whose customer is made in one look, and customers who are told something. */
const batchMax = 50
/** A customer that is still not there after this long is not made any more: its account was closed before. */
const unmadeMinutes = 10

interface Notice {
  readonly id: bigint
  readonly customer_id: string
  /** Its new address; null when it is to be forgotten. */
  readonly email: string | null
  readonly old: boolean
}

const each = <A extends { readonly customer_id: string }, E extends { readonly _tag: string }>(
  rows: Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>,
  act: (row: A) => Effect.Effect<unknown, E>
) =>
  rows.pipe(
    Effect.flatMap((rows) =>
      Effect.forEach(
        rows,
        (row) =>
          Effect.catch(act(row), (error) =>
            Effect.logWarning("a customer was not told yet", { customer: row.customer_id, cause: error._tag })
          ),
        { concurrency: 8, discard: true }
      )
    ),
    Effect.catch((error) => Effect.logWarning("what customers are to be told was not read", { cause: error._tag }))
  )

/**
 * Makes the `Customer` of each account that has none yet. The account's row names the customer from the start, so a
 * cluster that is away delays this and no sign-in; the command's id is the account's, so that it has one effect. Then tells
 * customers, one thing after the other, what became of their accounts.
 */
export const CustomersLive = Layer.effectDiscard(
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const customer = yield* EntityClient.make(Customer)
    const make = Effect.fnUntraced(function* (account: {
      id: string
      email: string
      name: string
      customer_id: string
    }) {
      yield* customer(account.customer_id)
        .Register(
          new Register({
            commandId: CommandId.make(`identity:register:${account.id}`),
            origin: { actor: "identity" },
            email: account.email,
            emailVerified: true,
            name: account.name
          })
        )
        .pipe(
          Effect.catchTag("AlreadyExists", () => Effect.void),
          Effect.timeout("5 seconds")
        )
      yield* sql`UPDATE identity.account SET customer_made_at = now() WHERE id = ${account.id}`
    })
    const forget = ({ id }: Notice) => sql`DELETE FROM identity.customer_notice WHERE id = ${id}`
    const tell = Effect.fnUntraced(function* (notice: Notice) {
      const { customer_id, email, id, old } = notice
      const stamp = { commandId: CommandId.make(`identity:notice:${id}`), origin: { actor: "identity" } }
      const sent =
        email === null
          ? customer(customer_id).Forget(new Forget(stamp))
          : customer(customer_id).ChangeCustomer(new ChangeCustomer({ ...stamp, email, emailVerified: true }))
      yield* Effect.timeout(sent, "5 seconds").pipe(
        Effect.andThen(Effect.asVoid(forget(notice))),
        Effect.catchTag(
          "NotFound",
          Effect.fnUntraced(function* (missing) {
            if (!old) return yield* missing
            yield* forget(notice)
          })
        )
      )
    })
    const unmade = sql<{ id: string; email: string; name: string; customer_id: string }>`
      SELECT id, email, name, customer_id FROM identity.account
      WHERE customer_made_at IS NULL AND customer_id IS NOT NULL ORDER BY created_at LIMIT ${batchMax}`
    // The oldest of each customer: what comes after it waits. In no order, so that a region which is away keeps no other waiting.
    const unsent = sql<Notice>`
      SELECT * FROM (
        SELECT DISTINCT ON (customer_id) id, customer_id, email,
          created_at < now() - make_interval(mins => ${unmadeMinutes}::int) AS old
        FROM identity.customer_notice ORDER BY customer_id, id) AS next
      ORDER BY random() LIMIT ${batchMax}`
    // One statement asks for both, since most of the time there is nothing.
    const found = sql<{ any: boolean }>`
      SELECT EXISTS (SELECT FROM identity.account WHERE customer_made_at IS NULL AND customer_id IS NOT NULL)
        OR EXISTS (SELECT FROM identity.customer_notice) AS any`
    const isAny = Effect.orElseSucceed(
      Effect.map(found, ([row]) => row!.any),
      () => true
    )
    yield* Effect.when(Effect.andThen(each(unmade, make), each(unsent, tell)), isAny).pipe(
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
  })
)
