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

/** Fields of `/proc/<pid>/stat` after the name, which may hold spaces and brackets: state is the first. */
const fields = (pid: number): ReadonlyArray<string> => {
  const text = read(`/proc/${pid}/stat`)
  return text.slice(text.lastIndexOf(")") + 2).split(" ")
}

const used = (stat: ReadonlyArray<string>): number => Number(stat[11] ?? 0) + Number(stat[12] ?? 0)
/** Of children that have ended and been waited for. */
const inherited = (stat: ReadonlyArray<string>): number => Number(stat[13] ?? 0) + Number(stat[14] ?? 0)

/** Processor seconds of a process and its direct children, ended ones among them: Postgres is a family of processes. */
export const cpuSeconds = (pid: number): number => {
  const own = fields(pid)
  const children = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => fields(Number(name)))
    .filter((stat) => stat[1] === String(pid))
  return (used(own) + inherited(own) + children.reduce((sum, stat) => sum + used(stat), 0)) / ticksPerSecond
}

/** Resident memory of a process in bytes. */
export const residentBytes = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0) * 1024
