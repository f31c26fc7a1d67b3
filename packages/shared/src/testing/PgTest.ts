import { PgClient } from "@effect/sql-pg"
import { spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { Clock, Config, Context, Effect, Layer, Option, Redacted, Schedule } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlClient } from "effect/sql"

/** Connections of one test's pool. */
const connectionsMax = 10

/**
 * A database of its own on a real Postgres, gone when the layer is released.
 *
 * The server is the one of `HALLES_TEST_PG_URL` (a superuser's url). Without it the process starts one of the machine's
 * own, once, in a temporary folder: without fsync, and it goes with the process, however that ends. Roles of production
 * (`halles_runner` …) are not there.
 */
export class PgTest extends Context.Service<PgTest, { readonly url: Redacted.Redacted; readonly database: string }>()(
  "@halles/shared/testing/PgTest"
) {
  static readonly layer = (name: string): Layer.Layer<PgTest | SqlClient.SqlClient | PgClient.PgClient> =>
    Layer.unwrap(
      Effect.map(PgTest, ({ url }) =>
        PgClient.layer({ url, applicationName: `test:${name}`, maxConnections: connectionsMax })
      )
    ).pipe(Layer.provideMerge(Layer.effect(PgTest, database(name, false))), Layer.orDie)

  /** On a server that nobody else uses, for what concerns all of a server: its roles, its administrator. */
  static readonly layerServer = (name: string): Layer.Layer<PgTest> =>
    Layer.effect(PgTest, database(name, true)).pipe(Layer.orDie)

  /** Url of the database, for what makes its own connections. */
  static readonly url: Effect.Effect<Redacted.Redacted, never, PgTest> = Effect.map(PgTest, ({ url }) => url)
}

const database = Effect.fnUntraced(function* (name: string, own: boolean) {
  const configured = yield* Config.option(Config.Redacted("HALLES_TEST_PG_URL"))
  const program = yield* Config.withDefault(Config.String("HALLES_TEST_PG_BIN"), "")
  const found = yield* Config.withDefault(Config.String("PATH"), "")
  const libraries = yield* Config.withDefault(Config.String("LD_LIBRARY_PATH"), "")
  const places = { path: program === "" ? found : `${dirname(program)}${delimiter}${found}`, libraries }
  const admin =
    Option.isSome(configured) && !own ? configured.value : yield* Effect.promise(() => temporaryServer(places))
  const database = `halles_test_${name.toLowerCase().replaceAll(/[^a-z0-9]/g, "_")}_${randomBytes(4).toString("hex")}`
  const run = (statement: string) =>
    Effect.scoped(
      Effect.gen(function* () {
        const sql = yield* PgClient.make({ url: admin, maxConnections: 1, applicationName: "test:admin" })
        yield* sql.unsafe(statement)
      })
    ).pipe(
      Effect.provide(Reactivity.layer),
      Effect.retry({ schedule: Schedule.spaced("100 millis"), times: 100 }),
      // A test may have stopped the clock; the server starts in real time.
      Effect.provideService(Clock.Clock, Clock.Clock.defaultValue()),
      Effect.orDie
    )
  yield* Effect.acquireRelease(run(`CREATE DATABASE ${database} TEMPLATE template0`), () =>
    run(`DROP DATABASE IF EXISTS ${database} WITH (FORCE)`)
  )
  const url = new URL(Redacted.value(admin))
  url.pathname = `/${database}`
  return { url: Redacted.make(url.href), database }
})

let server: Promise<Redacted.Redacted> | undefined
interface Places {
  readonly path: string
  readonly libraries: string
}
const temporaryServer = (places: Places): Promise<Redacted.Redacted> => (server ??= startServer(places))

/**
 * The shell lives as long as its standard input, the pipe to us: even a kill -9 of this process ends the server. It asks
 * more than once, since what a shell starts with `&` ignores SIGINT until Postgres has set its handlers.
 */
const supervise = `
exec 3<&0
"$BIN/initdb" -D "$DIR/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$DIR/log" 2>&1 </dev/null || exit 1
"$BIN/postgres" -D "$DIR/data" -p "$PORT" -k "$DIR" -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \\
  -c synchronous_commit=off -c wal_level=minimal -c max_wal_senders=0 -c max_connections=200 -c shared_buffers=64MB \\
  >>"$DIR/log" 2>&1 </dev/null 3<&- &
cat <&3 >/dev/null
while kill -INT $! 2>/dev/null; do sleep 0.2; done
rm -rf "$DIR"
`

const startServer = async ({ libraries, path }: Places): Promise<Redacted.Redacted> => {
  const bin = binaries(path)
  const port = await freePort()
  const dir = mkdtempSync(join(tmpdir(), "halles-pg-"))
  const user = process.getuid?.() === 0 ? unprivileged() : undefined
  if (user !== undefined) chownSync(dir, user.uid, user.gid)
  const child = spawn("/bin/sh", ["-c", supervise], {
    cwd: dir,
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: "/usr/bin:/bin", BIN: bin, DIR: dir, PORT: String(port), LC_ALL: "C", LD_LIBRARY_PATH: libraries },
    ...user
  })
  child.unref()
  const pipe = child.stdin as typeof child.stdin & { readonly unref?: () => void }
  pipe.unref?.()
  return Redacted.make(`postgres://postgres@127.0.0.1:${port}/postgres`)
}

/** Postgres refuses to run as root. */
const unprivileged = (): { readonly uid: number; readonly gid: number } => {
  const fields = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync("/etc/passwd", "utf8"))
  if (fields === null)
    throw new Error("tests run as root and there is no user nobody to run Postgres: set HALLES_TEST_PG_URL")
  return { uid: Number(fields[1]), gid: Number(fields[2]) }
}

const binaries = (path: string): string => {
  const debian = "/usr/lib/postgresql"
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map((version) => join(debian, version, "bin")), ...path.split(delimiter)]
  const found = folders.find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")))
  if (found === undefined) throw new Error("no Postgres on this machine: install it, or set HALLES_TEST_PG_URL")
  return found
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
