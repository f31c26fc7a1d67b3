import { Schema } from "effect"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"

/** A process that is never mistaken for a later one with the same number: `started` is the boot and the moment it began. */
export class ProcessIdentity extends Schema.Class<ProcessIdentity>("ProcessIdentity")({
  pid: Schema.Int,
  started: Schema.String
}) {}

/** Who has this number now; null if nobody, or only a zombie. */
export const identify = (pid: number): ProcessIdentity | null => {
  const started = process.platform === "linux" ? startedLinux(pid) : startedElsewhere(pid)
  return started === null ? null : new ProcessIdentity({ pid, started })
}

export const isAlive = (identity: ProcessIdentity): boolean => identify(identity.pid)?.started === identity.started

/** Sends a signal to exactly this process; does nothing if it is gone. */
export const signal = (identity: ProcessIdentity, name: NodeJS.Signals): void => {
  if (!isAlive(identity)) return
  try {
    process.kill(identity.pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

/** Field 22 of `/proc/<pid>/stat`; the name in field 2 may hold spaces and brackets, so count from its last bracket. */
const startedLinux = (pid: number): string | null => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").pop()?.split(" ") ?? []
    if (fields[0] === "Z" || fields[0] === "X") return null
    return `${readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()}:${fields[19]}`
  } catch {
    return null
  }
}

const startedElsewhere = (pid: number): string | null => {
  try {
    return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], { encoding: "utf8" }).trim() || null
  } catch {
    return null
  }
}
