/** What stands where a row should: its cells, or why there are none. */
export type CsvRecord =
  | { readonly _tag: "Cells"; readonly cells: ReadonlyArray<string> }
  | { readonly _tag: "TooLong" }
  /** Its quotes do not match. */
  | { readonly _tag: "Stray" }

interface Scanned {
  readonly cells: ReadonlyArray<string>
  /** Of the line break after it. */
  readonly end: number
}

const lineBreak = /\r\n?|\n/g
const quote = '"'

/** Signs that programs put between cells; which one it is the first line tells. */
const delimiters = [",", ";", "\t", "|"] as const
export type Delimiter = (typeof delimiters)[number]
/** What Excel writes and reads as a first line of its own. */
const stated = /^sep=([,;\t|])$/i

/**
 * Reads CSV (RFC 4180) from text that comes in pieces. No parser that we know goes on behind a row whose quotes do not match:
 * this one takes a row over several lines only when its quotes match and it has as many cells as the header; otherwise its
 * first line alone is bad, and it goes on with the next line. A quote inside a cell that does not begin with one is a sign
 * like any other. Lines without anything are no rows.
 */
export class CsvReader {
  private readonly max: number
  private readonly known: ReadonlySet<string>
  private text = ""
  private delimiter: Delimiter | undefined
  private columns: number | undefined
  /** The rest of a line that was too long. */
  private skipping = false

  /** `max`: signs of one row. `known`: names of columns in lower case, by which a delimiter that nobody names is found. */
  constructor(options: { readonly max: number; readonly known: ReadonlySet<string>; readonly delimiter?: Delimiter }) {
    this.max = options.max
    this.delimiter = options.delimiter
    this.known = options.known
  }

  push(piece: string): ReadonlyArray<CsvRecord> {
    this.text += piece
    return this.read(false)
  }
  end(): ReadonlyArray<CsvRecord> {
    return this.read(true)
  }

  private read(isLast: boolean): ReadonlyArray<CsvRecord> {
    const { text } = this
    const records: Array<CsvRecord> = []
    let from = 0
    while (from < text.length) {
      lineBreak.lastIndex = from
      const found = lineBreak.exec(text)
      // A line feed may follow.
      const broken = found !== null && (isLast || lineBreak.lastIndex < text.length || found[0] !== "\r")
      const isTooLong = (found?.index ?? text.length) - from > this.max
      if (!broken && !isLast && !isTooLong && !this.skipping) break
      const end = broken ? found.index : text.length
      const next = broken ? lineBreak.lastIndex : text.length
      if (this.skipping || isTooLong) {
        if (!this.skipping) records.push({ _tag: "TooLong" })
        this.skipping = !broken
        from = broken ? next : (found?.index ?? next)
        if (broken) continue
        break
      }
      const taken = this.recordAt(from, end, isLast)
      if (taken === "more") break
      if (taken.record !== undefined) records.push(taken.record)
      from = taken.end === end ? next : taken.end
    }
    this.text = text.slice(from)
    return records
  }

  private recordAt(
    from: number,
    end: number,
    isLast: boolean
  ): "more" | { readonly record: CsvRecord | undefined; readonly end: number } {
    const line = this.text.slice(from, end)
    if (line.trim() === "") return { record: undefined, end }
    this.delimiter ??= this.delimiterOf(line)
    if (this.columns === undefined && stated.test(line)) return { record: undefined, end }
    if (!line.includes(quote)) return this.taken(line.split(this.delimiter), end)
    const scanned = this.scan(this.delimiter, from)
    // Behind the last sign that is here a quote, or another line, may follow.
    const isOpen = scanned === "open" || (typeof scanned === "object" && scanned.end === this.text.length)
    if (isOpen && !isLast && this.text.length - from <= this.max) return "more"
    if (typeof scanned === "string") return { record: { _tag: "Stray" }, end }
    const isWhole = scanned.end === end || this.columns === undefined || scanned.cells.length === this.columns
    return isWhole ? this.taken(scanned.cells, scanned.end) : { record: { _tag: "Stray" }, end }
  }

  private taken(cells: ReadonlyArray<string>, end: number) {
    this.columns ??= cells.length
    return { record: { _tag: "Cells", cells } as const, end }
  }

  private delimiterOf(line: string): Delimiter {
    const said = stated.exec(line)?.[1] as Delimiter | undefined
    if (said !== undefined) return said
    const names = (delimiter: string) =>
      line.split(delimiter).filter((name) => this.known.has(name.replaceAll(quote, "").trim().toLowerCase())).length
    return delimiters.reduce<Delimiter>((best, one) => (names(one) > names(best) ? one : best), ",")
  }

  /** A row with quotes in it, to the end of its last line. */
  private scan(delimiter: Delimiter, start: number): Scanned | "open" | "stray" {
    const { text } = this
    const cells: Array<string> = []
    let from = start
    for (;;) {
      let after: number
      if (text[from] === quote) {
        let close = text.indexOf(quote, from + 1)
        while (close !== -1 && text[close + 1] === quote) close = text.indexOf(quote, close + 2)
        if (close === -1 || close - start > this.max) return "open"
        cells.push(text.slice(from + 1, close).replaceAll('""', quote))
        after = close + 1
      } else {
        after = from
        while (after < text.length && text[after] !== delimiter && text[after] !== "\n" && text[after] !== "\r")
          after += 1
        cells.push(text.slice(from, after))
      }
      const sign = text[after]
      if (sign === delimiter) from = after + 1
      else if (sign === undefined || sign === "\n" || sign === "\r") return { cells, end: after }
      else return "stray"
    }
  }
}
