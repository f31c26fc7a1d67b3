import { keyOf, type Row } from "@halles/harness/Books"
import { type Call, describe } from "./Call.ts"
import * as Linearizability from "./Linearizability.ts"
import * as Subjects from "./Subjects.ts"

/** An entity whose calls no order explains, or for which none was found in time. */
export interface Violation {
  readonly key: string
  readonly verdict: "not linearizable" | "undecided"
  /** The smallest failing history that was found; empty when undecided. */
  readonly calls: ReadonlyArray<Call>
  readonly rows: ReadonlyArray<Row>
}

/** Rows printed of one entity, the newest. */
const rowsMax = 60

/** Judges the calls on every entity against its model and its journal. */
export const judge = (calls: ReadonlyArray<Call>, journal: ReadonlyArray<Row>): ReadonlyArray<Violation> => {
  const histories = Map.groupBy(journal, keyOf)
  return [...Map.groupBy(calls, keyOf)].flatMap(([key, some]) => judgeOne(key, some, histories.get(key) ?? []))
}

const judgeOne = (key: string, calls: ReadonlyArray<Call>, rows: ReadonlyArray<Row>): ReadonlyArray<Violation> => {
  const { id, type } = calls[0]!
  const { operations, specification } = Subjects.of(type, id, rows)
  const verdictOf = (some: ReadonlyArray<Call>) => Linearizability.check(specification, operations(some))._tag
  const verdict = verdictOf(calls)
  if (verdict === "Linearizable") return []
  if (verdict === "Undecided") return [{ key, verdict: "undecided", calls: [], rows }]
  const smallest = Linearizability.shrink(calls, (some) => verdictOf(some) === "NotLinearizable")
  return [{ key, verdict: "not linearizable", calls: smallest, rows }]
}

/** What is printed of a violation. */
export const printed = ({ calls, key, rows, verdict }: Violation): string => {
  const lines = rows.slice(-rowsMax).map(({ at, commandId, epoch, events, seq }) => {
    const ms = (at - performance.timeOrigin).toFixed(0)
    return `  ${seq} at ${ms} epoch ${epoch} ${commandId} ${JSON.stringify(events)}`
  })
  const left = rows.length > lines.length ? `\n  (${rows.length - lines.length} older rows)` : ""
  return [
    `${key} is ${verdict}.`,
    `smallest failing history, [invoked, answered] in ms:`,
    ...calls.map((call) => `  ${describe(call)}`),
    `its journal, times in the same ms:${left}`,
    ...lines
  ].join("\n")
}
