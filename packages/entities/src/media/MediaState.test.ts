import { assert, describe, it } from "@effect/vitest"
import { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { CommandId, CustomerId } from "@halles/shared/Ids"
import { Result } from "effect"
import {
  DeclareMedia,
  ForgetContent,
  KeepContent,
  MediaId,
  RefuseContent,
  ReleaseMedia,
  RemoveMedia,
  UseMedia
} from "./Media.ts"
import type { Content } from "./MediaContent.ts"
import * as MediaState from "./MediaState.ts"

const commandId = CommandId.make("c")
const owner = CustomerId.make("eu_ada")
const content: Content = { hash: "a".repeat(64), type: "image/png", bytes: 9, width: 3, height: 2, frames: 1 }
const declare = (content: Content | null) =>
  new DeclareMedia({ commandId, owner, uploadedBy: "ada", alt: [{ language: "en", text: "Ada" }], content })
const by = "Product:eu_TEA-01"
const dayMs = 86_400_000

/** The state after commands, each a day after the one before. */
const after = (...commands: ReadonlyArray<MediaState.Command>): MediaState.State =>
  commands.reduce<MediaState.State>(
    (state, command, day) =>
      Result.getOrElse(MediaState.decide(state, command, day * dayMs), () => []).reduce(MediaState.evolve, state),
    MediaState.initial
  )
const view = (state: MediaState.State) => MediaState.view(MediaId.make("eu_a"), state, 1)
const refusal = (state: MediaState.State, command: MediaState.Command) =>
  Result.match(MediaState.decide(state, command, 0), { onFailure: ({ _tag }) => _tag, onSuccess: () => "taken" })

describe("MediaState", () => {
  it("what nothing shows for thirty days is swept, counted from when the last thing let it go", () => {
    const kept = after(declare(content))
    assert.strictEqual(MediaState.dueAt(kept), 30 * dayMs)
    assert.deepStrictEqual(
      Result.getOrThrow(MediaState.decide(kept, new TimerFired({ commandId }), 30 * dayMs - 1)),
      []
    )
    const used = after(declare(content), new UseMedia({ commandId, by }), new UseMedia({ commandId, by }))
    assert.strictEqual(MediaState.dueAt(used), null)
    const released = after(declare(content), new UseMedia({ commandId, by }), new ReleaseMedia({ commandId, by }))
    assert.strictEqual(MediaState.dueAt(released), 32 * dayMs)
    const swept = Result.getOrThrow(MediaState.decide(released, new TimerFired({ commandId }), 32 * dayMs))
    const gone = swept.reduce(MediaState.evolve, released)
    assert.deepInclude(view(gone), { status: "removed", removedFor: "unused" })
    assert.strictEqual(MediaState.dueAt(gone), null)
  })

  it("what does not come is given up, and what has come is kept for good", () => {
    const declared = after(declare(null))
    const late = Result.getOrThrow(MediaState.decide(declared, new TimerFired({ commandId }), dayMs))
    assert.deepInclude(view(late.reduce(MediaState.evolve, declared)), { removedFor: "abandoned" })
    const kept = after(declare(null), new KeepContent({ commandId, content }))
    assert.deepInclude(view(kept), { status: "ready", content })
    assert.strictEqual(refusal(kept, new KeepContent({ commandId, content })), "taken")
    const other = { ...content, hash: "b".repeat(64) }
    assert.strictEqual(refusal(kept, new KeepContent({ commandId, content: other })), "MediaComplete")
    const refused = after(declare(null), new RefuseContent({ commandId, reason: "pixels" }))
    assert.deepInclude(view(refused), { status: "refused", refusedFor: "pixels" })
    assert.strictEqual(refusal(refused, new UseMedia({ commandId, by })), "MediaGone")
  })

  it("what something shows is removed for nobody but the person whose it is, of whom nothing stays", () => {
    const used = after(declare(content), new UseMedia({ commandId, by }))
    assert.strictEqual(refusal(used, new RemoveMedia({ commandId, reason: "asked" })), "MediaInUse")
    const erase = new RemoveMedia({ commandId, reason: "erased" })
    const erased = after(declare(content), new UseMedia({ commandId, by }), erase)
    const kept = after(declare(content), new ForgetContent({ commandId }))
    assert.deepInclude(view(kept), { content })
    const forgotten = after(declare(content), erase, new ForgetContent({ commandId }))
    assert.deepInclude(view(forgotten), { content: null, removedFor: "erased" })
    assert.deepInclude(view(erased), { status: "removed", owner: null, uploadedBy: "", alt: [], usedBy: [] })
    assert.deepStrictEqual(Result.getOrThrow(MediaState.decide(erased, erase, 9)), [])
    const before = after(declare(content), new RemoveMedia({ commandId, reason: "asked" }), erase)
    assert.deepInclude(view(before), { owner: null, removedFor: "erased" })
  })
})
