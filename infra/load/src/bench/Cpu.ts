import { readdirSync, readFileSync } from "node:fs"

/** `/proc` counts in hundredths of a second on every Linux that Node runs on. */
const ticksPerSecond = 100

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    // The process ended between two looks.
    return ""
  }
}

/** What one line of `/proc/<pid>/stat` says of a process. */
export interface Stat {
  readonly parent: string
  /** Hundredths of a second, of its own. */
  readonly used: number
  /** Of children that have ended and been waited for. */
  readonly inherited: number
}

/** The name stands in brackets and may itself hold spaces and brackets; after it come state, parent and the rest. */
export const parse = (text: string): Stat => {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  const ticks = (first: number) => Number(fields[first] ?? 0) + Number(fields[first + 1] ?? 0)
  return { parent: fields[1] ?? "", used: ticks(11), inherited: ticks(13) }
}

const stat = (pid: number | string): Stat => parse(read(`/proc/${pid}/stat`))

/** Processor seconds of a process and its direct children, ended ones among them: Postgres is a family of processes. */
export const cpuSeconds = (pid: number): number => {
  const own = stat(pid)
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(stat)
    .filter(({ parent }) => parent === String(pid))
  return (own.used + own.inherited + children.reduce((sum, { used }) => sum + used, 0)) / ticksPerSecond
}
