import { say, showing } from "@halles/harness/Progress"
import * as Proof from "@halles/harness/Proof"
import { Config, Console, Effect, Layer, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { basename } from "node:path"
import * as Reconciliation from "./replay/Reconciliation.ts"
import * as Catalogue from "./replay/Catalogue.ts"
import * as Customers from "./replay/Customers.ts"
import { Edge } from "./replay/Edge.ts"
import * as Invoices from "./replay/Invoices.ts"
import { NotReconciled } from "./replay/LoadErrors.ts"
import * as Plan from "./replay/Plan.ts"
import { Phases } from "./replay/Phases.ts"
import * as Report from "./replay/Report.ts"
import * as RunState from "./replay/RunState.ts"
import * as Turns from "./replay/Turns.ts"

const positive = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000 }))

const input = {
  file: Argument.File("file", { mustExist: true }).pipe(
    Argument.withDescription(
      "Invoices as .csv.gz: InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"
    )
  ),
  limit: Flag.Int("limit").pipe(
    Flag.withSchema(positive),
    Flag.withDescription("Replay the first so many invoices of the file, cancellations among them (default: all)"),
    Flag.optional
  ),
  concurrency: Flag.Int("concurrency").pipe(
    Flag.withSchema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 256 }))),
    Flag.withDescription("Invoices in flight (closed loop)"),
    Flag.withDefault(8)
  ),
  rate: Flag.Finite("rate").pipe(
    Flag.withSchema(Schema.Finite.check(Schema.isBetween({ minimum: 0.01, maximum: 10_000 }))),
    Flag.withDescription(
      "Start so many invoices a second whatever the answers do (open loop; instead of --concurrency)"
    ),
    Flag.optional
  ),
  run: Flag.String("run").pipe(
    Flag.withSchema(RunState.RunId),
    Flag.withDescription(
      "Resume the run of this id: the same keys, so nothing is done twice (default: a new id, printed)"
    ),
    Flag.optional
  )
}

/** Plans, replays, reconciles and reports; fails unless everything matches. */
const replay = Effect.fn("replay")(function* (options: Command.Command.Config.Infer<typeof input>) {
  const { line, retries } = yield* Phases
  const limit = Option.getOrElse(options.limit, () => Number.MAX_SAFE_INTEGER)
  const run = Option.isSome(options.run) ? options.run.value : yield* RunState.random
  const invoices = yield* Invoices.read(options.file)
  const plan = Plan.make(invoices, limit)
  const source = RunState.source(invoices.sha256, limit)
  yield* say(
    `${basename(options.file)}: ${plan.rows} rows, ${plan.invoices} invoices: ${plan.sales.length} orders, ${plan.returns.length} returns, ${plan.articles.length} SKUs in their regions\nrun ${run} (resume with --run ${run})`
  )
  const replayed = Effect.gen(function* () {
    const before = yield* RunState.before(run, source, Catalogue.stock(plan.articles))
    if (plan.articles.length > 0) yield* Catalogue.load(`replay-${run}-${source}`, plan.articles)
    const customers = yield* Customers.register(run, plan.sales, options.concurrency)
    const pace = { concurrency: options.concurrency, rate: Option.getOrUndefined(options.rate) }
    const outcome = yield* Turns.replay({ run, sales: plan.sales, returns: plan.returns, customers, pace })
    const entries = yield* Reconciliation.orders(plan, outcome.placed)
    return { outcome, entries, stock: yield* Reconciliation.stock(plan, before) }
  })
  const { entries, outcome, stock } = yield* showing(line, replayed)
  const summary = Report.summary(plan, outcome, entries, stock)
  yield* Console.log(Report.text(plan, outcome, entries, stock, yield* retries).join("\n"))
  const mismatches =
    summary.totalsMismatched + summary.stockMismatched + summary.moneyMismatched + outcome.failures.length
  yield* Proof.end(summary, mismatches === 0)
  if (mismatches > 0) return yield* new NotReconciled({ mismatches })
})

const command = Command.make("replay", input, replay).pipe(
  Command.provide(Edge.layer.pipe(Layer.provideMerge(Phases.layer))),
  Command.withDescription(
    `Replays real invoices against a running cluster, through its public edge only.

Imports the catalogue and the stock that the file implies, registers its customers, then places every invoice as an order
(cart, lines, checkout) and takes every cancellation back as a return of that customer's earlier purchase. Every row of
the file ends in exactly one bucket. At the end orders, payments, refunds and stock are compared with the invoices to the
penny and the piece. The last line of stdout is a summary in JSON; the exit code is 0 only when everything matches.

Requests are repeated under their idempotency keys while the cluster is away, for up to three minutes each. Stock is
compared with what was there before the run, so let nothing else trade in the same SKUs meanwhile.

Needs HALLES_EDGE_URL and HALLES_IMPORT_TOKEN (a bearer token with the import scope); npm run replay sets them.`
  ),
  Command.withExamples([
    { command: "npm run replay -- 2011-03.csv.gz --limit 200", description: "The first 200 invoices of a month" },
    { command: "npm run replay -- 2011-03.csv.gz --rate 50", description: "A month at 50 invoices a second" },
    { command: "npm run replay -- 2011-03.csv.gz --run 4f1c9a02be", description: "Go on with a run that was stopped" }
  ])
)

Proof.run(command, (error) =>
  error instanceof Config.ConfigError
    ? "\nSet HALLES_EDGE_URL and HALLES_IMPORT_TOKEN; npm run replay does, once npm start has run."
    : ""
)
