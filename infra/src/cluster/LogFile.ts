import { appendFileSync, copyFileSync, existsSync, readFileSync, renameSync, statSync, truncateSync } from "node:fs"

/** 20 MB a file and two older ones: a process never holds more than 60 MB of logs. */
export const bytesMax = 20_000_000

/**
 * Moves a full log aside. The process keeps its descriptor (opened for appending), so the text is copied and the file
 * emptied; a line written between the two steps is lost, which a log may.
 */
export const rotate = (path: string, limit: number = bytesMax): void => {
  if (!existsSync(path) || statSync(path).size < limit) return
  if (existsSync(`${path}.1`)) renameSync(`${path}.1`, `${path}.2`)
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
}

/** Adds a line of the supervisor's own to a process's log. */
export const note = (path: string, text: string): void =>
  appendFileSync(path, `--- ${new Date().toISOString()} ${text}\n`)

/** The last lines of a log, or what to say when there is none. */
export const tail = (path: string, lines = 25): string => {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-lines).join("\n")
  } catch {
    return "(no log)"
  }
}
