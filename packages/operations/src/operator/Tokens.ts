import { twoFactors } from "@halles/shared/security/Authority"
import { Config, Effect, Option, Redacted, Schema } from "effect"
import { FileSystem } from "effect"
import * as oidc from "openid-client"

/** The command line as a client of the issuer: it has no secret, and people let it in with a code (RFC 8628). */
const clientId = "halles-cli"
const scope = "openid offline_access ops:read ops:write audit:read"
const timeoutSeconds = 5
/** A token is fetched anew so long before it expires. */
const earlyMs = 30_000

/** Nobody is signed in here, or the issuer lets nobody in. */
export class NotSignedIn extends Schema.TaggedError<NotSignedIn>()("NotSignedIn", { reason: Schema.String }) {
  override get message() {
    return `${this.reason}; sign in with: halles login`
  }
}

/** Signed out here, while the issuer does not know: tokens that were copied before work on. */
export class NotEnded extends Schema.TaggedError<NotEnded>()("NotEnded", { issuer: Schema.String }) {
  override get message() {
    return `nobody is signed in here any more, but ${this.issuer} did not answer; end the session at ${this.issuer}/account`
  }
}

const Kept = Schema.fromJsonString(
  Schema.Struct({
    issuer: Schema.String,
    accessToken: Schema.String,
    refreshToken: Schema.String,
    expiresAt: Schema.Int
  })
)
type Kept = typeof Kept.Type

/** Where to sign in, where the tokens of who did are kept, and the token of our own tools on a laptop. */
export const TokenConfig = Config.all({
  issuer: Config.option(Config.NonEmptyString("HALLES_ISSUER_URL")),
  file: Config.option(Config.NonEmptyString("HALLES_OPERATOR_FILE")),
  given: Config.option(Config.Redacted("HALLES_TOKEN")),
  admin: Config.option(Config.Redacted("HALLES_ADMIN_TOKEN"))
})

const configuration = (issuer: string) =>
  Effect.tryPromise({
    try: () =>
      oidc.discovery(new URL(issuer), clientId, undefined, oidc.None(), {
        timeout: timeoutSeconds,
        ...(issuer.startsWith("http:") ? { execute: [oidc.allowInsecureRequests] } : {})
      }),
    catch: () => new NotSignedIn({ reason: `${issuer} does not answer` })
  })

const keep = Effect.fnUntraced(function* (file: string, kept: Kept) {
  const files = yield* FileSystem.FileSystem
  const text = yield* Effect.orDie(Schema.encodeEffect(Kept)(kept))
  // A new file in its place: nobody reads half of one, and it is ours alone whatever the old one was.
  const fresh = `${file}.${process.pid}`
  yield* Effect.orDie(
    Effect.andThen(files.writeFileString(fresh, text, { mode: 0o600, flag: "wx" }), files.rename(fresh, file))
  )
})

const keptOf = (issuer: string, answer: oidc.TokenEndpointResponse, before?: string): Kept => ({
  issuer,
  accessToken: answer.access_token,
  refreshToken: answer.refresh_token ?? before ?? "",
  expiresAt: Date.now() + (answer.expires_in ?? 0) * 1_000
})

/** Asks the issuer for a code, tells it, and waits until somebody has typed it. */
export const login = (tell: (text: string) => Effect.Effect<void>) =>
  Effect.gen(function* () {
    const { file, issuer } = yield* TokenConfig
    if (Option.isNone(issuer) || Option.isNone(file))
      return yield* new NotSignedIn({ reason: "there is no issuer here" })
    const config = yield* configuration(issuer.value)
    const refused = (cause: unknown) => new NotSignedIn({ reason: cause instanceof Error ? cause.message : "refused" })
    const begun = yield* Effect.tryPromise({
      try: () => oidc.initiateDeviceAuthorization(config, { scope, acr_values: twoFactors }),
      catch: refused
    })
    yield* tell(`Open ${begun.verification_uri} and type ${begun.user_code}`)
    const answer = yield* Effect.tryPromise({
      try: (signal) => oidc.pollDeviceAuthorizationGrant(config, begun, undefined, { signal }),
      catch: refused
    })
    yield* keep(file.value, keptOf(issuer.value, answer))
  })

const keptIn = Effect.fnUntraced(function* (file: string) {
  const files = yield* FileSystem.FileSystem
  return Schema.decodeUnknownOption(Kept)(yield* Effect.catch(files.readFileString(file), () => Effect.succeed("")))
})

/** Forgets who signed in here, and has the issuer end it: a copy of the file is worth nothing then. */
export const logout = Effect.gen(function* () {
  const { file } = yield* TokenConfig
  if (Option.isNone(file)) return
  const kept = yield* keptIn(file.value)
  yield* Effect.ignore((yield* FileSystem.FileSystem).remove(file.value))
  if (Option.isNone(kept)) return
  const { issuer, refreshToken } = kept.value
  const notEnded = () => new NotEnded({ issuer })
  const config = yield* Effect.mapError(configuration(issuer), notEnded)
  yield* Effect.tryPromise({ try: () => oidc.tokenRevocation(config, refreshToken), catch: notEnded })
})

const renewed = Effect.fnUntraced(function* (file: string, kept: Kept) {
  const config = yield* configuration(kept.issuer)
  const answer = yield* Effect.tryPromise({
    try: () => oidc.refreshTokenGrant(config, kept.refreshToken),
    catch: () => new NotSignedIn({ reason: "the sign-in of before has ended" })
  })
  const next = keptOf(kept.issuer, answer, kept.refreshToken)
  yield* keep(file, next)
  return next
})

/** The token that a request carries: the one in `HALLES_TOKEN`, else of who signed in here, else that of our own tools. */
export const token = Effect.gen(function* () {
  const { admin, file, given } = yield* TokenConfig
  if (Option.isSome(given)) return given.value
  const kept = Option.isSome(file) ? yield* keptIn(file.value) : Option.none<Kept>()
  if (Option.isSome(file) && Option.isSome(kept)) {
    const fresh = kept.value.expiresAt - earlyMs > Date.now() ? kept.value : yield* renewed(file.value, kept.value)
    return Redacted.make(fresh.accessToken)
  }
  return Option.isSome(admin) ? admin.value : yield* new NotSignedIn({ reason: "nobody is signed in" })
})
