import { assert, it } from "@effect/vitest"
import { Redacted } from "effect"
import * as MediaUrl from "./MediaUrl.ts"

const key = Redacted.make("a key")
const name = `eu-${"a".repeat(64)}.jpg`

it.prop("a transform and its text are one another", [MediaUrl.Transform], ([transform]) => {
  assert.deepStrictEqual(MediaUrl.ofText(MediaUrl.textOf(transform)), transform)
})

it.prop("a path is taken as it was signed, and not otherwise", [MediaUrl.Transform], ([transform]) => {
  const [, , signature, what, signed] = MediaUrl.pathOf(key, MediaUrl.textOf(transform), name).split("/")
  assert.deepStrictEqual(MediaUrl.wantedOf(key, signature!, what!, signed!), { name, transform })
  const larger = MediaUrl.textOf({ ...transform, width: (transform.width % MediaUrl.madeSideMax) + 1 })
  assert.isUndefined(MediaUrl.wantedOf(key, signature!, larger, name))
  assert.isUndefined(MediaUrl.wantedOf(key, signature!, what!, name.replace("a", "b")))
  assert.isUndefined(MediaUrl.wantedOf(key, signature!.slice(1), what!, name))
  assert.isUndefined(MediaUrl.wantedOf(Redacted.make("another"), signature!, what!, name))
})
