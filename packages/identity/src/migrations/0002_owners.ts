import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** What owners of accounts change themselves: what customers are still to be told of it, and what applications may see. */
export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // Without a reference to the account: the customer of an account that is gone is told last.
  yield* sql`
    CREATE TABLE identity.customer_notice (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      customer_id text NOT NULL,
      email text,
      created_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`CREATE INDEX customer_notice_next ON identity.customer_notice (customer_id, id)`
  yield* sql`
    CREATE TABLE identity.consent (
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      client_id text NOT NULL REFERENCES identity.client ON DELETE CASCADE,
      scopes text[] NOT NULL,
      given_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (account_id, client_id)
    )`
})
