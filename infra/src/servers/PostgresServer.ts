import { Effect } from "effect"
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import * as Environment from "../Environment.ts"
import * as Health from "../cluster/Health.ts"
import { StateUnusable } from "../InfraErrors.ts"
import { type Layout, logFile } from "../Layout.ts"
import { connectionsMax } from "./Logins.ts"
import { ports } from "../cluster/Ports.ts"
import { output } from "../programs/RunCommand.ts"
import type { Secrets } from "./Secrets.ts"
import type { ServerProgram } from "./ServerProgram.ts"
import type { ProcessSpec } from "../cluster/Supervised.ts"
import { type Unprivileged, unprivileged } from "./Unprivileged.ts"

/** For a machine that runs everything: durable, and small. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  shared_buffers: "128MB",
  work_mem: "8MB",
  fsync: "on",
  wal_compression: "on",
  max_wal_size: "2GB",
  checkpoint_timeout: "15min",
  checkpoint_completion_target: "0.9",
  random_page_cost: "1.1",
  jit: "off",
  // Where the database's time goes can be asked of any cluster that runs; statements inside functions count too.
  shared_preload_libraries: "pg_stat_statements",
  "pg_stat_statements.track": "all",
  // Passwords are set by utility statements: those are nobody's business.
  "pg_stat_statements.track_utility": "off",
  password_encryption: "scram-sha-256",
  idle_in_transaction_session_timeout: "60s",
  // Of one session's sorts and hashes, on disk.
  temp_file_limit: "1GB",
  timezone: "GMT",
  log_timezone: "GMT",
  log_line_prefix: "%m [%p] %a ",
  logging_collector: "off"
}

export const adminUrl = (layout: Layout, secrets: Secrets): string =>
  `postgres://postgres:${secrets.pgAdmin}@127.0.0.1:${ports(layout.portBase).postgres}/postgres`

/** Makes the data directory if there is none, and says how to run Postgres on it. */
export const postgresServer = Effect.fn("PostgresServer.make")(function* (
  layout: Layout,
  secrets: Secrets,
  program: ServerProgram
) {
  const data = join(layout.directory, "postgres")
  const env = { ...Environment.inherited(process.env), ...program.env, LC_ALL: "C", TZ: "GMT" }
  const user = yield* unprivileged(layout.directory, join(dirname(program.path), "initdb"), env)
  if (existsSync(data)) yield* requireOwn(data, user)
  else yield* initialise({ data, env, program, secrets, user })
  removeStalePid(data)
  const { postgres } = ports(layout.portBase)
  const flags = Object.entries({
    ...settings,
    max_connections: String(connectionsMax(secrets)),
    port: String(postgres)
  }).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  const [command = program.path, ...args] = [...user.prefix, program.path, "-D", data, ...flags]
  return {
    name: "postgres",
    kind: "server",
    command,
    args,
    env,
    cwd: data,
    port: postgres,
    log: logFile(layout, "postgres"),
    stopSignal: "SIGINT",
    graceMs: 20_000,
    health: Health.postgres(adminUrl(layout, secrets))
  } satisfies ProcessSpec
})

/** The data directory appears under its name only when it is whole. */
const initialise = Effect.fnUntraced(function* (options: {
  readonly data: string
  readonly env: Record<string, string>
  readonly program: ServerProgram
  readonly secrets: Secrets
  readonly user: Unprivileged
}) {
  const { data, env, program, secrets, user } = options
  const work = `${data}.new`
  const password = `${data}.password`
  rmSync(work, { recursive: true, force: true })
  mkdirSync(work, { mode: 0o700 })
  writeFileSync(password, secrets.pgAdmin, { mode: 0o600 })
  for (const path of [work, password]) user.own(path)
  const locale = process.platform === "linux" ? "C.UTF-8" : "C"
  const [command = program.path, ...args] = [
    ...user.prefix,
    join(dirname(program.path), "initdb"),
    "-D",
    work,
    "--username=postgres",
    `--pwfile=${password}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    `--locale=${locale}`
  ]
  yield* output(command, args, { cwd: work, env }).pipe(
    Effect.ensuring(Effect.sync(() => rmSync(password, { force: true })))
  )
  renameSync(work, data)
  chmodSync(data, 0o700)
})

/** Postgres demands that its user owns the directory; say so before it does, in words that help. */
const requireOwn = (data: string, user: Unprivileged) =>
  Effect.suspend(() => {
    const owner = statSync(data).uid
    const ours = user.uid ?? process.getuid?.() ?? owner
    if (owner === ours) return Effect.void
    const reason = `belongs to user ${owner}, and Postgres would run as user ${ours}. Run as who made it, or remove it to begin anew`
    return Effect.fail(new StateUnusable({ path: data, reason }))
  })

/** After a crash of the machine the number in `postmaster.pid` may be another process of the same user; Postgres would wait for it for ever. */
const removeStalePid = (data: string): void => {
  const path = join(data, "postmaster.pid")
  if (!existsSync(path) || process.platform !== "linux") return
  const pid = Number(readFileSync(path, "utf8").split("\n")[0])
  const commandLine = `/proc/${pid}/cmdline`
  if (existsSync(commandLine) && !readFileSync(commandLine, "utf8").includes(data)) rmSync(path)
}
