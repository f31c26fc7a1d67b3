import type { ViewRow } from "@halles/engine/projections/Projection"
import { mkdirSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"

/** The rows of one read table on disk, and up to where in the event stream they go. */
export interface Section<Row> {
  /** `null` if there is none of this form. */
  readonly load: () => {
    readonly streamSeq: number
    readonly rows: ReadonlyArray<Row>
    readonly gaps: ReadonlyArray<readonly [id: string, seq: number]>
  } | null
  /** In one transaction: a process that dies finds all of it or what was before. `gaps` are rows that are not as the stream says. */
  readonly save: (
    rows: ReadonlyArray<Row>,
    streamSeq: number,
    gaps: ReadonlyArray<readonly [id: string, seq: number]>
  ) => void
  readonly clear: () => void
}

export interface Snapshot {
  /** What is kept under this name; `form` says of which form it is. A section of another form is made anew. */
  readonly section: <Row extends ViewRow>(name: string, form: string) => Section<Row>
  readonly close: () => void
}

/** SQLite's codes for a file that is damaged, or is no database. */
const damaged: ReadonlySet<unknown> = new Set([11, 26])
const isDamaged = (cause: unknown): boolean =>
  cause instanceof Error && "errcode" in cause && damaged.has(cause.errcode)

const opened = (file: string): DatabaseSync => {
  const database = new DatabaseSync(file)
  try {
    if (database.prepare("PRAGMA quick_check").get()?.["quick_check"] === "ok") return database
  } catch (cause) {
    database.close()
    if (!isDamaged(cause)) throw cause
  }
  if (database.isOpen) database.close()
  for (const suffix of ["", "-wal", "-shm"]) rmSync(file + suffix, { force: true })
  return new DatabaseSync(file)
}

/** Opens the file, or makes it; a damaged one it makes anew, since the table has all that was in it. One process has it at a time. */
export const open = (file: string): Snapshot => {
  mkdirSync(dirname(file), { recursive: true })
  const database = opened(file)
  // What is lost in a crash of the machine is read from the stream again.
  database.exec(`
    PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
    CREATE TABLE IF NOT EXISTS followed (section TEXT, id TEXT, row TEXT NOT NULL, PRIMARY KEY (section, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS gap (section TEXT, id TEXT, seq INTEGER NOT NULL, PRIMARY KEY (section, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS reached (section TEXT PRIMARY KEY, form TEXT NOT NULL, stream_seq INTEGER NOT NULL)`)
  const putRow = database.prepare(
    "INSERT INTO followed (section, id, row) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET row = excluded.row"
  )
  const selectRows = database.prepare("SELECT row FROM followed WHERE section = ?")
  const deleteRows = database.prepare("DELETE FROM followed WHERE section = ?")
  const insertGap = database.prepare("INSERT INTO gap (section, id, seq) VALUES (?, ?, ?)")
  const selectGaps = database.prepare("SELECT id, seq FROM gap WHERE section = ?")
  const deleteGaps = database.prepare("DELETE FROM gap WHERE section = ?")
  const selectReached = database.prepare("SELECT form, stream_seq FROM reached WHERE section = ?")
  const deleteReached = database.prepare("DELETE FROM reached WHERE section = ?")
  const insertReached = database.prepare("INSERT INTO reached (section, form, stream_seq) VALUES (?, ?, ?)")
  const atomically = (change: () => void) => {
    database.exec("BEGIN IMMEDIATE")
    try {
      change()
      database.exec("COMMIT")
    } catch (cause) {
      database.exec("ROLLBACK")
      throw cause
    }
  }
  return {
    section: <Row extends ViewRow>(name: string, form: string): Section<Row> => ({
      load: () => {
        const reached = selectReached.get(name)
        if (reached === undefined || reached["form"] !== form) return null
        return {
          streamSeq: Number(reached["stream_seq"]),
          rows: selectRows.all(name).map(({ row }): Row => JSON.parse(String(row))),
          gaps: selectGaps.all(name).map(({ id, seq }) => [String(id), Number(seq)])
        }
      },
      save: (rows, streamSeq, gaps) =>
        atomically(() => {
          for (const row of rows) putRow.run(name, row.id, JSON.stringify(row))
          deleteGaps.run(name)
          for (const [id, seq] of gaps) insertGap.run(name, id, seq)
          deleteReached.run(name)
          insertReached.run(name, form, streamSeq)
        }),
      clear: () =>
        atomically(() => {
          for (const statement of [deleteRows, deleteGaps, deleteReached]) statement.run(name)
        })
    }),
    close: () => database.close()
  }
}
