/**
 * What is played on real servers: two runners that write to one shard, and what `npm run check` then finds; messages of many
 * rows that come again or are half applied; what is too large for a row, a cart, a message or the stream.
 */
export type Scene = "check" | "messages" | "oversize"

/** One deliberate fault: in `file` the text `find`, which is there exactly once, becomes `replace`. */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** The simulation, or a scene. */
  readonly caughtBy: "sim" | Scene
}
