import { generator, spent, type Used } from "../run/Resources.ts"
import type { Outcome } from "../run/Run.ts"

/** What one process used for each operation of the measured span. */
export interface ProcessCost {
  readonly name: string
  readonly cores: number
  readonly cpuMicros: number
  readonly readBytes: number
  readonly writtenBytes: number
}

export interface Cost {
  readonly processes: ReadonlyArray<ProcessCost>
  /** Of the cluster, which the generator is no part of. */
  readonly cpuSecondsPerOperation: number
  readonly operationsPerCore: number
  /** Rows of journals by what happened, most first; and what was written and sent in all, each for one operation. */
  readonly journalRows: ReadonlyArray<readonly [name: string, count: number]>
  readonly written: Readonly<Record<"journalRows" | "transactions" | "tableRows" | "walKilobytes" | "messages", number>>
  /** In the currency of the price. */
  readonly perMillion: number
}

/** What a run used; `pricePerCoreHour` is what a core in use costs an hour. */
export const cost = ({ analysis, fromMs, looks, plan, toMs, written }: Outcome, pricePerCoreHour: number): Cost => {
  const seconds = plan.durationMs / 1000
  const operations = Math.max(1, Math.round(analysis.perSecond * seconds))
  const each = ([name, { cpuSeconds, readBytes, writtenBytes }]: readonly [string, Used]): ProcessCost => ({
    name,
    cores: cpuSeconds / seconds,
    cpuMicros: (cpuSeconds / operations) * 1e6,
    readBytes: readBytes / operations,
    writtenBytes: writtenBytes / operations
  })
  const processes = [...spent(looks, fromMs, toMs)].map(each).toSorted((a, b) => b.cores - a.cores)
  const cpuSecondsPerOperation =
    processes.filter(({ name }) => name !== generator).reduce((sum, { cpuMicros }) => sum + cpuMicros, 0) / 1e6
  const ofEach = (total: number): number => Number((total / operations).toFixed(2))
  const journalRows = [...written.journalRows].map(([name, count]) => [name, ofEach(count)] as const)
  return {
    processes,
    journalRows: journalRows.toSorted(([, a], [, b]) => b - a),
    written: {
      journalRows: ofEach([...written.journalRows.values()].reduce((sum, count) => sum + count, 0)),
      transactions: ofEach(written.transactions),
      tableRows: ofEach(written.tableRows),
      walKilobytes: ofEach(written.walBytes / 1024),
      messages: ofEach(written.messages)
    },
    cpuSecondsPerOperation,
    operationsPerCore: cpuSecondsPerOperation === 0 ? 0 : 1 / cpuSecondsPerOperation,
    perMillion: ((cpuSecondsPerOperation * 1e6) / 3600) * pricePerCoreHour
  }
}
