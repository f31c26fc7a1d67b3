import { Effect } from "effect"
import { chownSync } from "node:fs"
import { dirname } from "node:path"
import { StateUnusable } from "../InfraErrors.ts"
import { output } from "../programs/RunCommand.ts"

/** `nobody` on Debian: Postgres refuses to run as root, and this user owns nothing else. */
export const nobody = 65_534

const identity = [`--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"]
/** One right and no other. The secure bit lets access(2) see it, which Postgres asks about its own program. */
const only = (right: string) => [
  "--securebits=+no_setuid_fixup",
  `--inh-caps=-all,+${right}`,
  `--ambient-caps=-all,+${right}`
]

/**
 * From no right at all to more. A checkout below a 0700 directory of root is common: to walk through it takes the first
 * right, and where a container does not have that one, the second, which also lets Postgres write there.
 */
const ladder = [identity, [...identity, ...only("dac_read_search")], [...identity, ...only("dac_override")]]

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
  own: (path) => chownSync(path, nobody, nobody),
  uid: nobody
})

/** Changes nothing unless we are root. As root, the least rights with which initdb finds its files and enters the directory. */
export const unprivileged = (
  directory: string,
  initdb: string,
  env: Record<string, string>
): Effect.Effect<Unprivileged, StateUnusable> => {
  if (process.getuid?.() !== 0) return Effect.succeed(asWeAre)
  const attempt = (flags: ReadonlyArray<string>) =>
    output("setpriv", [...flags, "--", "sh", "-c", 'cd "$1" && exec "$2" --show -D "$1"', "sh", directory, initdb], {
      env
    }).pipe(Effect.as(asNobody(flags)))
  return Effect.firstSuccessOf(ladder.map(attempt)).pipe(
    Effect.mapError(
      ({ output: complaint }) =>
        new StateUnusable({
          path: dirname(directory),
          reason:
            "Postgres never runs as root, and as the user nobody it cannot work here. Use a checkout below a " +
            `directory that everybody may enter, run as a normal user, or set HALLES_PG_URL (${complaint.trim()})`
        })
    )
  )
}
