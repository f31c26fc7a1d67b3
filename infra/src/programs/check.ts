import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import * as Invariants from "@halles/entities/laws/Invariants"
import * as Postgres from "@halles/shared/clients/Postgres"
import { type Region, regions } from "@halles/shared/Region"
import { readFileSync } from "node:fs"
import { Config, Console, Effect, Option, type Redacted } from "effect"
import { Command, Flag } from "effect/cli"
import { SqlClient } from "effect/sql"
import { progress } from "../Progress.ts"

/** Progress is shown once the check lasts longer than this. */
const progressAfterMs = 2_000
/** The journal has settled when no row came for so long. */
const quietMs = 1_500
/** Rows of an offending history that are printed; the newest. */
const historyMax = 200

const Urls = Config.all({
  eu: Config.Redacted("HALLES_PG_EU_URL"),
  am: Config.Redacted("HALLES_PG_AM_URL"),
  ap: Config.Redacted("HALLES_PG_AP_URL")
})

const database = (url: Redacted.Redacted) => Postgres.layer({ url, applicationName: "halles:check", connectionsMax: 2 })

/** Gives sagas that are running the time to end, as long as the journal still grows. */
const settle = Effect.fnUntraced(function* (url: Redacted.Redacted, seconds: number) {
  yield* Effect.provide(quiet(seconds), database(url))
})
const quiet = Effect.fnUntraced(function* (seconds: number) {
  const sql = yield* SqlClient.SqlClient
  const newest = Effect.map(
    sql<{ newest: bigint | null }>`SELECT max(position) AS newest FROM journal`,
    ([row]) => row?.newest ?? 0n
  )
  const until = performance.now() + seconds * 1000
  let before = yield* newest
  let quietSince = performance.now()
  while (performance.now() < until && performance.now() - quietSince < quietMs) {
    yield* Effect.sleep("250 millis")
    const now = yield* newest
    if (now !== before) quietSince = performance.now()
    before = now
  }
})

const checkRegion = (
  region: Region,
  url: Redacted.Redacted,
  options: Partial<Invariants.Options> & { readonly say: (what: string) => void }
) =>
  Effect.gen(function* () {
    const report = yield* Invariants.check({
      ...options,
      onProgress: ({ doing, of, rows }) => {
        const percent = of === 0 ? 100 : 10 * Math.floor((10 * rows) / of)
        options.say(`${region}: ${doing}, ${percent} % of ${of} rows`)
      }
    })
    const first = firstOfEach(report.found)
    const histories = yield* Effect.forEach(first, (violation) =>
      Effect.map(Invariants.history(violation.entityType, violation.entityId), (lines) => ({ violation, lines }))
    )
    return { region, report, histories }
  }).pipe(Effect.provide(database(url)))
type Checked = Effect.Success<ReturnType<typeof checkRegion>>

/** One offending history of each invariant is printed in full. */
const firstOfEach = (found: ReadonlyArray<Invariants.Violation>): ReadonlyArray<Invariants.Violation> =>
  [...Map.groupBy(found, ({ invariant }) => invariant).values()].map(([first]) => first!)

const table = (checked: ReadonlyArray<Checked>): string => {
  const regionNames = checked.map(({ region }) => region).join(" ")
  const rows = Object.entries(Invariants.titles).map(([id, title]) => {
    const lines = checked.map(({ report }) => report.lines.find(({ invariant }) => invariant === id)!)
    const sum = (of: (line: Invariants.Line) => number) => lines.reduce((total, line) => total + of(line), 0)
    const notes = [...new Set(lines.flatMap(({ notes }) => notes))].map((note) => `\n${" ".repeat(49)}${note}`).join("")
    const counts = [sum((line) => line.checked), sum((line) => line.running), sum((line) => line.violations)]
    return `${id.padEnd(4)} ${regionNames.padEnd(9)} ${counts.map((count) => String(count).padStart(10)).join(" ")}  ${title}${notes}`
  })
  const head = `${"".padEnd(4)} ${"regions".padEnd(9)} ${["checked", "running", "violated"].map((word) => word.padStart(10)).join(" ")}`
  return [head, ...rows].join("\n")
}

