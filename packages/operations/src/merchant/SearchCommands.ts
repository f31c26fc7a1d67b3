import { Channel } from "@halles/entities/catalogue/Channel"
import { Console, Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { output, printList, tree } from "../inspector/Output.ts"
import { get as got, given, Item, Items, limit, region } from "./EdgeCall.ts"

const words = Argument.String("words").pipe(Argument.withDescription("What a shopper types"))
const language = Flag.String("language").pipe(Flag.withDescription("Of the words, such as de"), Flag.optional)

const Found = Schema.Struct({
  items: Schema.Array(Schema.Struct({ product: Item, available: Schema.NullOr(Schema.Boolean) })),
  total: Schema.Int,
  didYouMean: Schema.NullOr(Schema.String)
})

const query = Command.make(
  "query",
  {
    words,
    region,
    language,
    channel: Flag.Literals("channel", Channel.literals).pipe(
      Flag.withDescription("As it is searched there"),
      Flag.optional
    ),
    filters: Flag.String("filters").pipe(Flag.withDescription("Such as attributes.origin:assam"), Flag.optional),
    sort: Flag.Literals("sort", ["relevance", "price", "-price", "-sold", "title"]).pipe(
      Flag.withDescription("Relevance without it"),
      Flag.optional
    ),
    limit,
    output
  },
  ({ channel, filters, language, limit, output, region, sort, words }) =>
    Effect.gen(function* () {
      const params: ReadonlyArray<[string, string]> = [
        ["q", words],
        ["region", region],
        ...given({ language, channel, filters, sort }),
        ["limit", limit]
      ]
      const { didYouMean, items, total } = yield* got("/search", params, Found)
      const rows = items.map(({ available, product }) => ({ ...product, available }))
      yield* printList(output, rows, ["sku", "title", "price", "available", "slug"], ({ sku }) => String(sku))
      const meant = didYouMean === null ? "" : `; did you mean ${didYouMean}`
      yield* Console.error(`${total} found${meant}`)
    })
).pipe(
  Command.withDescription("Search products as a shopper does, with the rules of merchants"),
  Command.withExamples([{ command: 'halles search query "green tea" --language en --limit 5' }])
)

const suggest = Command.make("suggest", { words, region, language }, ({ language, region, words }) =>
  Effect.gen(function* () {
    const params: ReadonlyArray<[string, string]> = [["q", words], ["region", region], ...given({ language })]
    const { products, ...rest } = yield* got("/search/suggest", params, Suggested)
    yield* Console.log(tree({ ...rest, products: products.map(({ sku, title }) => `${String(sku)} ${String(title)}`) }))
  })
).pipe(
  Command.withDescription("Print what a shopper is offered while typing: queries, products, categories"),
  Command.withExamples([{ command: "halles search suggest gre" }])
)
const Suggested = Schema.StructWithRest(Schema.Struct({ products: Schema.Array(Item) }), [Item])

const rules = Command.make(
  "rules",
  {
    region,
    kind: Flag.Literals("kind", ["synonyms", "redirect", "pins", "boost"]).pipe(
      Flag.withDescription("Only these"),
      Flag.optional
    ),
    limit,
    output
  },
  ({ kind, limit, output, region }) =>
    Effect.gen(function* () {
      const params: ReadonlyArray<[string, string]> = [["region", region], ...given({ kind }), ["limit", limit]]
      const { items } = yield* got("/search/rules", params, Items)
      yield* printList(output, items, ["code", "title", "effect", "language", "from", "until"], ({ code }) =>
        String(code)
      )
    })
).pipe(
  Command.withDescription("List the rules that merchants put for searches: synonyms, redirects, pins and boosts"),
  Command.withExamples([{ command: "halles search rules --kind pins" }])
)

const report = Command.make(
  "report",
  {
    name: Argument.Literals("report", ["queries", "without-results", "click-through"]).pipe(
      Argument.withDescription("What is asked, what finds nothing, what is chosen")
    ),
    region,
    days: Flag.String("days").pipe(Flag.withDescription("So many days back"), Flag.optional),
    limit,
    output
  },
  ({ days, limit, name, output, region }) =>
    Effect.gen(function* () {
      const params: ReadonlyArray<[string, string]> = [["region", region], ...given({ days }), ["limit", limit]]
      const { items } = yield* got(`/search/reports/${name}`, params, Items)
      const columns = ["query", "asked", "withoutResult", "clicks", "clickThrough", "meanPosition"]
      yield* printList(output, items, columns, (item) => String(item["query"]))
    })
).pipe(
  Command.withDescription("Report what shoppers asked, without saying who"),
  Command.withExamples([{ command: "halles search report without-results --days 7" }])
)

export const search = Command.make("search").pipe(
  Command.withDescription("Search as shoppers do, and see rules and reports of searches"),
  Command.withSubcommands([query, suggest, rules, report])
)
