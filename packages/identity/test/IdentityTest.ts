import * as HttpListener from "@halles/shared/listener/HttpListener"
import { AuditLog } from "@halles/shared/audit/AuditLog"
import type { Act } from "@halles/shared/audit/AuditEntry"
import { Revocations } from "@halles/shared/security/Revocations"
import { PgTest } from "@halles/shared/testing/PgTest"
import { Context, Effect, Layer, Logger, Option, Redacted } from "effect"
import { HttpRouter } from "effect/http"
import { SqlClient } from "effect/sql"
import { createServer } from "node:http"
import { type AddressInfo, createServer as createSocket } from "node:net"
import * as oidc from "openid-client"
import { generate, generateSecret } from "otplib"
import { SMTPServer } from "smtp-server"
import type { Role } from "@halles/shared/security/Authority"
import type { Region } from "@halles/shared/Region"
import { Accounts } from "../src/accounts/Accounts.ts"
import { Clients } from "../src/oidc/Clients.ts"
import type { DemoCredentials } from "../src/accounts/DemoAccounts.ts"
import { putFirstPartyClients } from "../src/oidc/FirstPartyClients.ts"
import { AuthorizationServer } from "../src/oidc/AuthorizationServer.ts"
import { Enrolments } from "../src/factors/Enrolments.ts"
import { Factors } from "../src/factors/Factors.ts"
import { coreLayer, identityLayer } from "../src/Identity.ts"
import { Mail } from "../src/pages/Mail.ts"
import { migrateIdentity } from "../src/Migrations.ts"
import { Passwords } from "../src/accounts/Passwords.ts"
import { Seal } from "../src/oidc/Seal.ts"
import type { SigningKeys } from "../src/oidc/SigningKeys.ts"
import type { SsoOptions } from "../src/signin/Sso.ts"
import { Throttle } from "../src/signin/Throttle.ts"
import { Browser } from "../src/testing/Browser.ts"

export const password = "violet-kettle-orbit-9"
const freePort = Effect.callback<number>((resume) => {
  const server = createSocket()
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** The application that signs people in: a browser that is sent back to it arrives. */
const application = Effect.gen(function* () {
  const server = createServer((_request, response) => void response.end("signed in"))
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      server.close(() => resume(Effect.void))
      server.closeAllConnections()
    })
  )
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/callback`
})

/** A real mail server that keeps what it gets. */
const postbox = Effect.gen(function* () {
  const messages: Array<string> = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onData: (stream, _session, done) => {
      let text = ""
      stream.setEncoding("utf8")
      stream.on("data", (chunk: string) => (text += chunk))
      stream.on("end", () => {
        // Quoted-printable: soft line breaks and encoded signs.
        messages.push(
          text
            .replaceAll(/=\r\n/g, "")
            .replaceAll(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(Number(`0x${hex}`)))
        )
        done()
      })
    }
  })
  const port = yield* Effect.callback<number>((resume) => {
    const net = server.listen(0, "127.0.0.1", () => resume(Effect.succeed((net.address() as AddressInfo).port)))
  })
  yield* Effect.addFinalizer(() => Effect.callback<void>((resume) => server.close(() => resume(Effect.void))))
  return { messages, url: `smtp://127.0.0.1:${port}` }
})

type Services = Accounts | Clients | Enrolments | Factors | Revocations | SigningKeys | SqlClient.SqlClient | Throttle

export interface Signed {
  readonly browser: Browser
  readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers
  /** Sends the same code again. */
  readonly again: () => Promise<unknown>
}

/** The whole identity process on real Postgres and SMTP, and a client that is not ours. */
export class IdentityTest extends Context.Service<
  IdentityTest,
  {
    readonly issuer: string
    /** Where the application listens for people who signed in. */
    readonly callback: string
    readonly audit: ReadonlyArray<Act>
    /** The newest mail to an address that came since it was asked for, with a text in it if that matters. */
    readonly mailTo: (address: string, after: number, holding?: string) => Promise<string>
    readonly mails: () => number
    readonly client: (id: string, auth?: oidc.ClientAuth) => Promise<oidc.Configuration>
    /** An account that is there without registering. */
    readonly account: (email: string) => Promise<string>
    /** Sends a browser through the authorization endpoint; `pages` fills in what it is shown. */
    readonly signIn: (
      pages: (browser: Browser) => Promise<unknown>,
      options?: {
        readonly scope?: string
        readonly client?: string
        readonly auth?: oidc.ClientAuth
        readonly browser?: Browser
        readonly prompt?: string
        readonly acrValues?: string
      }
    ) => Promise<Signed>
    /** Reads the signing keys now, not within seconds. */
    readonly refresh: () => Promise<void>
    readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>
  }
