import { Context, Effect, Layer } from "effect"
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from "jose"
import { createServer, type Server } from "node:http"

interface Signing {
  readonly header?: Partial<JWTHeaderParameters>
  /** Another key than the one that is published. */
  readonly forged?: boolean
  /** Seconds from now. */
  readonly issuedAt?: number
  readonly lifetime?: number
}

const pair = () => Effect.promise(() => generateKeyPair("ES256", { extractable: true }))

/** An issuer whose keys can be fetched, replaced, and be away. */
export class Issuer extends Context.Service<
  Issuer,
  {
    readonly url: string
    /** An access token as RFC 9068 has it, with these claims over the usual ones. */
    readonly sign: (claims: Readonly<Record<string, unknown>>, how?: Signing) => Effect.Effect<string>
    /** A new key, under this id; the old one is published no more. */
    readonly rotate: (kid: string) => Effect.Effect<void>
    readonly away: (away: boolean) => void
    /** How often its keys were asked for. */
    readonly asked: () => number
  }
>()("@halles/http/test/Issuer") {
  static readonly layer = Layer.effect(
    Issuer,
    Effect.gen(function* () {
      let kid = "one"
      let keys = yield* pair()
      const forger = yield* pair()
      let away = false
      let asked = 0
      const server = yield* Effect.acquireRelease(
        Effect.callback<Server>((resume) => {
          const made = createServer((_, response) => {
            asked += 1
            if (away) response.destroy()
            else
              void exportJWK(keys.publicKey).then((key) =>
                response
                  .writeHead(200, { "content-type": "application/json" })
                  .end(JSON.stringify({ keys: [{ ...key, kid, alg: "ES256", use: "sig" }] }))
              )
          })
          made.listen(0, "127.0.0.1", () => resume(Effect.succeed(made)))
        }),
        (made) => Effect.sync(() => made.close())
      )
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
      return {
        url,
        sign: (claims, { forged = false, header, issuedAt = 0, lifetime = 600 } = {}) =>
          Effect.promise(() => {
            const now = Math.floor(Date.now() / 1_000) + issuedAt
            return new SignJWT({
              iss: url,
              aud: "halles",
              sub: "account-1",
              client_id: "halles-shop",
              scope: "",
              roles: [],
              jti: crypto.randomUUID(),
              iat: now,
              exp: now + lifetime,
              ...claims
            })
              .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid, ...header })
              .sign(forged ? forger.privateKey : keys.privateKey)
          }),
        rotate: (next) =>
          Effect.map(pair(), (made) => {
            kid = next
            keys = made
          }),
        away: (next) => {
          away = next
        },
        asked: () => asked
      }
    })
  )
}
