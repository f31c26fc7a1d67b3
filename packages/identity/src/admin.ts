import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import { Nats } from "@halles/shared/clients/Nats"
import * as Postgres from "@halles/shared/clients/Postgres"
import { Revocations } from "@halles/shared/security/Revocations"
import { Region } from "@halles/shared/Region"
import { Config, Console, Effect, Layer, Logger, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { randomBytes } from "node:crypto"
import { Role } from "@halles/shared/security/Authority"
import { type Account, Accounts, isStaff, normalised } from "./accounts/Accounts.ts"
import { type ClientMetadata, Clients } from "./oidc/Clients.ts"
import { endAccessTokens } from "./oidc/AccessTokenEnds.ts"
import { Enrolments } from "./factors/Enrolments.ts"
import { Factors } from "./factors/Factors.ts"
import { StoreConfig } from "./IdentityConfig.ts"
import { apiScopes } from "./oidc/Scopes.ts"
import { Sessions } from "./signin/Sessions.ts"
import { SigningKeys } from "./oidc/SigningKeys.ts"
import { storeLayer } from "./oidc/Store.ts"

const email = Argument.String("email").pipe(Argument.withDescription("The account's address"))
const role = Argument.Literals("role", Role.literals).pipe(Argument.withDescription("What the account may be"))
const reason = Flag.String("reason").pipe(Flag.withDescription("Why; it goes into the audit log"))
const region = Flag.Literals("region", Region.literals).pipe(
  Flag.withDescription("Limits the role to one region"),
  Flag.optional
)
const actor = "operator:command-line"

/** One line to stderr, and exit code 1. */
const refuse = (line: string) =>
  Effect.andThen(
    Console.error(line),
    Effect.sync(() => {
      process.exitCode = 1
    })
  )

const accountOf = Effect.fnUntraced(function* (address: string) {
  const accounts = yield* Accounts
  const name = normalised(address)
  return Option.isNone(name) ? Option.none<Account>() : yield* accounts.byEmail(name.value)
})

/** A new link, to be handed over by another way than the account's mail: who reads that can set a password too. */
const offer = Effect.fnUntraced(function* (id: string, reason: string) {
  const audit = yield* AuditLog
  const { issuer } = yield* StoreConfig
  const key = yield* (yield* Enrolments).offer(id)
  yield* audit.record({ actor, action: "mfa.enrol.offer", subject: id, outcome: "allowed", reason })
  return [
    "Hand this link over yourself, not by mail; it works once, for a day, for who signs in to the account:",
    `${issuer}/enrol?token=${key}`
  ].join("\n")
})

const grant = Command.make(
  "grant",
  { email, role, reason, region },
  Effect.fn("identity.grant")(function* ({ email, reason, region, role }) {
    const accounts = yield* Accounts
    const audit = yield* AuditLog
    const account = yield* accountOf(email)
    if (Option.isNone(account)) return yield* refuse("There is no such account; it must be registered first.")
    const { id, region: limit } = account.value
    if (limit !== null && Option.isSome(region) && region.value !== limit)
      return yield* refuse(`${id} is limited to ${limit} by another role; one account works in one region or in all.`)
    yield* audit.record({ actor, action: "role.grant", subject: id, outcome: "allowed", reason, details: { role } })
    yield* accounts.grantRole(id, role, { actor, reason, region: Option.getOrNull(region) })
    if (!isStaff(role) || account.value.vouched) return yield* Console.log(`${id} is ${role} from its next token on.`)
    // Who is signed in may have set up a factor with the password alone.
    yield* (yield* Sessions).revokeAll(id)
    return yield* Console.log(`${id} is ${role} once it has set up a second factor.\n${yield* offer(id, reason)}`)
  })
).pipe(Command.withDescription("Give an account a role"))

const revoke = Command.make(
  "revoke",
  { email, role, reason },
  Effect.fn("identity.revoke")(function* ({ email, reason, role }) {
    const accounts = yield* Accounts
    const audit = yield* AuditLog
    const sessions = yield* Sessions
    const account = yield* accountOf(email)
    if (Option.isNone(account)) return yield* refuse("There is no such account.")
    const { id } = account.value
    yield* audit.record({ actor, action: "role.revoke", subject: id, outcome: "allowed", reason, details: { role } })
    if (!(yield* accounts.revokeRole(id, role))) return yield* refuse(`${id} is not ${role}.`)
    // What was signed in with the role ends.
    yield* sessions.revokeAll(id)
    return yield* Console.log(`${id} is no longer ${role}, and is signed out.`)
  })
).pipe(Command.withDescription("Take a role from an account, and sign it out"))

const enrol = Command.make(
  "enrol",
  { email, reason },
  Effect.fn("identity.enrol")(function* ({ email, reason }) {
    const audit = yield* AuditLog
    const account = yield* accountOf(email)
    if (Option.isNone(account)) return yield* refuse("There is no such account.")
    const { id } = account.value
    yield* audit.record({ actor, action: "mfa.reset", subject: id, outcome: "allowed", reason })
    yield* (yield* Factors).removeAll(id)
    yield* (yield* Sessions).revokeAll(id)
    return yield* Console.log(`${id} has no second factor any more, and is signed out.\n${yield* offer(id, reason)}`)
  })
).pipe(
  Command.withDescription(
    "Take an account's second factors away, of who lost them for example, and offer to set up a new one"
  )
)

const roles = Command.make(
  "roles",
  { email },
  Effect.fn("identity.roles")(function* ({ email }) {
    const account = yield* accountOf(email)
    return Option.isNone(account)
      ? yield* refuse("There is no such account.")
      : yield* Console.log(
          `${account.value.id} ${account.value.roles.join(" ")}${account.value.vouched || !account.value.roles.some(isStaff) ? "" : "  (staff roles wait for a second factor)"}`
        )
  })
).pipe(Command.withDescription("Print an account's roles; never writes"))

const clientId = Argument.String("id").pipe(Argument.withDescription("The client's id"))

const addClient = Command.make(
  "add",
  {
    id: clientId,
    name: Flag.String("name").pipe(Flag.withDescription("How people know it")),
    scope: Flag.String("scope").pipe(Flag.withDescription("What it may ask for at the most, apart by blanks")),
    role: Flag.Literals("role", Role.literals).pipe(
      Flag.withDescription("What it is when it acts for itself"),
      Flag.withDefault("partner" as const)
    ),
    region,
    redirectUri: Flag.String("redirect-uri").pipe(
      Flag.withDescription(
        "It signs people in, and this is where they are sent back to; without it, it acts for itself"
      ),
      Flag.optional
    ),
    jwksUri: Flag.String("jwks-uri").pipe(
      Flag.withDescription("Where its public keys are: it signs (private_key_jwt) and has no secret"),
      Flag.optional
    )
  },
  Effect.fn("identity.clients.add")(function* ({ id, jwksUri, name, redirectUri, region, role, scope }) {
    const clients = yield* Clients
    const audit = yield* AuditLog
    if (!/^[A-Za-z0-9_-]{1,64}$/.test(id)) return yield* refuse("A client's id has 1 to 64 of A-Z, a-z, 0-9, _ and -.")
    const unknown = scope.split(" ").filter((wanted) => !(wanted in apiScopes))
    if (unknown.length > 0) return yield* refuse(`There is no scope ${unknown.join(", ")}.`)
    const people = Option.isSome(redirectUri)
    const signs = Option.isSome(jwksUri)
    const metadata: ClientMetadata = {
      client_name: name,
      scope: people ? `openid profile email offline_access ${scope}` : scope,
      roles: [role],
      grant_types: people ? ["authorization_code", "refresh_token", "client_credentials"] : ["client_credentials"],
      response_types: people ? ["code"] : [],
      redirect_uris: people ? [redirectUri.value] : [],
      token_endpoint_auth_method: signs ? "private_key_jwt" : "client_secret_basic",
      ...(signs ? { jwks_uri: jwksUri.value, token_endpoint_auth_signing_alg: "ES256" } : {}),
      ...(Option.isSome(region) ? { region: region.value } : {})
    }
    const secret = signs ? undefined : randomBytes(32).toString("base64url")
    yield* audit.record({ actor, action: "client.put", subject: id, outcome: "allowed", details: { role, scope } })
    yield* clients.put(id, metadata, secret)
    return yield* Console.log(
      secret === undefined
        ? `${id} signs with its own key.`
        : `client_id ${id}\nclient_secret ${secret}\nThe secret is shown only now.`
    )
  })
).pipe(Command.withDescription("Register a partner's client, or change it; a new secret replaces the old one"))

const disableClient = Command.make(
  "disable",
  { id: clientId, reason },
  Effect.fn("identity.clients.disable")(function* ({ id, reason }) {
    const clients = yield* Clients
    const audit = yield* AuditLog
    yield* audit.record({ actor, action: "client.disable", subject: id, outcome: "allowed", reason })
    if (!(yield* clients.disable(id))) return yield* refuse(`There is no client ${id}.`)
    yield* endAccessTokens(yield* Revocations, [id])
    return yield* Console.log(`${id} is disabled, and its tokens are refused.`)
  })
).pipe(Command.withDescription("Disable a client"))

const listClients = Command.make(
  "list",
  {},
  Effect.fn("identity.clients.list")(function* () {
    const clients = yield* Clients
    for (const { disabled, grants, id, name } of yield* clients.list)
      yield* Console.log(`${id}  ${name}  ${grants}${disabled ? "  disabled" : ""}`)
  })
).pipe(Command.withDescription("Print all clients; never writes"))

const listKeys = Command.make(
  "list",
  {},
  Effect.fn("identity.keys.list")(function* () {
    const keys = yield* SigningKeys
    for (const { activated_at, created_at, kid, retired_at, state } of yield* keys.list)
      yield* Console.log(
        [state.padEnd(7), kid, `made ${created_at.toISOString()}`]
          .concat(activated_at === null ? [] : [`signs since ${activated_at.toISOString()}`])
          .concat(retired_at === null ? [] : [`retired ${retired_at.toISOString()}`])
          .join("  ")
      )
  })
).pipe(Command.withDescription("Print the signing keys; never writes"))

const rotateKeys = Command.make(
  "rotate",
  { reason },
  Effect.fn("identity.keys.rotate")(function* ({ reason }) {
    const keys = yield* SigningKeys
    const audit = yield* AuditLog
    yield* audit.record({ actor, action: "key.rotate", subject: "signing-key", outcome: "allowed", reason })
    return yield* Console.log(
      `${yield* keys.rotate} signs within seconds; the key before it is shown for two more days.`
    )
  })
).pipe(Command.withDescription("Sign with the next key from now on"))

const StoreLive = Layer.unwrap(
  Effect.map(Config.all({ store: StoreConfig, natsUrl: Config.Redacted("HALLES_NATS_URL") }), ({ natsUrl, store }) =>
    Layer.mergeAll(storeLayer(store), AuditLog.layer).pipe(
      Layer.provideMerge(Revocations.layer),
      Layer.provide([
        Nats.layer({ url: natsUrl, name: "identity-command" }),
        Postgres.layer({ url: store.controlUrl, applicationName: "halles:identity:command", connectionsMax: 2 })
      ]),
      Layer.provide(Logger.layer([]))
    )
  )
)

const identity = Command.make("identity").pipe(
  Command.withDescription("Accounts' roles, clients and signing keys of the running cluster"),
  Command.withSubcommands([
    grant,
    revoke,
    enrol,
    roles,
    Command.make("clients").pipe(
      Command.withDescription("Registered clients"),
      Command.withSubcommands([listClients, addClient, disableClient])
    ),
    Command.make("keys").pipe(Command.withDescription("Signing keys"), Command.withSubcommands([listKeys, rotateKeys]))
  ]),
  Command.provide(StoreLive)
)

Command.run(identity, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
