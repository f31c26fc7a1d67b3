import { assert, it } from "@effect/vitest"
import { Transform } from "@halles/entities/media/MediaUrl"
import { Schema } from "effect"
import { rangeOf } from "../src/Ranges.ts"
import { planOf } from "../src/Transforming.ts"

const side = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20_000 }))
const Picture = Schema.Struct({ width: side, height: side })

it.prop(
  "a picture comes into its box, is never made larger, and keeps its focus",
  [Picture, Transform],
  ([picture, wanted]) => {
    const { part, scaled } = planOf(picture, wanted)
    // A side of a tenth of a pixel is one pixel.
    assert.isAtMost(scaled.width, picture.width)
    assert.isAtMost(scaled.height, picture.height)
    const shown = part ?? scaled
    assert.isAtLeast(Math.min(shown.width, shown.height), 1)
    assert.isAtMost(shown.width, wanted.width)
    assert.isAtMost(shown.height, wanted.height)
    if (part === null) return
    assert.isAtLeast(Math.min(part.left, part.top), 0)
    assert.isAtMost(part.left + part.width, scaled.width)
    assert.isAtMost(part.top + part.height, scaled.height)
    const [x, y] = [(wanted.focus.x / 1_000) * scaled.width, (wanted.focus.y / 1_000) * scaled.height]
    assert.isTrue(x >= part.left - 1 && x <= part.left + part.width + 1, `${x} of ${JSON.stringify(part)}`)
    assert.isTrue(y >= part.top - 1 && y <= part.top + part.height + 1, `${y} of ${JSON.stringify(part)}`)
  }
)

const Place = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 300 }))
it.prop("a range lies within what is there, or is none", [Place, Place, Place], ([first, last, bytes]) => {
  for (const header of [`bytes=${first}-${last}`, `bytes=${first}-`, `bytes=-${last}`]) {
    const range = rangeOf(header, bytes)
    if (typeof range === "string") continue
    assert.isTrue(0 <= range.start && range.start <= range.end && range.end < bytes, `${header} of ${bytes}`)
  }
})

it.each([
  ["bytes=0-4", { start: 0, end: 4 }],
  ["bytes=8-99", { start: 8, end: 9 }],
  ["bytes=-3", { start: 7, end: 9 }],
  ["bytes=-99", { start: 0, end: 9 }],
  ["bytes=10-", "none"],
  ["bytes=-0", "none"],
  ["bytes=5-2", "whole"],
  ["bytes=0-1,4-5", "whole"],
  ["lines=1-2", "whole"],
  [undefined, "whole"]
])("%s of ten bytes", (header, expected) => {
  assert.deepStrictEqual(rangeOf(header, 10), expected)
})
