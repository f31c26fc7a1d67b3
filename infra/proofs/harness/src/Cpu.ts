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

export const stat = (pid: number | string): Stat => parse(read(`/proc/${pid}/stat`))

/** Every process of the machine by its number, as one look finds them. */
export const everyStat = (): ReadonlyMap<string, Stat> =>
  new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [pid, stat(pid)] as const)
  )

/** Processor seconds of a process and its direct children, ended ones among them: Postgres is a family of processes. */
export const cpuSeconds = (pid: number, all: ReadonlyMap<string, Stat> = everyStat()): number => {
  const own = stat(pid)
  const children = [...all.values()].filter(({ parent }) => parent === String(pid))
  return (own.used + own.inherited + children.reduce((sum, { used }) => sum + used, 0)) / ticksPerSecond
}

/** Bytes that a process has read and written so far through files, pipes and sockets (`rchar`, `wchar`); 0 of another user's. */
export const ioBytes = (pid: number | string): { readonly read: number; readonly written: number } => {
  const text = read(`/proc/${pid}/io`)
  const of = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? 0)
  return { read: of("rchar"), written: of("wchar") }
}
