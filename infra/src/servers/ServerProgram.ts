import { Effect } from "effect"
import { accessSync, constants, existsSync, readdirSync, realpathSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import * as DebianPackages from "./DebianPackages.ts"
import { ServerMissing } from "../InfraErrors.ts"
import * as Layout from "../Layout.ts"
import { output } from "../programs/RunCommand.ts"

/** A server's program: its path, what its environment needs, and where it came from, in words. */
export interface ServerProgram {
  readonly path: string
  readonly env: Record<string, string>
  readonly source: string
}

interface Server {
  readonly name: "postgres" | "nats" | "redis" | "chromium"
  readonly program: string
  readonly debian: string
  /** Programs that must lie beside it. */
  readonly beside: ReadonlyArray<string>
  readonly versionMin: readonly [number, number]
}

const servers = {
  postgres: {
    name: "postgres",
    program: "postgres",
    debian: "postgresql",
    beside: ["initdb"],
    versionMin: [15, 0]
  },
  nats: { name: "nats", program: "nats-server", debian: "nats-server", beside: [], versionMin: [2, 9] },
  redis: { name: "redis", program: "redis-server", debian: "redis-server", beside: [], versionMin: [6, 0] },
  // Not a server: the browser that tests of pages drive.
  chromium: { name: "chromium", program: "chromium", debian: "chromium", beside: [], versionMin: [120, 0] }
} as const satisfies Record<string, Server>

/** Finds the programs of the servers named, one after the other; `say` hears what takes long. */
export const locate = Effect.fn("ServerProgram.locate")(function* (
  name: Server["name"],
  options: { readonly downloadOnly: boolean; readonly say: (line: string) => void }
) {
  const server = servers[name]
  const tried: Array<string> = []
  if (!options.downloadOnly) {
    const found = yield* installed(server, tried)
    if (found !== null) return found
  }
  const kept = yield* unpacked(server, tried)
  if (kept !== null) return kept
  if (DebianPackages.available()) {
    options.say(
      `${name}: not on this machine; fetching Debian's package ${server.debian} into .halles/servers (nothing is installed)`
    )
    yield* download(server, tried)
    const fetched = yield* unpacked(server, tried)
    if (fetched !== null) return fetched
  } else if (existsSync("/opt/homebrew/bin/brew") || existsSync("/usr/local/bin/brew")) {
    tried.push("run: brew install postgresql@17 nats-server redis, then repeat")
  }
  return yield* new ServerMissing({ server: name, tried })
})

/** A program on the PATH or where Debian and brew put servers, the newest first, if it is new enough. */
const installed = Effect.fnUntraced(function* (server: Server, tried: Array<string>) {
  const directories = [
    ...(process.env["PATH"] ?? "").split(delimiter),
    ...postgresDirectories(),
    "/usr/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/bin"
  ]
  const paths = directories.filter((directory) => directory !== "").map((directory) => join(directory, server.program))
  // Postgres looks for its files from where its program really is; Redis's program has many names, and the name counts.
  const found = paths.filter(isProgram).map((path) => (server.beside.length > 0 ? realpathSync(path) : path))
  for (const path of new Set(found)) {
    const problem = yield* check(server, path, {})
    if (problem === null) return { path, env: {}, source: `${path} (found on this machine)` }
    tried.push(problem)
  }
  if (tried.length === 0) tried.push(`no ${server.program} on the PATH`)
  return null
})

const postgresDirectories = (): ReadonlyArray<string> =>
  ["/usr/lib/postgresql", "/opt/homebrew/opt"].flatMap((base) =>
    children(base)
      .filter((name) => /^(postgresql@)?\d+$/.test(name))
      .sort((one, other) => other.localeCompare(one, "en", { numeric: true }))
      .map((name) => join(base, name, "bin"))
  )

/** A program that an earlier start unpacked. */
const unpacked = Effect.fnUntraced(function* (server: Server, tried: Array<string>) {
  const target = join(Layout.servers, server.name)
  const directories = [
    ...children(join(target, "usr/lib/postgresql")).map((version) => join("usr/lib/postgresql", version, "bin")),
    // Debian's own start script of it looks for its files where they would be installed.
    "usr/lib/chromium",
    "usr/bin",
    "usr/sbin"
  ]
  const path = directories.map((directory) => join(target, directory, server.program)).find(isProgram)
  if (path === undefined) return null
  const env = { LD_LIBRARY_PATH: DebianPackages.libraryPath(target) }
  const problem = yield* check(server, path, env)
  if (problem === null) return { path, env, source: `${path} (Debian's package, unpacked)` }
  tried.push(problem)
  return null
})

const download = (server: Server, tried: Array<string>) =>
  Effect.andThen(DebianPackages.update, DebianPackages.unpack(server.debian, join(Layout.servers, server.name))).pipe(
    Effect.catch((failed) => Effect.sync(() => void tried.push(failed.message)))
  )

/** Runs `--version`: it must start, be new enough, and have its companions beside it. Gives the problem, or null. */
const check = (server: Server, path: string, env: Record<string, string>): Effect.Effect<string | null> => {
  const missing = server.beside.find((name) => !isProgram(join(dirname(path), name)))
  if (missing !== undefined) return Effect.succeed(`${path} has no ${missing} beside it`)
  return output(path, ["--version"], { env }).pipe(
    Effect.map((text) => {
      const [major, minor] = version(text)
      const [majorMin, minorMin] = server.versionMin
      return major > majorMin || (major === majorMin && minor >= minorMin)
        ? null
        : `${path} is older than ${majorMin}.${minorMin}`
    }),
    Effect.catch((failed) => Effect.succeed(failed.message))
  )
}

/** `postgres (PostgreSQL) 15.18 (Debian …)`, `nats-server: v2.9.10`, `Redis server v=7.0.15 …` → major and minor. */
export const version = (text: string): readonly [number, number] => {
  const found = /(\d+)\.(\d+)/.exec(text) ?? /(\d+)/.exec(text)
  return [Number(found?.[1] ?? 0), Number(found?.[2] ?? 0)]
}

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const children = (directory: string): ReadonlyArray<string> => (existsSync(directory) ? readdirSync(directory) : [])
