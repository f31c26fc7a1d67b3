import { readFileSync } from "node:fs"
import type { Stat } from "./Cpu.ts"

const own = (pid: string): number => {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))?.[1] ?? 0) * 1024
  } catch {
    // The process ended between two looks, or is another user's.
    return 0
  }
}

/** Bytes of a process and its direct children; a page that several processes share counts for its part in each (PSS). */
export const proportionalBytes = (pid: number, all: ReadonlyMap<string, Stat>): number =>
  [...all].reduce((sum, [child, { parent }]) => (parent === String(pid) ? sum + own(child) : sum), own(String(pid)))
