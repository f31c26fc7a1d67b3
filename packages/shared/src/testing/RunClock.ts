import { readFileSync } from "node:fs"

/**
 * Milliseconds for which the main thread of a process could have run and had no processor, since others had them all; of a
 * Node process that is the thread of its event loop. 0 where the system does not count it.
 */
export const heldUpMs = (pid: number): number => {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1] ?? 0) / 1e6
  } catch {
    return 0
  }
}

/**
 * A clock for bounds on how long something takes in this process: it stands still while this thread waits for a processor.
 * A bound by it is the bound of an idle machine, and holds on a busy one.
 */
export const nowMs = (): number => performance.now() - heldUpMs(process.pid)
