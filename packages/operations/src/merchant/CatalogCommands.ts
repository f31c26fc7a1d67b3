import { ImportLine } from "@halles/entities/exchange/ImportApi"
import * as Workbook from "@halles/entities/exchange/Workbook"
import { Region, regions } from "@halles/shared/Region"
import { Console, Effect, FileSystem, Option, Schema, Stream } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { HttpClientRequest, type HttpClientResponse } from "effect/http"
import { NotDone } from "../operator/Operator.ts"
import { bytesOf, given, sent } from "./EdgeCall.ts"

const typeOf = (file: string, charset: Option.Option<string>): string => {
  if (/\.xlsx$/i.test(file)) return Workbook.contentType
  if (/\.(ndjson|jsonl)$/i.test(file)) return "application/x-ndjson"
  return Option.match(charset, { onNone: () => "text/csv", onSome: (name) => `text/csv; charset=${name}` })
}

const unread = () =>
  new NotDone({ reason: "the answer broke off; the same --import-id goes on from there", exitCode: 6 })
const decodeLine = Schema.decodeUnknownEffect(Schema.fromJsonString(ImportLine))
const linesOf = (response: HttpClientResponse.HttpClientResponse) =>
  response.stream.pipe(
    Stream.decodeText(),
    Stream.splitLines,
    Stream.mapEffect((line) => decodeLine(line)),
    Stream.mapError(unread)
  )

/** Refused rows go to where a program reads them, progress to where a person does. */
const tell = (line: ImportLine): Effect.Effect<void> => {
  switch (line.type) {
    case "error":
      return Console.log(`row ${line.row}: ${line.code}: ${line.detail}`)
    case "progress":
      return Console.error(`${line.rows} rows, ${line.rejected} refused`)
    case "failed":
      return Console.log(`after row ${line.row}: ${line.code}: ${line.detail}`)
    case "done": {
      const { accepted, dryRun, importId, rejected, rows, superseded = 0 } = line
      const what = dryRun === true ? "would be taken; nothing was done" : "taken"
      return Console.error(
        `${rows} rows: ${accepted} ${what}, ${rejected} refused, ${superseded} outdated (import id ${importId})`
      )
    }
  }
}

const importFile = Command.make(
  "import",
  {
    file: Argument.String("file").pipe(Argument.withDescription("CSV, NDJSON (.ndjson, .jsonl) or a workbook (.xlsx)")),
    dryRun: Flag.Boolean("dry-run").pipe(
      Flag.withDefault(false),
      Flag.withDescription("Read and judge every row, and do nothing")
    ),
    setStock: Flag.Boolean("set-stock").pipe(
      Flag.withDefault(false),
      Flag.withDescription("stock is what a warehouse has from then on, instead of what comes in")
    ),
    columns: Flag.String("columns").pipe(
      Flag.withDescription("Other names of columns, such as Artikel:sku,Preis:price,Notiz:-"),
      Flag.optional
    ),
    delimiter: Flag.Literals("delimiter", ["comma", "semicolon", "tab", "bar"]).pipe(
      Flag.withDescription("What stands between cells of CSV; found out without it"),
      Flag.optional
    ),
    charset: Flag.String("charset").pipe(Flag.withDescription("Of CSV, such as windows-1252"), Flag.optional),
    importId: Flag.String("import-id").pipe(
      Flag.withDescription("Names the delivery: sent again under it, only what was not done is done"),
      Flag.optional
    ),
    from: Flag.String("from").pipe(Flag.withDescription("The first row, counted from 1"), Flag.optional)
  },
  ({ charset, columns, delimiter, dryRun, file, from, importId, setStock }) =>
    Effect.gen(function* () {
      const bytes = yield* bytesOf(file)
      const stock = setStock ? Option.some("set") : Option.none<string>()
      const response = yield* sent((url) =>
        HttpClientRequest.post(`${url}/catalog/import`).pipe(
          HttpClientRequest.setUrlParams(given({ columns, delimiter, dryRun, from, stock })),
          HttpClientRequest.setHeaders(Object.fromEntries(given({ "import-id": importId }))),
          HttpClientRequest.bodyStream(bytes, { contentType: typeOf(file, charset) })
        )
      )
      const last = yield* Stream.runLast(Stream.tap(linesOf(response), tell))
      const isWell = Option.exists(last, (line) => line.type === "done" && line.rejected === 0)
      if (!isWell) return yield* new NotDone({ reason: "not all rows were taken", exitCode: 1 })
    })
).pipe(
  Command.withDescription(
    "List products and receive their stock from a file. Prints each refused row with what is wrong; exit code 1 if there is one"
  ),
  Command.withShortDescription("Import a catalogue from a file"),
  Command.withExamples([
    { command: "halles catalog import autumn.csv --dry-run" },
    { command: "halles catalog import lager.csv --charset windows-1252 --columns Artikel:sku,Preis:price --set-stock" }
  ])
)

const exportFile = Command.make(
  "export",
  {
    region: Flag.Literals("region", regions).pipe(
      Flag.withDescription("What it sells"),
      Flag.withDefault("eu" as Region)
    ),
    file: Argument.String("file").pipe(Argument.withDescription("Its name says the form: .csv, .ndjson or .xlsx"))
  },
  ({ file, region }) =>
    Effect.gen(function* () {
      const format = /\.(csv|ndjson|xlsx)$/i.exec(file)?.[1]?.toLowerCase()
      if (format === undefined)
        return yield* new NotDone({ reason: "the name of the file ends in .csv, .ndjson or .xlsx", exitCode: 2 })
      const files = yield* FileSystem.FileSystem
      const response = yield* sent((url) =>
        HttpClientRequest.setUrlParams(HttpClientRequest.get(`${url}/catalog/export`), { region, format })
      )
      yield* Stream.run(response.stream, files.sink(file)).pipe(Effect.mapError(unread))
      yield* Console.error(`${file}: ${(yield* Effect.orDie(files.stat(file))).size} bytes`)
    })
).pipe(
  Command.withDescription("Write what a region sells, with its stock, into a file that an import takes"),
  Command.withShortDescription("Export a catalogue into a file"),
  Command.withExamples([{ command: "halles catalog export --region eu catalogue.xlsx" }])
)

export const catalog = Command.make("catalog").pipe(
  Command.withDescription("Import a catalogue from a file, or export it into one"),
  Command.withSubcommands([importFile, exportFile])
)
