import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { join } from "node:path"
import { isWhole } from "../src/Whole.ts"
import { directory, written } from "./Samples.ts"

const box = (type: string, bytes: number): Buffer => {
  const made = Buffer.alloc(8 + bytes)
  made.writeUInt32BE(made.length)
  made.write(type, 4, "latin1")
  return made
}
/** With its size in eight bytes. */
const largeBox = (type: string, bytes: number, said = 16 + bytes): Buffer => {
  const made = Buffer.alloc(16 + bytes)
  made.writeUInt32BE(1)
  made.write(type, 4, "latin1")
  made.writeBigUInt64BE(BigInt(said), 8)
  return made
}
const ebml = Buffer.from("1a45dfa38442828177", "hex")
const segment = (size: string, bytes: number) =>
  Buffer.concat([Buffer.from(`18538067${size}`, "hex"), Buffer.alloc(bytes)])

const Boxes = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))).check(
  Schema.isMaxLength(20)
)
const Cut = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5_000 }))

describe("Whole", () => {
  it.effect.prop(
    "an MP4 file is whole up to the end of a box behind which it has its movie, and nowhere else",
    { before: Boxes, after: Boxes, cut: Cut },
    ({ after, before, cut }) =>
      Effect.gen(function* () {
        const at = yield* directory
        const boxes = [box("ftyp", 16), ...before.map((bytes) => box("free", bytes)), largeBox("moov", 40)]
        const movieEnd = Buffer.concat(boxes).length
        boxes.push(...after.map((bytes) => box("mdat", bytes)))
        const file = Buffer.concat(boxes)
        const ends = new Set([file.length])
        for (let end = 0, index = 0; index < boxes.length; index++) {
          end += boxes[index]!.length
          if (end >= movieEnd) ends.add(end)
        }
        const end = Math.min(cut, file.length)
        const path = written(join(at, "a.mp4"), file.subarray(0, end))
        assert.strictEqual(yield* isWhole(path, "video/mp4", end), ends.has(end))
      })
  )

  it.effect("what a file says of its own length is believed only up to its end", () =>
    Effect.gen(function* () {
      const at = yield* directory
      const whole = (type: Parameters<typeof isWhole>[1], ...parts: ReadonlyArray<Uint8Array>) => {
        const file = Buffer.concat(parts)
        return isWhole(written(join(at, "file"), file), type, file.length)
      }
      assert.isFalse(yield* whole("video/mp4", box("ftyp", 16), largeBox("moov", 8, 2 ** 52)))
      assert.isFalse(yield* whole("video/mp4", box("ftyp", 16), largeBox("moov", 8, 0)))
      const toTheEnd = box("mdat", 500)
      toTheEnd.writeUInt32BE(0)
      assert.isTrue(yield* whole("video/mp4", box("ftyp", 16), box("moov", 8), toTheEnd))
      assert.isFalse(yield* whole("video/mp4", box("ftyp", 16), toTheEnd))
      const nothingButHeads = Array.from({ length: 40_000 }, () => box("free", 0))
      assert.isFalse(yield* whole("video/mp4", box("ftyp", 16), ...nothingButHeads, box("moov", 8)))

      assert.isTrue(yield* whole("video/webm", ebml, segment("8a", 10)))
      assert.isTrue(yield* whole("video/webm", ebml, segment("01ffffffffffffff", 10)))
      assert.isFalse(yield* whole("video/webm", ebml, segment("8b", 10)))
      assert.isFalse(yield* whole("video/webm", ebml))
      assert.isFalse(yield* whole("video/webm", ebml.subarray(0, 5)))

      const pdf = Buffer.from("%PDF-1.7\n1 0 obj<<>>endobj\n")
      assert.isTrue(yield* whole("application/pdf", pdf, Buffer.from("startxref\n9\n%%EOF\n"), Buffer.alloc(1_000)))
      assert.isFalse(yield* whole("application/pdf", pdf))
      assert.isFalse(yield* whole("application/pdf", pdf, Buffer.from("%%EOF"), Buffer.alloc(1_024)))
    })
  )
})
