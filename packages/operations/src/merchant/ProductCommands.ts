import { Channel } from "@halles/entities/catalogue/Channel"
import { SkuCode } from "@halles/shared/Ids"
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { clockTime, output, printList } from "../inspector/Output.ts"
import { NotDone } from "../operator/Operator.ts"
import { change, changing, get as got, given, Item, Items, json, limit, region, show, textOf } from "./EdgeCall.ts"

const sku = Argument.String("sku").pipe(
  Argument.withSchema(SkuCode),
  Argument.withDescription("The code of the article")
)

const get = Command.make(
  "get",
  {
    sku,
    region,
    json,
    version: Flag.String("at-version").pipe(Flag.withDescription("As it was at this `seq`"), Flag.optional),
    at: Flag.String("at").pipe(Flag.withDescription("As it was then, such as 2026-12-01T06:00Z"), Flag.optional)
  },
  ({ at, json, region, sku, version }) =>
    Effect.gen(function* () {
      const params: ReadonlyArray<[string, string]> = [["region", region], ...given({ version, at })]
      yield* show(json, yield* got(`/products/${sku}/details`, params, Item))
    })
).pipe(
  Command.withDescription(
    "Print a product as merchants edit it: drafts too, with its details, texts in other languages and scheduled changes; now, or as it was"
  ),
  Command.withShortDescription("Print a product as merchants edit it"),
  Command.withExamples([
    { command: "halles product get TEA-01" },
    { command: "halles product get TEA-01 --at 2026-12-01T06:00Z --json" }
  ])
)

const list = Command.make(
  "list",
  {
    region,
    words: Flag.String("q").pipe(
      Flag.withDescription("Only those with these words, by their beginnings"),
      Flag.optional
    ),
    channel: Flag.Literals("channel", Channel.literals).pipe(
      Flag.withDescription("Only what is sold there"),
      Flag.optional
    ),
    limit,
    output
  },
  ({ channel, limit, output, region, words }) =>
    Effect.gen(function* () {
      const params: ReadonlyArray<[string, string]> = [
        ["region", region],
        ...given({ q: words, channel }),
        ["limit", limit]
      ]
      const { items } = yield* got("/products", params, Items)
      yield* printList(output, items, ["sku", "title", "price", "productType", "slug", "seq"], ({ sku }) => String(sku))
    })
).pipe(
  Command.withDescription("List what a region sells, in the order of its codes"),
  Command.withExamples([{ command: "halles product list --q tea --channel web -o ids" }])
)

const put = Command.make(
  "put",
  {
    sku,
    region,
    listing: Flag.String("listing").pipe(
      Flag.withDescription("File with title, description, price, taxRate and status, as JSON"),
      Flag.optional
    ),
    details: Flag.String("details").pipe(
      Flag.withDescription("File with all details, as JSON: those that it lacks are removed"),
      Flag.optional
    ),
    texts: Flag.String("translations").pipe(
      Flag.withDescription("File with all texts in other languages, as JSON"),
      Flag.optional
    ),
    slug: Flag.String("slug").pipe(Flag.withDescription("The name in the address of its page"), Flag.optional),
    ...changing
  },
  ({ details, listing, region, slug, sku, texts, version, ...rest }) =>
    Effect.gen(function* () {
      const path = `/products/${sku}`
      const parts = [
        [path, Option.isSome(listing) ? yield* textOf(listing.value) : null],
        [`${path}/details`, Option.isSome(details) ? yield* textOf(details.value) : null],
        [`${path}/translations`, Option.isSome(texts) ? yield* textOf(texts.value) : null],
        [`${path}/slug`, Option.isSome(slug) ? JSON.stringify({ slug: slug.value }) : null]
      ] as const
      const wanted = parts.filter(([, body]) => body !== null)
      if (wanted.length === 0)
        return yield* new NotDone({
          reason: "say what is put: --listing, --details, --translations or --slug",
          exitCode: 2
        })
      // Each part makes a version of its own: the next one is for what the first has made.
      let seen = version
      for (const [place, body] of wanted) {
        const view = yield* change("PUT", place, { region, version: seen, ...rest }, body, `${path}/details`)
        seen = Option.some(String(view["seq"]))
      }
      yield* Console.error(`${sku} is at version ${Option.getOrElse(seen, () => "0")}`)
    })
).pipe(
  Command.withDescription(
    "List a product, describe it, translate it or name it. Each file is the body of the route, and replaces all that it is about. A version that somebody else has changed meanwhile is refused"
  ),
  Command.withShortDescription("Put a product from files"),
  Command.withExamples([
    { command: "halles product put TEA-01 --listing tea.json --slug breakfast-tea" },
    { command: 'halles product put TEA-01 --details details.json --version-seen 4 --reason "New supplier"' }
  ])
)

const historyOf = Command.make("history", { sku, region, limit, output }, ({ limit, output, region, sku }) =>
  Effect.gen(function* () {
    const params: ReadonlyArray<[string, string]> = [
      ["region", region],
      ["limit", limit]
    ]
    const { items } = yield* got(`/products/${sku}/history`, params, Items)
    const rows = items.map((item) => (output === "table" ? { ...item, at: clockTime(Number(item["at"])) } : item))
    yield* printList(output, rows, ["seq", "at", "author", "reason", "changes"], ({ seq }) => String(seq))
  })
).pipe(
  Command.withDescription("Print who changed a product, when, why and what, the newest change first"),
  Command.withExamples([{ command: "halles product history TEA-01 -o jsonl" }])
)

const archive = Command.make("archive", { sku, region, ...changing }, ({ sku, ...rest }) =>
  Effect.gen(function* () {
    const path = `/products/${sku}`
    const { status } = yield* change("DELETE", path, rest, null, `${path}/details`)
    yield* Console.error(`${sku} is ${String(status)}`)
  })
).pipe(
  Command.withDescription(
    "Take a product off sale: carts that hold it can no longer be checked out. Listing it again brings it back"
  ),
  Command.withShortDescription("Take a product off sale"),
  Command.withExamples([{ command: 'halles product archive TEA-01 --reason "No longer made"' }])
)

export const product = Command.make("product").pipe(
  Command.withDescription("Look at products, put them, and take them off sale"),
  Command.withSubcommands([get, list, put, historyOf, archive])
)