const printed = ({ histories, region, report }: Checked): string => {
  const found = report.found.map(
    ({ detail, entityId, entityType, invariant, seq }) =>
      `${invariant} ${region} ${entityType}/${entityId}${seq === null ? "" : ` at seq ${seq}`}: ${detail}`
  )
  const whole = histories.map(({ lines, violation }) => {
    const newest = lines.slice(-historyMax)
    const left = lines.length > newest.length ? `\n  (${lines.length - newest.length} older rows)` : ""
    return `history of ${violation.entityType}/${violation.entityId} (${violation.invariant}):${left}\n  ${newest.join("\n  ")}`
  })
  return [...found, ...whole].join("\n")
}

const acknowledgedIn = (file: string): ReadonlyArray<Invariants.Acknowledged> =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Invariants.Acknowledged)

const flags = {
  json: Flag.Boolean("json").pipe(Flag.withDescription("Print the last line only"), Flag.withDefault(false)),
  settle: Flag.Int("settle").pipe(
    Flag.withDescription("Seconds to wait at the most, while the journal grows, for running sagas to end"),
    Flag.withDefault(10)
  ),
  grace: Flag.Int("grace").pipe(
    Flag.withDescription("Seconds without a step after which an unfinished saga is a violation"),
    Flag.withDefault(60)
  ),
  acknowledged: Flag.String("acknowledged").pipe(
    Flag.withDescription('File of commands that were acknowledged, one {"type","id","commandId"} a line'),
    Flag.optional
  )
}

const check = Command.make(
  "check",
  flags,
  Effect.fn("check")(function* ({ acknowledged, grace, json, settle: settleSeconds }) {
    const urls = yield* Urls
    const known = Option.match(acknowledged, { onNone: () => [], onSome: acknowledgedIn })
    const started = performance.now()
    const display = progress()
    const say = (what: string) => {
      if (performance.now() - started > progressAfterMs) display.step(what)
    }
    if (settleSeconds > 0) {
      yield* Effect.forEach(regions, (region) => settle(urls[region], settleSeconds), { concurrency: "unbounded" })
    }
    const checked = yield* Effect.forEach(regions, (region) =>
      checkRegion(region, urls[region], {
        graceMs: grace * 1000,
        acknowledged: known.filter(({ id }) => id.startsWith(region)),
        say
      })
    ).pipe(Effect.ensuring(Effect.sync(display.done)))
    const sum = (of: (report: Invariants.Report) => number) =>
      checked.reduce((total, { report }) => total + of(report), 0)
    const violations = sum(({ violations }) => violations)
    if (!json) {
      yield* Console.log(table(checked))
      for (const { region, report } of checked) {
        const { clock, entities, rows, seconds } = report
        yield* Console.log(
          `${region}: ${rows} rows of ${entities} entities in ${seconds.toFixed(1)} s` +
            (clock === "now" ? "" : " (no runner is at work: time stands at the last row)")
        )
      }
      for (const one of checked.filter(({ report }) => report.violations > 0)) yield* Console.log(printed(one))
    }
    const summary = {
      ok: violations === 0,
      rows: sum(({ rows }) => rows),
      entities: sum(({ entities }) => entities),
      violations,
      running: sum(({ running }) => running),
      violated: [...new Set(checked.flatMap(({ report }) => report.found.map(({ invariant }) => invariant)))],
      seconds: Number(((performance.now() - started) / 1000).toFixed(2))
    }
    yield* Console.log(JSON.stringify(summary))
    yield* Effect.sync(() => (process.exitCode = violations === 0 ? 0 : 1))
  })
).pipe(Command.withDescription("Prove the invariants I1 to I12 from the journals; exit code 1 when one does not hold"))

Command.run(check, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
