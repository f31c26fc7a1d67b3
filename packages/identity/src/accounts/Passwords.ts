import { hash, verify } from "@node-rs/argon2"
import { Context, Effect, Layer, Option, Schema, Semaphore } from "effect"
import { createHash } from "node:crypto"

/** Characters of a password as it is compared; longer ones cost time and add nothing. */
export const lengthMin = 10
export const lengthMax = 128
/** Of zxcvbn's 0 to 4: safe against an offline attack on a slow hash from here. */
const scoreMin = 3
/** Argon2id by OWASP's recommendation: 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Hashes at a time: each takes a core and 19 MiB; the next ones wait in line, and throttling keeps the line short. */
const hashesMax = 2
/** How long the list of breached passwords may take; without an answer the password is judged without it. */
const breachTimeoutMs = 1_500

/** Why a new password is not taken, in words for its owner. */
export class PasswordRefused extends Schema.TaggedError<PasswordRefused>()("PasswordRefused", {
  reason: Schema.String
}) {}

/** What a password was found to be; `renewed` is the hash to keep, where the stored one is of how it was typed once. */
export interface Verified {
  readonly right: boolean
  readonly renewed: string | undefined
}

/**
 * Loads the check whether a password is easy to guess, also from the given words. Its dictionaries are large, so they are loaded
 * when the first password is chosen.
 */
const loadWeaknessCheck = Effect.promise(async () => {
  const { ZxcvbnFactory } = await import("@zxcvbn-ts/core")
  const { adjacencyGraphs, dictionary } = await import("@zxcvbn-ts/language-common")
  const common = new Set(dictionary["passwords-common"])
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs })
  return (password: string, words: Array<string>): boolean =>
    common.has(password.toLowerCase()) || zxcvbn.check(password, words).score < scoreMin
})

/**
 * A password as it is compared, by the profile OpaqueString (RFC 8265, 4.2): whatever a keyboard makes of an accent or of a
 * blank, it is one password. Nothing else is changed: no case, no width, no blanks at the ends.
 */
export const opaqueString = (typed: string): string => typed.replaceAll(/\p{Zs}/gu, " ").normalize("NFC")

const lengthOf = (password: string): number => [...password].length

export class Passwords extends Context.Service<
  Passwords,
  {
    /** The hash of a password that is good enough; `about` are words that it must not be made of, such as the e-mail address. */
    readonly hash: (password: string, about: ReadonlyArray<string>) => Effect.Effect<string, PasswordRefused>
    /** Takes as long without a hash as with one, and is wrong then. */
    readonly verify: (stored: string | null, password: string) => Effect.Effect<Verified>
  }
>()("@halles/identity/Passwords") {
  /** `breachListUrl` answers `GET /range/{first five hex digits of SHA-1}` as Have I Been Pwned does; the password never leaves. */
  static readonly layer = (options: { readonly breachListUrl: Option.Option<string> }) =>
    Layer.effect(
      Passwords,
      Effect.gen(function* () {
        const weaknessCheck = yield* Effect.cached(loadWeaknessCheck)
        const line = yield* Semaphore.make(hashesMax)
        const nobody = yield* Effect.promise(() => hash("nobody has this password", cost))
        const breached = Option.match(options.breachListUrl, {
          onNone: () => () => Effect.succeed(false),
          onSome: (url) => (password: string) => inBreachList(url, password)
        })
        return {
          hash: Effect.fn("Passwords.hash")(function* (typed, about) {
            const password = opaqueString(typed)
            if (lengthOf(password) < lengthMin)
              return yield* new PasswordRefused({ reason: `Take at least ${lengthMin} characters.` })
            if (lengthOf(password) > lengthMax)
              return yield* new PasswordRefused({ reason: `Take at most ${lengthMax} characters.` })
            if (/\p{Cc}/u.test(password))
              return yield* new PasswordRefused({ reason: "Take only characters that can be seen, and blanks." })
            const words = about
              .map(opaqueString)
              .flatMap((text) => [text, ...text.split(/[^\p{L}\p{N}]+/u)])
              .filter((word) => word.length > 2)
            const isWeak = yield* weaknessCheck
            if (isWeak(password, words))
              return yield* new PasswordRefused({
                reason: "That is easy to guess. Three or four words that do not belong together are hard to guess."
              })
            if (yield* breached(password))
              return yield* new PasswordRefused({
                reason: "That password is known from a breach elsewhere. Take another one."
              })
            return yield* line.withPermits(1)(Effect.promise(() => hash(password, cost)))
          }),
          verify: (stored, typed) =>
            line.withPermits(1)(
              Effect.promise(async () => {
                const against = stored ?? nobody
                const password = opaqueString(typed)
                if (lengthOf(password) > lengthMax) return wrong
                if (await verify(against, password))
                  return stored === null ? wrong : { right: true, renewed: undefined }
                // A hash of before, of what was typed then.
                const old = password !== typed && (await verify(against, typed))
                return old && stored !== null ? { right: true, renewed: await hash(password, cost) } : wrong
              })
            )
        }
      })
    )
}

const wrong: Verified = { right: false, renewed: undefined }

const inBreachList = (url: string, password: string): Effect.Effect<boolean> => {
  const digest = createHash("sha1").update(password).digest("hex").toUpperCase()
  return Effect.tryPromise(async () => {
    const response = await fetch(`${url.replace(/\/$/, "")}/range/${digest.slice(0, 5)}`, {
      headers: { "add-padding": "true" },
      signal: AbortSignal.timeout(breachTimeoutMs)
    })
    if (!response.ok) throw new Error(`the breach list answers ${response.status}`)
    // Padding has a count of 0.
    return (await response.text()).split("\n").some((line) => line.startsWith(digest.slice(5)) && !/:0\s*$/.test(line))
  }).pipe(
    Effect.catch((error) =>
      Effect.as(Effect.logWarning("the breach list was not asked", { cause: String(error.cause) }), false)
    )
  )
}
