import { Unzip, UnzipInflate } from "fflate"
import { parentPort, workerData } from "node:worker_threads"
import { readSheet } from "read-excel-file/node"
import writeXlsxFile from "write-excel-file/node"
import { type Done, type Task, unpackedMax } from "./Workbook.ts"

/** A file is unpacked in pieces of this size to be measured: one can become a thousand times as large. */
const pieceBytes = 16_384

/** Whether all that is packed in it is small enough to be read. */
const isSmallEnough = (bytes: Uint8Array): boolean => {
  let length = 0
  const unzip = new Unzip((file) => {
    file.ondata = (error, data) => {
      if (error !== null) throw error
      length += data.length
    }
    file.start()
  })
  unzip.register(UnzipInflate)
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    const end = Math.min(at + pieceBytes, bytes.length)
    unzip.push(bytes.subarray(at, end), end === bytes.length)
    if (length > unpackedMax) return false
  }
  return true
}

const textOf = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  return value instanceof Date ? value.toISOString() : String(value)
}

const done = async (task: Task): Promise<Done> => {
  if (task._tag === "Write") {
    const rows = task.rows.map((cells) => [...cells])
    return { _tag: "Written", bytes: await writeXlsxFile(rows).toBuffer() }
  }
  try {
    if (!isSmallEnough(task.bytes)) return { _tag: "TooLarge" }
    const rows = await readSheet(Buffer.from(task.bytes), { trim: false })
    return { _tag: "Rows", rows: rows.map((cells) => cells.map(textOf)) }
  } catch {
    return { _tag: "Unreadable" }
  }
}

parentPort!.postMessage(await done(workerData as Task))
