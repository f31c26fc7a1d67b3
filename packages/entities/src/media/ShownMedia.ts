import { Schema } from "effect"
import { MediaId } from "./Media.ts"

/** Most media that one entity shows. */
export const shownMax = 50

/** Begins the id of each command that tells media of an entity which shows them. `check` knows by it what somebody noted by hand. */
export const toldBy = "media:shown:"

/** The media that an entity shows, in the order in which shops show them; all of the entity's region. */
export const ShownMedia = Schema.Array(MediaId).check(Schema.isMaxLength(shownMax), Schema.isUnique())
export type ShownMedia = typeof ShownMedia.Type

/** The media that an entity shows from now on, and those that it shows no more. */
export const Change = Schema.Struct({ added: ShownMedia, removed: ShownMedia })
export type Change = typeof Change.Type

/** `null` where both show the same, in whatever order. */
export const changeOf = (before: ShownMedia, after: ShownMedia): Change | null => {
  if (before === after) return null
  const added = after.filter((id) => !before.includes(id))
  const removed = before.filter((id) => !after.includes(id))
  return added.length === 0 && removed.length === 0 ? null : { added, removed }
}
