/** One deliberate fault: in `file` the text `find`, which is there exactly once, becomes `replace`. */
export interface Mutant {
  readonly name: string
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly caughtBy: "sim" | "check"
}
