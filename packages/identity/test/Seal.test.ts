import { assert, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as fc from "fast-check"
import { Seal } from "../src/oidc/Seal.ts"

const of = (key: string) => Effect.provide(Effect.service(Seal), Seal.layer(Redacted.make(key)))

it.effect("what is sealed opens with the same key for the same purpose, and for nothing else", () =>
  Effect.gen(function* () {
    const [mine, other] = [yield* of("one key"), yield* of("another key")]
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), fc.nat(), (text, purpose, at) => {
        const sealed = mine.seal(purpose, text)
        assert.strictEqual(mine.open(purpose, sealed), text)
        assert.throws(() => mine.open(`${purpose}!`, sealed))
        assert.throws(() => other.open(purpose, sealed))
        const bytes = Buffer.from(sealed, "base64url")
        const place = at % bytes.length
        bytes[place] = (bytes[place] ?? 0) ^ 1
        assert.throws(() => mine.open(purpose, bytes.toString("base64url")))
        assert.notStrictEqual(mine.seal(purpose, text), sealed)
        assert.notStrictEqual(mine.digest(purpose, text), other.digest(purpose, text))
      })
    )
  })
)
