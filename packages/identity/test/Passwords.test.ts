import { assert, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { Passwords } from "../src/Passwords.ts"

const breached = "harbour-violin-mosaic-7"
const digest = createHash("sha1").update(breached).digest("hex").toUpperCase()

/** A list of breached passwords that answers as Have I Been Pwned does, and remembers what it was asked. */
const breachList = Effect.gen(function* () {
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? "")
    response.end(
      `${"0".repeat(35)}:0\r\n${request.url?.endsWith(digest.slice(0, 5)) ? `${digest.slice(5)}:42` : ""}\r\n`
    )
  })
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const reasonOf = (password: string, about: ReadonlyArray<string> = []) =>
  Effect.flatMap(Passwords, ({ hash }) =>
    Effect.map(Effect.result(hash(password, about)), (result) =>
      result._tag === "Failure" ? result.failure.reason : "it was taken"
    )
  )

it.live("a breached password is refused, and the list sees five digits of its digest", () =>
  Effect.gen(function* () {
    const { asked, url } = yield* breachList
    const layer = Passwords.layer({ breachListUrl: Option.some(url) })
    assert.include(yield* Effect.provide(reasonOf(breached), layer), "breach")
    assert.deepStrictEqual(asked, [`/range/${digest.slice(0, 5)}`])
    assert.strictEqual(yield* Effect.provide(reasonOf("another-quiet-meadow-3"), layer), "it was taken")
  }).pipe(Effect.scoped)
)

it.live("without an answer of the list a password is judged without it", () =>
  Effect.provide(
    Effect.map(reasonOf(breached), (reason) => assert.strictEqual(reason, "it was taken")),
    Passwords.layer({ breachListUrl: Option.some("http://127.0.0.1:1") })
  )
)

it.live("a password that is short, common, or made of what is known of its owner is refused", () =>
  Effect.gen(function* () {
    for (const weak of ["tiny", "password123", "qwertyuiop", "aaaaaaaaaaaaaaaa", "Summer2024!"])
      assert.notStrictEqual(yield* reasonOf(weak), "it was taken", weak)
    assert.notStrictEqual(yield* reasonOf("ada.lovelace", ["ada.lovelace@example.com"]), "it was taken")
    assert.notStrictEqual(yield* reasonOf("x".repeat(129)), "it was taken")
    const { hash, verify } = yield* Passwords
    const stored = yield* hash(breached, [])
    assert.isTrue(yield* verify(stored, breached))
    assert.isFalse(yield* verify(stored, `${breached}!`))
    assert.isFalse(yield* verify(null, "nobody has this password"))
  }).pipe(Effect.provide(Passwords.layer({ breachListUrl: Option.none() })))
)
