import { assert, it } from "@effect/vitest"
import * as fc from "fast-check"
import { CsvReader, type CsvRecord } from "./CsvReader.ts"

const known = new Set(["a", "b", "c"])
const read = (text: string, pieces = 1, max = 200): ReadonlyArray<CsvRecord> => {
  const reader = new CsvReader({ max, known })
  const size = Math.max(1, Math.ceil(text.length / pieces))
  const records: Array<CsvRecord> = []
  for (let from = 0; from < text.length; from += size) records.push(...reader.push(text.slice(from, from + size)))
  return [...records, ...reader.end()]
}
const cellsOf = (records: ReadonlyArray<CsvRecord>) =>
  records.map((record) => (record._tag === "Cells" ? record.cells : record._tag))

it.each<readonly [string, string, "Stray" | "TooLong" | ReadonlyArray<string>]>([
  ["a quote inside a cell", 'x 12" y,2,3', ['x 12" y', "2", "3"]],
  ["a quote at the end of a cell", '12",2,3', ['12"', "2", "3"]],
  ["a quoted word first", '"Best" pipe,2,3', "Stray"],
  ["a cell that does not end", '"x,2,3', "Stray"],
  ["a cell that begins late", '1,2,"x', "Stray"],
  ["a quote more", '"x"",2,3', "Stray"],
  ["a quote alone", '",2,3', "Stray"],
  ["a blank before a quoted cell", '1, "x",3', ["1", ' "x"', "3"]],
  ["a blank behind a quoted cell", '1,"x" ,3', "Stray"],
  ["what is too long", `${"x".repeat(300)},2,3`, "TooLong"],
  ["what is quoted and too long", `"${"x".repeat(300)}",2,3`, "TooLong"],
  ["a quoted line break", '"x\r\ny",2,3', ["x\r\ny", "2", "3"]],
  ["a quoted quote", '"x ""y""",2,3', ['x "y"', "2", "3"]]
])("%s harms no other row, wherever it stands and however the file comes", (_, line, expected) => {
  for (const lineBreak of ["\r\n", "\n", "\r"]) {
    for (const after of [[], ["4,5,6"], ['4,"5, 5",6'], ['"4","5","6"', "7,8,9"], ['"4\n4",5,6', "7,8,9"]]) {
      const rows = ["a,b,c", "1,1,1", line, ...after]
      for (const end of ["", lineBreak]) {
        const text = rows.join(lineBreak) + end
        for (const pieces of [1, 2, 3, 7, text.length]) {
          const found = cellsOf(read(text, pieces))
          const name = JSON.stringify([text, pieces])
          assert.deepStrictEqual(found.slice(0, 3), [["a", "b", "c"], ["1", "1", "1"], expected], name)
          assert.lengthOf(found.slice(3), after.length, name)
          assert.isTrue(
            found.slice(3).every((cells) => Array.isArray(cells) && cells.length === 3),
            name
          )
        }
      }
    }
  }
})

it.each([
  ["a;b;c", ";"],
  ["a\tb\tc", "\t"],
  ["a|b|c", "|"],
  ['"A";"B";"C"', ";"],
  ["sep=;\na;b;c", ";"],
  ["\n \na,b,c", ","],
  ["a", ","]
])("finds what stands between cells: %j", (head, delimiter) => {
  assert.deepStrictEqual(cellsOf(read(`${head}\n1${delimiter}"2,;|\t2"\n`)).at(-1), ["1", "2,;|\t2"])
})

const cell = fc.string({ unit: fc.constantFrom("x", ",", ";", '"', "\n", "\r", " ", "é", "😀"), maxLength: 8 })
const table = fc
  .integer({ min: 2, max: 4 })
  .chain((columns) =>
    fc.array(fc.array(cell, { minLength: columns, maxLength: columns }), { minLength: 1, maxLength: 6 })
  )
const written = (text: string) => (/[",;\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

const blank = (cells: ReadonlyArray<string>) => cells.map(written).join(",").trim() === ""

it("reads what was written, in pieces of any size", () => {
  fc.assert(
    fc.property(table, fc.constantFrom("\n", "\r\n"), fc.integer({ min: 1, max: 40 }), (rows, lineBreak, pieces) => {
      const body = rows.map((cells) => cells.map(written).join(","))
      const found = cellsOf(
        read(["a,b,c,d".slice(0, 2 * rows[0]!.length - 1), ...body].join(lineBreak), pieces, 10_000)
      )
      assert.deepStrictEqual(
        found.slice(1),
        rows.filter((cells) => !blank(cells))
      )
    }),
    { numRuns: 1_000 }
  )
})

it("takes every row of a file but the one that somebody put a quote into", () => {
  const words = fc.string({ unit: fc.constantFrom("x", " ", "é"), minLength: 1, maxLength: 6 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(words, words, words), { minLength: 2, maxLength: 8 }),
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 20 }),
      (rows, row, at, pieces) => {
        const bad = row % rows.length
        const lines = rows.map((cells) =>
          cells.map((text, index) => (index === 1 ? `"${text}, ${text}"` : text)).join(",")
        )
        const line = lines[bad]!
        const broken = `${line.slice(0, at % (line.length + 1))}"${line.slice(at % (line.length + 1))}`
        const found = cellsOf(read(["a,b,c", ...lines.with(bad, broken), ""].join("\n"), pieces, 10_000)).slice(1)
        assert.lengthOf(found, rows.length)
        for (const [index, [first, second, third]] of rows.entries()) {
          if (index !== bad) assert.deepStrictEqual(found[index], [first, `${second}, ${second}`, third])
        }
      }
    ),
    { numRuns: 2_000 }
  )
})
