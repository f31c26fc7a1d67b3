import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Accounts, their factors, clients, signing keys, and what the authorization server keeps. Secrets are digests or sealed. */
export const create = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`CREATE SCHEMA identity`
  yield* sql`
    CREATE TABLE identity.account (
      id text PRIMARY KEY,
      email text NOT NULL UNIQUE,
      name text NOT NULL,
      password_hash text,
      customer_id text UNIQUE,
      customer_made_at timestamptz,
      created_at timestamptz NOT NULL DEFAULT now(),
      disabled_at timestamptz,
      -- Since when its second factors are known to be its owner's, though somebody else might have its password.
      factors_vouched_at timestamptz
    )`
  yield* sql`CREATE INDEX account_without_customer ON identity.account (created_at) WHERE customer_made_at IS NULL`
  yield* sql`
    CREATE TABLE identity.account_role (
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      role text NOT NULL,
      region text,
      granted_by text NOT NULL,
      reason text NOT NULL,
      granted_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (account_id, role)
    )`
  yield* sql`
    CREATE TABLE identity.totp (
      account_id text PRIMARY KEY REFERENCES identity.account ON DELETE CASCADE,
      secret text NOT NULL,
      last_step bigint NOT NULL,
      confirmed_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`
    CREATE TABLE identity.passkey (
      id text PRIMARY KEY,
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      public_key text NOT NULL,
      counter bigint NOT NULL,
      transports text[] NOT NULL,
      name text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      used_at timestamptz
    )`
  yield* sql`CREATE INDEX passkey_account ON identity.passkey (account_id)`
  yield* sql`
    CREATE TABLE identity.recovery_code (
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      digest text NOT NULL,
      PRIMARY KEY (account_id, digest)
    )`
  yield* sql`
    CREATE TABLE identity.federation (
      issuer text NOT NULL,
      subject text NOT NULL,
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      linked_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (issuer, subject)
    )`
  yield* sql`
    CREATE TABLE identity.client (
      id text PRIMARY KEY,
      metadata jsonb NOT NULL,
      secret_digest text,
      created_at timestamptz NOT NULL DEFAULT now(),
      disabled_at timestamptz
    )`
  yield* sql`
    CREATE TABLE identity.signing_key (
      kid text PRIMARY KEY,
      state text NOT NULL CHECK (state IN ('next', 'current', 'retired')),
      private_key text NOT NULL,
      created_at timestamptz NOT NULL DEFAULT now(),
      activated_at timestamptz,
      retired_at timestamptz
    )`
  yield* sql`CREATE UNIQUE INDEX signing_key_one ON identity.signing_key (state) WHERE state <> 'retired'`
  // Sessions, grants, codes and tokens of the authorization server; the payload is sealed.
  yield* sql`
    CREATE TABLE identity.artifact (
      model text NOT NULL,
      digest text NOT NULL,
      payload text NOT NULL,
      grant_id text,
      user_code text,
      uid text,
      account_id text,
      consumed_at timestamptz,
      expires_at timestamptz,
      PRIMARY KEY (model, digest)
    )`
  yield* sql`CREATE INDEX artifact_grant ON identity.artifact (grant_id) WHERE grant_id IS NOT NULL`
  yield* sql`CREATE UNIQUE INDEX artifact_user_code ON identity.artifact (user_code) WHERE user_code IS NOT NULL`
  yield* sql`CREATE INDEX artifact_uid ON identity.artifact (uid) WHERE uid IS NOT NULL`
  yield* sql`CREATE INDEX artifact_account ON identity.artifact (account_id, model) WHERE account_id IS NOT NULL`
  yield* sql`CREATE INDEX artifact_expiry ON identity.artifact (expires_at)`
  yield* sql`
    CREATE TABLE identity.session_device (
      uid text PRIMARY KEY,
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      user_agent text NOT NULL,
      address text NOT NULL,
      seen_at timestamptz NOT NULL DEFAULT now()
    )`
  // What is single use and short: links in mails, sign-ins under way, challenges. The payload is sealed.
  yield* sql`
    CREATE TABLE identity.pending (
      purpose text NOT NULL,
      digest text NOT NULL,
      payload text NOT NULL,
      account_id text REFERENCES identity.account ON DELETE CASCADE,
      expires_at timestamptz NOT NULL,
      PRIMARY KEY (purpose, digest)
    )`
  yield* sql`CREATE INDEX pending_expiry ON identity.pending (expires_at)`
  yield* sql`CREATE INDEX pending_account ON identity.pending (account_id)`
  // What customers are still to be told of what owners of accounts changed. Without a reference to the account: the customer
  // of an account that is gone is told last.
  yield* sql`
    CREATE TABLE identity.customer_notice (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      customer_id text NOT NULL,
      email text,
      created_at timestamptz NOT NULL DEFAULT now()
    )`
  yield* sql`CREATE INDEX customer_notice_next ON identity.customer_notice (customer_id, id)`
  // What applications may see.
  yield* sql`
    CREATE TABLE identity.consent (
      account_id text NOT NULL REFERENCES identity.account ON DELETE CASCADE,
      client_id text NOT NULL REFERENCES identity.client ON DELETE CASCADE,
      scopes text[] NOT NULL,
      given_at timestamptz NOT NULL DEFAULT now(),
      PRIMARY KEY (account_id, client_id)
    )`
})
