import { Effect, Schema } from "effect"
import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Layout from "../Layout.ts"

/** Where the domains of a checkout are. */
const domains = join("packages", "entities", "src")
const list = join(domains, "Domains.ts")

/** The name is none, or is taken. */
class BadDomainName extends Schema.TaggedError<BadDomainName>()("BadDomainName", { reason: Schema.String }) {
  override get message() {
    return this.reason
  }
}

/** Of `wish-list`: the entity type `WishList`, the variable `wishList`, the folder `wishlist`, the path `/wish-lists`, the words `wish list`. */
interface DomainName {
  readonly type: string
  readonly variable: string
  readonly folder: string
  readonly path: string
  readonly words: string
}

export const nameOf = (given: string): DomainName | null => {
  if (!/^[a-z]{2,20}(-[a-z]{2,20}){0,2}$/.test(given)) return null
  const parts = given.split("-")
  const type = parts.map((part) => part[0]!.toUpperCase() + part.slice(1)).join("")
  return {
    type,
    variable: type[0]!.toLowerCase() + type.slice(1),
    folder: parts.join(""),
    path: given,
    words: parts.join(" ")
  }
}

const formatter = join(Layout.root, "node_modules", "oxfmt", "bin", "oxfmt")
const templates = join(Layout.root, "infra", "templates", "domain")

/** The files of a domain, by their paths in a checkout. */
const filesOf = ({
  folder,
  path,
  type,
  variable,
  words
}: DomainName): ReadonlyArray<readonly [path: string, text: string]> => {
  const named = (text: string) =>
    text
      .replaceAll("__Type__", type)
      .replaceAll("__variable__", variable)
      .replaceAll("__path__", path)
      .replaceAll("__table__", path.replaceAll("-", "_"))
      .replaceAll("__words__", words)
      .replaceAll("__Words__", `${words[0]!.toUpperCase()}${words.slice(1)}`)
  return readdirSync(templates).map((file) => [
    join(domains, folder, file.replace("Type", type).replace(/\.txt$/, "")),
    named(readFileSync(join(templates, file), "utf8"))
  ])
}

/** `Domains.ts` with the domain in it, at the front: its laws need nothing of others. */
const listed = (text: string, { folder, type, variable }: DomainName): string =>
  text
    .replace(/\n\n\/\*\*/, `\nimport { ${variable} } from "./${folder}/${type}Domain.ts"\n\n/**`)
    .replace("export const domains = [", `export const domains = [${variable}, `)

/** Writes a domain that compiles into a checkout, and puts it into its list. */
export const newDomain = Effect.fn("NewDomain.newDomain")(function* (root: string, given: string) {
  const name = nameOf(given)
  if (name === null) {
    return yield* new BadDomainName({
      reason: `"${given}" is no name of a domain: say it as wish-list, in small letters`
    })
  }
  if (existsSync(join(root, domains, name.folder))) {
    return yield* new BadDomainName({ reason: `there is a folder ${join(domains, name.folder)} already` })
  }
  const files = filesOf(name)
  yield* Effect.sync(() => {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    writeFileSync(join(root, list), listed(readFileSync(join(root, list), "utf8"), name))
    // Lines are as long as the name makes them.
    const formatted = spawnSync(process.execPath, [formatter, join(root, domains, name.folder), join(root, list)])
    if (formatted.status !== 0) throw new Error(`oxfmt: ${formatted.stderr}`)
  })
  return [...files.map(([path]) => path), list]
})
