import { CategoryCode } from "@halles/entities/category/CategoryTree"
import type { Region } from "@halles/shared/Region"
import { Console, Effect, Option, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { NotDone } from "../operator/Operator.ts"
import { change, changing, get as got, Item, json, region, show, textOf } from "./EdgeCall.ts"

const code = Argument.String("code").pipe(
  Argument.withSchema(CategoryCode),
  Argument.withDescription("The code of the category")
)
const codeOf = (name: string, about: string) =>
  Flag.String(name).pipe(Flag.withSchema(CategoryCode), Flag.withDescription(about), Flag.optional)

const Page = Schema.Struct({
  items: Schema.Array(Schema.Struct({ code: Schema.String, title: Schema.String, children: Schema.Int })),
  next: Schema.NullOr(Schema.String)
})
const pageMax = 200
/** Categories that are printed at the most. */
const shownMax = 2_000

/** Prints the categories below one, and below those, each a step further in. */
const below = Effect.fnUntraced(function* (region: Region, root: string | null, depth: number) {
  let left = shownMax
  const print = Effect.fnUntraced(function* (
    parent: string | null,
    level: number
  ): Effect.fn.Return<void, NotDone | Effect.Error<ReturnType<typeof got>>, Effect.Services<ReturnType<typeof got>>> {
    let cursor: string | null = null
    do {
      const params: ReadonlyArray<[string, string]> = [
        ["region", region],
        ["limit", String(pageMax)],
        ...(parent === null ? [] : [["parent", parent] as [string, string]]),
        ...(cursor === null ? [] : [["cursor", cursor] as [string, string]])
      ]
      const page: typeof Page.Type = yield* got("/categories", params, Page)
      for (const one of page.items) {
        if (left === 0) return
        left -= 1
        yield* Console.log(
          `${"  ".repeat(level)}${one.code}  ${one.title}${one.children > 0 ? `  (${one.children})` : ""}`
        )
        if (one.children > 0 && level + 1 < depth) yield* print(one.code, level + 1)
      }
      cursor = page.next
    } while (cursor !== null)
  })
  yield* print(root, 0)
  if (left === 0) yield* Console.error(`… and more: name one of them with --below`)
})

const treeOf = Command.make(
  "tree",
  {
    region,
    root: codeOf("below", "Only what stands below this one"),
    depth: Flag.Int("depth").pipe(Flag.withDescription("Levels that are shown"), Flag.withDefault(3))
  },
  ({ depth, region, root }) => below(region, Option.getOrNull(root), depth)
).pipe(
  Command.withDescription(
    "Print the categories that a shop shows, each below its parent, with the number of its own children"
  ),
  Command.withShortDescription("Print the tree of categories"),
  Command.withExamples([{ command: "halles category tree --below tea --depth 2" }])
)

const get = Command.make("get", { code, region, json }, ({ code, json, region }) =>
  Effect.flatMap(got(`/categories/${code}`, [["region", region]], Item), (item) => show(json, item))
).pipe(
  Command.withDescription("Print a category: its texts, its rule, its path and the attributes that it inherits"),
  Command.withExamples([{ command: "halles category get black-tea --json" }])
)

const put = Command.make(
  "put",
  {
    code,
    file: Argument.String("file").pipe(
      Argument.withDescription("Its whole description as JSON: title, description, translations, attributes, rule, …")
    ),
    region,
    ...changing
  },
  ({ code, file, ...rest }) =>
    Effect.gen(function* () {
      const { seq } = yield* change("PUT", `/categories/${code}`, rest, yield* textOf(file))
      yield* Console.error(`${code} is at version ${String(seq)}`)
    })
).pipe(
  Command.withDescription("Describe a category, or replace its description. `move` gives it its place in the tree"),
  Command.withShortDescription("Put a category from a file"),
  Command.withExamples([{ command: "halles category put black-tea black-tea.json" }])
)

const move = Command.make(
  "move",
  {
    code,
    region,
    parent: codeOf("under", "Its new parent"),
    isRoot: Flag.Boolean("root").pipe(Flag.withDefault(false), Flag.withDescription("It stands below none")),
    before: codeOf("before", "The sibling that it stands in front of; last without it"),
    ...changing
  },
  ({ before, code, isRoot, parent, ...rest }) =>
    Effect.gen(function* () {
      if (isRoot === Option.isSome(parent))
        return yield* new NotDone({ reason: "say where it goes: --under CODE, or --root", exitCode: 2 })
      const body = JSON.stringify({ parent: Option.getOrNull(parent), before: Option.getOrNull(before) })
      // Its version is that of the whole tree, which no route shows by itself.
      const { count } = yield* change("PUT", `/categories/${code}/place`, rest, body, null)
      yield* Console.error(`${code} stands there, with all below it; the tree has ${String(count)} categories`)
    })
).pipe(
  Command.withDescription(
    "Give a category its place in the tree, or another one. The categories below it, and all products in them, move with it at once"
  ),
  Command.withShortDescription("Move a category with all below it"),
  Command.withExamples([
    { command: "halles category move black-tea --under tea --before green-tea" },
    { command: "halles category move tea --root" }
  ])
)

export const category = Command.make("category").pipe(
  Command.withDescription("Look at the tree of categories, describe them and move them"),
  Command.withSubcommands([treeOf, get, put, move])
)