>()("@halles/identity/test/IdentityTest") {
  static readonly layer = (sso: Option.Option<SsoOptions> = Option.none()) =>
    Layer.unwrap(
      Effect.gen(function* () {
        const port = yield* freePort
        const issuer = `http://localhost:${port}`
        const key = Redacted.make("a key of tests")
        const entries: Array<Act> = []
        const box = yield* postbox
        const callback = yield* application
        const options = { issuer, key, sso, breachListUrl: Option.none<string>(), demo: Option.none<DemoCredentials>() }
        const served = HttpRouter.serve(identityLayer(options), { disableLogger: true, disableListenLog: true }).pipe(
          Layer.provide(HttpListener.layer({ host: "127.0.0.1", port }))
        )
        const prepared = Layer.effectDiscard(
          Effect.andThen(migrateIdentity, putFirstPartyClients({ issuer, shop: [callback], ops: [callback] }))
        )
        const test = Layer.effect(
          IdentityTest,
          Effect.gen(function* () {
            const context = yield* Effect.context<Services>()
            const accounts = yield* Accounts
            const passwords = yield* Passwords
            const server = yield* AuthorizationServer
            const run = Effect.runPromiseWith(context)
            const client = (id: string, auth: oidc.ClientAuth = oidc.None()) =>
              oidc.discovery(new URL(issuer), id, { id_token_signed_response_alg: "ES256" }, auth, {
                execute: [oidc.allowInsecureRequests]
              })
            return IdentityTest.of({
              issuer,
              callback,
              audit: entries,
              run,
              refresh: () => run(server.refresh),
              client,
              mails: () => box.messages.length,
              mailTo: async (address: string, after: number, holding = "") => {
                for (let tries = 0; tries < 200; tries++) {
                  const found = box.messages
                    .slice(after)
                    .findLast((text) => text.includes(`To: ${address}`) && text.includes(holding))
                  if (found !== undefined) return found
                  await new Promise((resolve) => setTimeout(resolve, 10))
                }
                throw new Error(`no mail to ${address}`)
              },
              account: (email: string) =>
                run(
                  Effect.gen(function* () {
                    const passwordHash = yield* passwords.hash(password, [])
                    const made = yield* accounts.create({ email, name: "Ada", passwordHash, region: "eu" })
                    return Option.getOrThrow(made).id
                  })
                ),
              signIn: async (pages, options = {}) => {
                const browser = options.browser ?? new Browser()
                const config = await client(options.client ?? "halles-shop", options.auth)
                const pkceCodeVerifier = oidc.randomPKCECodeVerifier()
                const expectedState = oidc.randomState()
                const expectedNonce = oidc.randomNonce()
                const url = oidc.buildAuthorizationUrl(config, {
                  redirect_uri: callback,
                  scope: options.scope ?? "openid profile email orders:read carts:write",
                  code_challenge: await oidc.calculatePKCECodeChallenge(pkceCodeVerifier),
                  code_challenge_method: "S256",
                  state: expectedState,
                  nonce: expectedNonce,
                  ...(options.prompt === undefined ? {} : { prompt: options.prompt }),
                  ...(options.acrValues === undefined ? {} : { acr_values: options.acrValues })
                })
                await browser.open(url.href)
                if (browser.left === null) await pages(browser)
                if (browser.left === null)
                  throw new Error(`stayed at ${browser.url} (${browser.status}): ${browser.text}`)
                const { left } = browser
                const redeem = () =>
                  oidc.authorizationCodeGrant(config, left, { pkceCodeVerifier, expectedState, expectedNonce })
                return { browser, tokens: await redeem(), again: redeem }
              }
            })
          })
        )
        return test.pipe(
          Layer.provide(served),
          Layer.provideMerge(coreLayer(options)),
          Layer.provideMerge(Throttle.layerMemory.pipe(Layer.provide(Seal.layer(key)))),
          Layer.provide([
            Mail.layer({ smtpUrl: Redacted.make(box.url), from: "Halles <no-reply@halles.test>" }),
            AuditLog.layerMemory(entries),
            Revocations.layerMemory
          ]),
          Layer.provide(prepared.pipe(Layer.provide(Clients.layer), Layer.provide(Seal.layer(key)))),
          Layer.provideMerge(PgTest.layer("identity")),
          Layer.provide(Logger.layer([]))
        )
      })
    )
}

/** Fills in the sign-in page. */
export const withPassword =
  (email: string, given = password) =>
  (browser: Browser): Promise<Browser> =>
    browser.submit("/password", { email, password: given })

/** An account with a role and the second factor for it, and how its owner fills in both pages, any number of times. */
export const staff = async (
  identity: IdentityTest["Service"],
  email: string,
  role: Role,
  region: Region | null = null
) => {
  const id = await identity.account(email)
  const secret = generateSecret()
  const by = { actor: "test", reason: "a test", region }
  await identity.run(Effect.flatMap(Accounts, ({ grantRole }) => grantRole(id, role, by)))
  const adopt = Effect.flatMap(Factors, (factors) => Effect.andThen(factors.adopt(id, secret), factors.vouch(id)))
  await identity.run(adopt)
  const pages = async (browser: Browser): Promise<Browser> => {
    await withPassword(email)(browser)
    // A code counts once: the secret is as if it were new.
    await identity.run(adopt)
    return browser.submit("/second", { code: await generate({ secret }) })
  }
  return { id, secret, pages }
}
