import { Effect } from "effect"
import { chownSync } from "node:fs"
import { dirname } from "node:path"
import { StateUnusable } from "./InfraErrors.ts"
import { output } from "./RunCommand.ts"

/** `nobody` on Debian: Postgres refuses to run as root, and this user owns nothing else. */
const uid = 65_534

const identity = [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"]
/** The right to walk through directories of others and to read there, and no other: a checkout below a 0700 directory of root is common. */
const traverse = ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]

/** How to run a program without root's rights: words to put before it, and the user that its files must belong to. */
export interface Unprivileged {
  readonly prefix: ReadonlyArray<string>
  readonly own: (path: string) => void
  /** Null: the user that we are. */
  readonly uid: number | null
}

const asWeAre: Unprivileged = { prefix: [], own: () => {}, uid: null }
const asNobody = (prefix: ReadonlyArray<string>): Unprivileged => ({
  prefix: ["setpriv", ...prefix, "--"],
  own: (path) => chownSync(path, uid, uid),
  uid
})

/**
 * Changes nothing unless we are root. As root it tries, on the directory and on the program, the way that keeps the right
 * to traverse, then the one without any right, which is enough below directories that everybody may enter.
 */
export const unprivileged = (directory: string, program: string): Effect.Effect<Unprivileged, StateUnusable> => {
  if (process.getuid?.() !== 0) return Effect.succeed(asWeAre)
  const attempt = (flags: ReadonlyArray<string>) =>
    output("setpriv", [...flags, "--", "sh", "-c", `cd "$1" && test -x "$2"`, "sh", directory, program]).pipe(
      Effect.as(asNobody(flags))
    )
  return attempt([...identity, ...traverse]).pipe(
    Effect.catch(() => attempt(identity)),
    Effect.mapError(
      () =>
        new StateUnusable({
          path: dirname(directory),
          reason:
            "Postgres never runs as root, and the user nobody cannot enter this directory. Use a checkout below a " +
            "directory that everybody may enter, run as a normal user, or set HALLES_PG_URL"
        })
    )
  )
}
