import { assert, it } from "@effect/vitest"
import { hash as argon2 } from "@node-rs/argon2"
import { Effect, Option, Schema } from "effect"
import { createHash } from "node:crypto"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { lengthMax, opaqueString, Passwords } from "../src/accounts/Passwords.ts"

const breached = "harbour-violin-mosaic-7"
const digest = createHash("sha1").update(breached).digest("hex").toUpperCase()

/** A list of breached passwords that answers as Have I Been Pwned does, and remembers what it was asked. */
const breachList = Effect.gen(function* () {
  const requests: Array<string> = []
  const server = createServer((request, response) => {
    requests.push(request.url ?? "")
    response.end(
      `${"0".repeat(35)}:0\r\n${request.url?.endsWith(digest.slice(0, 5)) ? `${digest.slice(5)}:42` : ""}\r\n`
    )
  })
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close()))
  return { requests, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
})

const reasonOf = (password: string, about: ReadonlyArray<string> = []) =>
  Effect.flatMap(Passwords, ({ hash }) =>
    Effect.map(Effect.result(hash(password, about)), (result) =>
      result._tag === "Failure" ? result.failure.reason : "it was taken"
    )
  )

it.live("a breached password is refused, and the list sees five digits of its digest", () =>
  Effect.gen(function* () {
    const { requests, url } = yield* breachList
    const layer = Passwords.layer({ breachListUrl: Option.some(url) })
    assert.include(yield* Effect.provide(reasonOf(breached), layer), "breach")
    assert.deepStrictEqual(requests, [`/range/${digest.slice(0, 5)}`])
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
    assert.deepStrictEqual(yield* verify(stored, breached), { right: true, renewed: undefined })
    assert.isFalse((yield* verify(stored, `${breached}!`)).right)
    assert.isFalse((yield* verify(null, "nobody has this password")).right)
  }).pipe(Effect.provide(Passwords.layer({ breachListUrl: Option.none() })))
)

const forms = ["NFC", "NFD"] as const
/** As keyboards and programs make them: accents composed or not, and blanks of every kind. */
const blanks = ["\u{20}", "\u{a0}", "\u{1680}", "\u{2000}", "\u{2009}", "\u{202f}", "\u{205f}", "\u{3000}"]

it.prop(
  "a password is the same however its accents and blanks were typed, and nothing else of it changes",
  [Schema.String],
  ([text]) => {
    const password = opaqueString(text)
    assert.strictEqual(opaqueString(password), password)
    for (const form of forms) assert.strictEqual(opaqueString(text.normalize(form)), password)
    for (const blank of blanks) assert.strictEqual(opaqueString(`${blank}${text}${blank}`), opaqueString(` ${text} `))
    const plain = text.replaceAll(/[^!-~]/g, "")
    assert.strictEqual(opaqueString(` ${plain} `), ` ${plain} `)
  }
)

it("keeps case, width, compatibility forms and what cannot be seen apart", () => {
  for (const [one, two] of [
    ["Ab", "ab"],
    ["\u{ff21}", "A"],
    ["\u{fb01}", "fi"],
    ["a\u{200b}", "a"],
    [" a", "a"]
  ] as const)
    assert.notStrictEqual(opaqueString(one), opaqueString(two))
})

it.live("a password that was kept as it was typed is still right, and is kept anew as it is compared", () =>
  Effect.gen(function* () {
    const { hash, verify } = yield* Passwords
    const typed = "Gro\u{308}\u{df}e\u{3000}Fjord".normalize("NFD")
    const old = yield* Effect.promise(() => argon2(typed))
    const { renewed = "", right } = yield* verify(old, typed)
    assert.isTrue(right)
    for (const form of forms)
      assert.deepStrictEqual(yield* verify(renewed, typed.normalize(form)), { right: true, renewed: undefined })
    assert.isFalse((yield* verify(old, `${typed}!`)).right)
    const stored = yield* hash(`${typed} e\u{301}t`, [])
    assert.isTrue((yield* verify(stored, `${typed.normalize("NFC")} \u{e9}t`)).right)
  }).pipe(Effect.provide(Passwords.layer({ breachListUrl: Option.none() })))
)

it.live("limits of length count characters as they are compared, and nothing is cut off", () =>
  Effect.gen(function* () {
    const { verify } = yield* Passwords
    const words = "violet kettle orbit meadow "
    const longest = words.repeat(9).slice(0, lengthMax - 4)
    assert.strictEqual(yield* reasonOf(`${longest}${"e\u{301}".repeat(4)}`), "it was taken")
    assert.strictEqual(yield* reasonOf(`${longest}${"\u{1f511}".repeat(4)}`), "it was taken")
    assert.include(yield* reasonOf(`${longest}${"e\u{301}".repeat(5)}`), "at most")
    assert.include(yield* reasonOf("e\u{301}".repeat(9)), "at least")
    assert.include(yield* reasonOf("violet-kettle\u{0}orbit-9"), "can be seen")
    const full = yield* Effect.promise(() => argon2("k".repeat(lengthMax)))
    assert.isTrue((yield* verify(full, "k".repeat(lengthMax))).right)
    assert.isFalse((yield* verify(full, "k".repeat(lengthMax + 1))).right)
  }).pipe(Effect.provide(Passwords.layer({ breachListUrl: Option.none() })))
)

it.live("the list of breached passwords is asked for the password as it is compared", () =>
  Effect.gen(function* () {
    const { requests, url } = yield* breachList
    const layer = Passwords.layer({ breachListUrl: Option.some(url) })
    for (const form of forms) yield* Effect.provide(reasonOf("M\u{fc}hle-violet-kettle-9".normalize(form)), layer)
    assert.strictEqual(new Set(requests).size, 1)
  }).pipe(Effect.scoped)
)
