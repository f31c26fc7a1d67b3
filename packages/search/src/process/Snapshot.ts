import type { ProductRow } from "@halles/entities/catalogue/ProductTable"
import { mkdirSync, rmSync } from "node:fs"
import { dirname } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { form } from "./ProductRows.ts"

/** The rows of a region's products on disk, and up to where in the event stream they go. */
export interface Snapshot {
  /** `null` if there is none of this form. */
  readonly load: () => { readonly streamSeq: number; readonly rows: ReadonlyArray<ProductRow> } | null
  /** In one transaction: a process that dies finds all of it or what was before. */
  readonly save: (rows: ReadonlyArray<ProductRow>, streamSeq: number) => void
  readonly clear: () => void
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
    CREATE TABLE IF NOT EXISTS product (id TEXT PRIMARY KEY, row TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS place (form TEXT NOT NULL, stream_seq INTEGER NOT NULL)`)
  const put = database.prepare(
    "INSERT INTO product (id, row) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row"
  )
  const selectRows = database.prepare("SELECT row FROM product")
  const selectPlace = database.prepare("SELECT form, stream_seq FROM place")
  const deletePlace = database.prepare("DELETE FROM place")
  const insertPlace = database.prepare("INSERT INTO place (form, stream_seq) VALUES (?, ?)")
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
    load: () => {
      const place = selectPlace.get()
      if (place === undefined || place["form"] !== form) return null
      const rows = selectRows.all().map(({ row }): ProductRow => JSON.parse(String(row)))
      return { streamSeq: Number(place["stream_seq"]), rows }
    },
    save: (rows, streamSeq) =>
      atomically(() => {
        for (const row of rows) put.run(row.id, JSON.stringify(row))
        deletePlace.run()
        insertPlace.run(form, streamSeq)
      }),
    clear: () => atomically(() => database.exec("DELETE FROM product; DELETE FROM place")),
    close: () => database.close()
  }
}
