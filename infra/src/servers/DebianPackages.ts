import { Effect } from "effect"
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import type { CommandFailed } from "../InfraErrors.ts"
import { apt } from "../Layout.ts"
import { ownersAlone, passable } from "./OwnersAlone.ts"
import { output } from "../programs/RunCommand.ts"
import { nobody } from "./Unprivileged.ts"

/** One package of a plan, as `apt-get download` takes it. */
export interface Planned {
  readonly name: string
  readonly version: string
}

/** Reads what `apt-get --simulate install` would install: lines `Inst name [old] (version origin [arch])`. */
export const plan = (simulated: string): ReadonlyArray<Planned> =>
  simulated.split("\n").flatMap((line) => {
    const found = /^Inst (\S+) (?:\[[^\]]*\] )?\((\S+) /.exec(line)
    return found === null ? [] : [{ name: found[1] ?? "", version: found[2] ?? "" }]
  })

/**
 * The packages of a plan whose files the servers load: the servers and the shared libraries. The rest are maintainer scripts
 * and what these need; LLVM serves Postgres's jit, which we turn off.
 */
export const needed = (planned: ReadonlyArray<Planned>): ReadonlyArray<Planned> =>
  planned.filter(
    ({ name }) =>
      /^(postgresql(-client)?-\d+|nats-server|redis-server|redis-tools|chromium|chromium-common|lib.+)$/.test(name) &&
      !/^libllvm|^libperl|-perl$|-dev$/.test(name)
  )

/** The text of dpkg's status without the servers, so that the plan holds them even where a broken one is installed. */
export const withoutServers = (status: string): string =>
  status
    .split("\n\n")
    .filter((stanza) => !/^Package: (postgresql|nats-server|redis|libpq|chromium)/m.test(stanza))
    .join("\n\n")

const statusFile = join(apt, "status")
const options = [
  `Dir::State=${join(apt, "state")}`,
  `Dir::Cache=${join(apt, "cache")}`,
  `Dir::State::status=${statusFile}`,
  "APT::Sandbox::User=root",
  "Debug::NoLocking=true",
  "Acquire::Retries=3"
].flatMap((option) => ["-o", option])
const aptGet = (args: ReadonlyArray<string>, cwd: string = apt) =>
  output("apt-get", [...options, ...args], { cwd, env: { LC_ALL: "C", DEBIAN_FRONTEND: "noninteractive" } })

/** Lists younger than this are not fetched again: one update serves all servers of a start. */
const listsFreshMs = 600_000

/** Fetches the lists of packages into a directory of ours; the machine's own lists may be old, empty or not ours to change. */
export const update: Effect.Effect<void, CommandFailed> = Effect.gen(function* () {
  const stamp = join(apt, "updated")
  if (existsSync(stamp) && Date.now() - statSync(stamp).mtimeMs < listsFreshMs) return
  for (const directory of ["state/lists/partial", "cache/archives/partial"]) {
    mkdirSync(join(apt, directory), { recursive: true })
  }
  writeFileSync(statusFile, withoutServers(readFileSync("/var/lib/dpkg/status", "utf8")))
  yield* aptGet(["update"])
  writeFileSync(stamp, "")
})

/** Unpacks a package and the libraries that it lacks on this machine into `target`, which appears only when it is whole. */
export const unpack = Effect.fn("DebianPackages.unpack")(function* (name: string, target: string) {
  const simulated = yield* aptGet(["--simulate", "install", "--no-install-recommends", name])
  const packages = needed(plan(simulated))
  const work = `${target}.new`
  rmSync(work, { recursive: true, force: true })
  const archives = join(work, "archives")
  mkdirSync(archives, { recursive: true })
  yield* aptGet(["download", ...packages.map((found) => `${found.name}=${found.version}`)], archives)
  for (const archive of readdirSync(archives)) {
    yield* output("dpkg", ["-x", join(archives, archive), work])
  }
  rmSync(archives, { recursive: true })
  rmSync(target, { recursive: true, force: true })
  if (name === "postgresql" && process.getuid?.() === 0) readableBy(work, nobody)
  else ownersAlone(work)
  chmodSync(dirname(target), passable)
  renameSync(work, target)
})

/** As root, Postgres runs as another user, who reads its programs and changes none. */
const readableBy = (path: string, group: number): void => {
  const found = lstatSync(path)
  if (found.isSymbolicLink()) return
  chownSync(path, 0, group)
  chmodSync(path, (found.mode & 0o700) | ((found.mode & 0o500) >> 3))
  if (found.isDirectory()) for (const name of readdirSync(path)) readableBy(join(path, name), group)
}

/** Whether this is a machine of Debian's kind. */
export const available = (): boolean => existsSync("/var/lib/dpkg/status") && existsSync("/usr/bin/apt-get")

/** Where the shared libraries of an unpacked tree are, for LD_LIBRARY_PATH. */
export const libraryPath = (target: string): string =>
  ["usr/lib", "lib"]
    .map((directory) => join(target, directory))
    .filter(existsSync)
    .flatMap((directory) =>
      readdirSync(directory)
        .filter((name) => name.endsWith("-linux-gnu") || name.includes("-linux-gnu"))
        .map((name) => join(directory, name))
    )
    .join(":")
