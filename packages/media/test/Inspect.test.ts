import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema } from "effect"
import { join } from "node:path"
import sharp from "sharp"
import { inspect } from "../src/Inspect.ts"
import { normalise } from "../src/Normalise.ts"
import { bomb, corners, directory, orientations, photo, picture, upright, written } from "./Samples.ts"

const reasonOf = (path: string) =>
  Effect.map(Effect.result(inspect(path)), (found) => (Result.isFailure(found) ? found.failure.reason : "kept"))

/** All that is done to a picture that is kept. */
const kept = Effect.fnUntraced(function* (path: string) {
  const { picture, type } = yield* inspect(path)
  if (picture === null) return yield* Effect.die(`${type} is no picture`)
  yield* normalise(path, `${path}.kept`, type, picture)
  return `${path}.kept`
})

const Changes = Schema.Array(
  Schema.Struct({
    place: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_000 })),
    value: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
  })
).check(Schema.isMaxLength(12))

describe("Inspect", () => {
  it.effect("a file is what its bytes say, not what its name says", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const png = yield* Effect.promise(() => picture().png().toBuffer())
      assert.strictEqual((yield* inspect(written(join(at, "a.jpg"), png))).type, "image/png")
      const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
      const pdf = Buffer.from("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n%%EOF\n", "latin1")
      assert.strictEqual((yield* inspect(written(join(at, "b"), pdf))).type, "application/pdf")
      assert.strictEqual(yield* reasonOf(written(join(at, "c.png"), svg)), "type")
      assert.strictEqual(yield* reasonOf(written(join(at, "d.png"), Buffer.from("MZ\x90\0"))), "type")
      assert.strictEqual(yield* reasonOf(written(join(at, "e.png"), Buffer.alloc(0))), "empty")
    })
  )

  it.effect("a picture that is too large is refused by its head: the rest is not even there", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const refused = (width: number, height: number) => reasonOf(written(join(at, "bomb"), bomb(width, height, 1)))
      assert.strictEqual(yield* refused(30_000, 30_000), "pixels")
      assert.strictEqual(yield* refused(30_000, 1), "pixels")
      assert.strictEqual(yield* refused(20_000, 20_000), "pixels")
      assert.strictEqual(yield* refused(10_000, 10_000), "kept")
      const frames = yield* Effect.promise(() =>
        sharp(Buffer.from(Array.from({ length: 501 }, (_, at) => 255 * (at % 2))), {
          raw: { width: 1, height: 501, channels: 1, pageHeight: 1 }
        })
          .gif({ loop: 0 })
          .toBuffer()
      )
      assert.strictEqual(yield* reasonOf(written(join(at, "frames"), frames)), "frames")
    })
  )

  it.effect("is upright, in its colours, and tells nothing of where it was taken", () =>
    Effect.gen(function* () {
      const at = yield* directory
      for (const orientation of orientations) {
        const sent = yield* Effect.promise(() => photo(orientation))
        const before = yield* Effect.promise(() => sharp(sent).metadata())
        assert.strictEqual(before.orientation, orientation)
        const path = yield* kept(written(join(at, `${orientation}.jpg`), sent))
        const after = yield* Effect.promise(() => sharp(path).metadata())
        assert.deepInclude(after, { ...upright, format: "jpeg" }, `orientation ${orientation}`)
        assert.deepStrictEqual(
          [after.orientation, after.exif, after.xmp, after.iptc],
          [undefined, undefined, undefined, undefined]
        )
        assert.deepStrictEqual(after.icc, before.icc)
        // Without the profile, the numbers of the pixels are those that were put in.
        const raw = yield* Effect.promise(() =>
          sharp(path, { ignoreIcc: true }).raw().toBuffer({ resolveWithObject: true })
        )
        const places = [
          [5, 5],
          [54, 5],
          [5, 34],
          [54, 34]
        ] as const
        for (const [corner, [x, y]] of places.entries()) {
          const pixel = [...raw.data.subarray(3 * (y * upright.width + x)).subarray(0, 3)]
          const expected = yield* Effect.promise(() => inP3(corners[corner]!))
          const off = Math.max(...pixel.map((value, channel) => Math.abs(value - expected[channel]!)))
          assert.isAtMost(off, 12, `orientation ${orientation}, corner ${corner}: ${pixel.join()}`)
        }
      }
    })
  )

  it.effect("a picture that ends early is broken", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const whole = yield* Effect.promise(() => photo(6))
      const cut = whole.subarray(0, whole.length - 400)
      const result = yield* Effect.result(kept(written(join(at, "cut.jpg"), cut)))
      assert.strictEqual(Result.isFailure(result) ? result.failure.reason : "kept", "broken")
    })
  )

  it.effect.prop(
    "whatever stands in the file is kept or refused with a reason, and breaks nothing",
    [Changes],
    ([changes]) =>
      Effect.scoped(
        Effect.gen(function* () {
          const at = yield* directory
          const bytes = Buffer.from(yield* Effect.promise(() => photo(1)))
          for (const { place, value } of changes) bytes[place % bytes.length] = value
          const result = yield* Effect.result(kept(written(join(at, "changed"), bytes)))
          if (Result.isSuccess(result)) {
            const found = yield* Effect.promise(() => sharp(result.success).metadata())
            assert.strictEqual(found.exif, undefined)
          } else assert.include(["type", "broken", "pixels"], result.failure.reason)
        })
      ),
    { arbitrary: { runs: 60 } }
  )
})

/** What the colour is among those of the profile that the samples have. */
const inP3 = async (colour: readonly [number, number, number]): Promise<ReadonlyArray<number>> => {
  const made = await sharp(Buffer.from(colour), { raw: { width: 1, height: 1, channels: 3 } })
    .withIccProfile("p3")
    .png()
    .toBuffer()
  return [...(await sharp(made, { ignoreIcc: true }).raw().toBuffer())]
}
