import { chmodSync, lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"

export const isRoot = process.getuid?.() === 0

/**
 * Of a directory in which Postgres has its own: as root, whose Postgres is another user, others may pass through it, and see
 * nothing.
 */
export const passable = isRoot ? 0o711 : 0o700

/**
 * Takes from group and others whatever a server, an archive or an older version gave them, of all that is ours below a path.
 * What belongs to another user, as the files of Postgres do as root, is left to him. A file may go meanwhile.
 */
export const ownersAlone = (path: string, except: ReadonlySet<string> = new Set()): void => {
  if (except.has(path)) return
  try {
    const found = lstatSync(path)
    if (found.isSymbolicLink() || found.uid !== (process.getuid?.() ?? found.uid)) return
    const isPassable = found.isDirectory() && (found.mode & 0o777) === passable
    if ((found.mode & 0o077) !== 0 && !isPassable) chmodSync(path, found.mode & 0o700)
    if (!found.isDirectory()) return
    for (const name of readdirSync(path)) ownersAlone(join(path, name), except)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error
  }
}
