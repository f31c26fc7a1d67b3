import * as Table from "@halles/engine/projections/Table"
import { regionOf } from "@halles/shared/Region"
import { given } from "@halles/shared/wire/Stamp"
import { Schema } from "effect"
import * as TableList from "../routes/TableList.ts"
import { ReleaseCode, releaseId, ReleaseView } from "./Release.ts"
import * as ReleaseState from "./ReleaseState.ts"

const { code, dueAt, region, seq, startedAt, status, title } = ReleaseView.fields

/** What a list shows of a release. */
export const ReleaseSummary = Schema.Struct({
  region,
  code,
  title,
  status,
  dueAt,
  startedAt,
  endedAt: startedAt,
  /** Members; of these, the ones that were changed, and the ones that were not. */
  members: Schema.Int,
  done: Schema.Int,
  refused: Schema.Int,
  seq
})
export type ReleaseSummary = typeof ReleaseSummary.Type

const time = Schema.NullOr(Schema.Int)

export const ReleaseTable = Table.make(ReleaseState, {
  name: "release",
  version: 1,
  columns: {
    title,
    status,
    due_at: time,
    started_at: time,
    ended_at: time,
    members: Schema.Int,
    done: Schema.Int,
    refused: Schema.Int
  },
  search: ["title"],
  fold: (row, event) => {
    switch (event._tag) {
      case "ReleasePlanned": {
        const { dueAt, members, title } = event
        const status = dueAt === undefined ? ("draft" as const) : ("scheduled" as const)
        const counts = { members: members.length, done: 0, refused: 0 }
        return { title, status, due_at: dueAt ?? null, started_at: null, ended_at: null, ...counts }
      }
      case "ReleaseWithdrawn":
        return row && { ...row, status: "withdrawn" as const }
      case "ReleaseStarted":
        return row && { ...row, status: "publishing" as const, started_at: event.at }
      case "MembersAnswered": {
        const done = event.answers.filter(({ outcome }) => outcome === "done").length
        return row && { ...row, done: row.done + done, refused: row.refused + event.answers.length - done }
      }
      case "ReleaseEnded":
        return row && { ...row, status: "published" as const, ended_at: event.at }
    }
  }
})

/** The same of an entity that is asked itself. */
export const summaryOf = ({ members, ...view }: ReleaseView): ReleaseSummary => {
  const { code, dueAt, endedAt, region, seq, startedAt, status, title } = view
  const done = members.filter(({ outcome }) => outcome === "done").length
  const waiting = members.filter(({ outcome }) => outcome === "waiting").length
  const counts = { members: members.length, done, refused: members.length - done - waiting }
  return { region, code, title, status, ...timesOf(dueAt, startedAt, endedAt), ...counts, seq }
}

const timesOf = (dueAt?: number | null, startedAt?: number | null, endedAt?: number | null) => ({
  ...given("dueAt", dueAt ?? undefined),
  ...given("startedAt", startedAt ?? undefined),
  ...given("endedAt", endedAt ?? undefined)
})

/** The releases of a region, by code. */
export const releases = TableList.make(ReleaseTable, {
  name: "releases",
  by: ["id"],
  where: (sql) => sql`true`,
  item: ({ due_at, ended_at, id, started_at, ...row }): ReleaseSummary => ({
    ...row,
    region: regionOf(id),
    code: ReleaseCode.make(id.slice(3), { disableChecks: true }),
    ...timesOf(due_at, started_at, ended_at)
  }),
  key: ({ code, region }) => [releaseId(region, code)]
})
