import * as EntityClient from "@halles/shared/EntityClient"
import { Customer, Register } from "@halles/entities/Customer"
import { CommandId } from "@halles/shared/Ids"
import { Effect, Layer, Schedule } from "effect"
import { SqlClient } from "effect/sql"

/** Accounts whose customer is made in one look. */
const batchMax = 50

/**
 * Makes the `Customer` of each account that has none yet. The account's row names the customer from the start, so a
 * cluster that is away delays this and no sign-in; the command's id is the account's, so that it has one effect.
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
            name: account.name
          })
        )
        .pipe(
          Effect.catchTag("AlreadyExists", () => Effect.void),
          Effect.timeout("5 seconds")
        )
      yield* sql`UPDATE identity.account SET customer_made_at = now() WHERE id = ${account.id}`
    })
    yield* sql<{ id: string; email: string; name: string; customer_id: string }>`
      SELECT id, email, name, customer_id FROM identity.account
      WHERE customer_made_at IS NULL AND customer_id IS NOT NULL ORDER BY created_at LIMIT ${batchMax}`.pipe(
      Effect.flatMap((rows) =>
        Effect.forEach(
          rows,
          (row) =>
            Effect.catch(make(row), (error) =>
              Effect.logWarning("a customer was not made yet", { account: row.id, cause: error._tag })
            ),
          { concurrency: 8, discard: true }
        )
      ),
      Effect.catch((error) => Effect.logWarning("accounts without a customer were not read", { cause: error._tag })),
      Effect.repeat(Schedule.spaced("1 second")),
      Effect.forkScoped
    )
  })
)
