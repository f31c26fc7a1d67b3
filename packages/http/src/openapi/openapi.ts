import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Console, Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import type { OpenAPISpec } from "effect/http-api/OpenApi"
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join, resolve } from "node:path"
import { breakingChanges } from "./BreakingChanges.ts"
import { committed, committedPath, text } from "./Committed.ts"
import { page, pagePath } from "../access/PolicyPage.ts"
import { limitsPage, limitsPath } from "../limits/LimitsPage.ts"

/** There is no document to compare with. */
class NoBase extends Schema.TaggedError<NoBase>()("NoBase", { base: Schema.String }) {
  override get message(): string {
    return `${this.base} is neither a file nor a revision that has ${committedPath.inRepository}`
  }
}

const folder = dirname(committedPath.absolute)

const write = Command.make("write", {}, () =>
  Effect.andThen(
    Effect.sync(() => {
      writeFileSync(committedPath.absolute, text)
      writeFileSync(pagePath.absolute, page)
      writeFileSync(limitsPath.absolute, limitsPage)
    }),
    Console.log(`Wrote ${[committedPath, pagePath, limitsPath].map(({ inRepository }) => inRepository).join(", ")}`)
  )
).pipe(
  Command.withDescription("Write the committed document, the page of who may do what and the limits anew from the code")
)

/** The document in a file, or as it was committed under a revision. */
const read = (base: string): Effect.Effect<OpenAPISpec, NoBase> =>
  Effect.try({
    try: () => {
      const file = resolve(base)
      if (existsSync(file)) return JSON.parse(readFileSync(file, "utf8")) as OpenAPISpec
      const committedText = execFileSync("git", ["show", `${base}:${committedPath.inRepository}`], {
        cwd: folder,
        encoding: "utf8",
        maxBuffer: 64 * 1024 * 1024,
        stdio: ["ignore", "pipe", "ignore"]
      })
      return JSON.parse(committedText) as OpenAPISpec
    },
    catch: () => new NoBase({ base })
  })

const base = Flag.String("base").pipe(
  Flag.withDescription("The document that clients know: a file, or a git revision; the committed one by default"),
  Flag.optional
)

const check = Command.make(
  "check",
  { base },
  Effect.fn("openapi.check")(function* ({ base }) {
    if (committed() !== text) {
      yield* Console.log(`${committedPath.inRepository} is not what the code says; npm run openapi -- write`)
      process.exitCode = 1
    }
    const known = yield* read(Option.getOrElse(base, () => committedPath.absolute))
    const now = JSON.parse(text) as OpenAPISpec
    const changes = breakingChanges(known, now)
    for (const change of changes) yield* Console.log(change)
    const renamed = known.info.version !== now.info.version
    yield* Console.log(
      changes.length === 0
        ? "Nothing that clients rely on has changed."
        : `${changes.length} breaking changes${renamed ? `, which version ${now.info.version} may have` : ""}.`
    )
    if (changes.length > 0 && !renamed) process.exitCode = 1
  })
).pipe(
  Command.withDescription(
    "Fail when the committed document is not what the code says, or when the code breaks clients of the base under the same version"
  )
)

const lint = Command.make("lint", {}, () =>
  Effect.sync(() => {
    const manifest = createRequire(import.meta.url).resolve("@redocly/cli/package.json")
    const program = join(dirname(manifest), "bin", "cli.js")
    const done = spawnSync(process.execPath, [program, "lint", committedPath.absolute, "--format", "stylish"], {
      cwd: folder,
      env: { PATH: "", NO_COLOR: "1", REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
      stdio: "inherit"
    })
    process.exitCode = done.status ?? 1
  })
).pipe(Command.withDescription("Lint the committed document by Redocly's recommended rules"))

const openapi = Command.make("openapi").pipe(
  Command.withDescription("The document of the public API, which is generated from the code and committed"),
  Command.withSubcommands([write, check, lint])
)

Command.run(openapi, { version: "0.1.0" }).pipe(Effect.provide(NodeServices.layer), NodeRuntime.runMain)
