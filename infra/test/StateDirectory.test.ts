import { assert, describe, it } from "@effect/vitest"
import { publicKey, publicText } from "@halles/shared/security/DerivedKey"
import * as ServiceToken from "@halles/shared/security/ServiceToken"
import { Effect, Redacted } from "effect"
import { spawn } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { ClusterState, ProcessState, read, write } from "../src/cluster/ClusterState.ts"
import { type Layout, lockFile, secretsFile, stateFile } from "../src/Layout.ts"
import { identify, isAlive, ProcessIdentity } from "../src/cluster/ProcessIdentity.ts"
import { secrets } from "../src/servers/Secrets.ts"
import { claim, owner } from "../src/StateDirectory.ts"

const layout = Effect.acquireRelease(
  Effect.sync((): Layout => ({ directory: mkdtempSync(join(tmpdir(), "halles-state-")), portBase: 4400 })),
  ({ directory }) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

/** A process that nobody supervises. */
const orphan = Effect.acquireRelease(
  Effect.callback<ProcessIdentity>((resume) => {
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" })
    child.once("spawn", () => {
      const identity = identify(child.pid ?? 0)
      resume(identity === null ? Effect.die("not started") : Effect.succeed(identity))
    })
  }),
  ({ pid }) =>
    Effect.sync(() => {
      if (identify(pid) !== null) process.kill(pid, "SIGKILL")
    })
)

const left = (identity: ProcessIdentity): ClusterState =>
  new ClusterState({
    version: 1,
    phase: "ready",
    message: "ready",
    portBase: 4400,
    supervisor: new ProcessIdentity({ pid: 1, started: "long ago" }),
    sources: {},
    nats: "nats://127.0.0.1:4403",
    redis: "redis://127.0.0.1:4404",
    counters: "redis://127.0.0.1:4414",
    databases: {},
    processes: [
      new ProcessState({
        name: "edge",
        kind: "edge",
        region: null,
        identity,
        port: 4400,
        upSince: null,
        restarts: 2,
        stopSignal: "SIGTERM"
      })
    ]
  })

describe("StateDirectory", () => {
  it.live("belongs to one process at a time, and is free again afterwards", () =>
    Effect.gen(function* () {
      const own = yield* layout
      yield* Effect.scoped(
        Effect.gen(function* () {
          const directory = yield* claim(own)
          directory.update({ message: "starting postgres" })
          assert.strictEqual(read(own)?.message, "starting postgres")
          assert.strictEqual(owner(own)?.pid, process.pid)
          const refused = yield* Effect.flip(Effect.scoped(claim(own)))
          assert.strictEqual(refused._tag, "AlreadyRunning")
        })
      )
      assert.isNull(owner(own))
      assert.isFalse(existsSync(stateFile(own)))
      yield* Effect.scoped(claim(own))
    })
  )

  it.live("lets nobody else read what is in it, whoever wrote it and however", () =>
    Effect.gen(function* () {
      const own = yield* layout
      mkdirSync(join(own.directory, "nats", "stream"), { recursive: true, mode: 0o755 })
      const files = ["nats/stream/1.blk", "edge.log", "nats.conf"].map((name) => join(own.directory, name))
      for (const path of files) writeFileSync(path, "x", { mode: 0o644 })
      chmodSync(files[0]!, 0o777)
      yield* Effect.scoped(claim(own))
      for (const path of [...files, join(own.directory, "nats"), join(own.directory, "nats", "stream")]) {
        assert.strictEqual(statSync(path).mode & 0o077, 0, path)
      }
      assert.strictEqual(statSync(files[0]!).mode & 0o700, 0o700)
      assert.strictEqual(statSync(own.directory).mode & 0o066, 0)
    })
  )

  it.live("begins anew on request, and never gives back what another process has taken since", () =>
    Effect.gen(function* () {
      const own = yield* layout
      const other = yield* orphan
      mkdirSync(join(own.directory, "nats"))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* claim(own, { empty: true })
          assert.isFalse(existsSync(join(own.directory, "nats")))
          assert.strictEqual(owner(own)?.pid, process.pid)
          writeFileSync(lockFile(own), JSON.stringify(other))
        })
      )
      assert.strictEqual(owner(own)?.pid, other.pid)
    })
  )

  it.live("stops what a killed supervisor left", () =>
    Effect.gen(function* () {
      const own = yield* layout
      const process = yield* orphan
      write(own, left(process))
      writeFileSync(lockFile(own), JSON.stringify({ pid: process.pid, started: "another boot" }))
      yield* Effect.scoped(claim(own))
      assert.isFalse(isAlive(process))
    })
  )

  it.live("never touches a process that only has the number of one of ours", () =>
    Effect.gen(function* () {
      const own = yield* layout
      const process = yield* orphan
      write(own, left(new ProcessIdentity({ pid: process.pid, started: "another boot:1" })))
      yield* Effect.scoped(claim(own))
      assert.isTrue(isAlive(process))
    })
  )

  it.live("state goes to the file and back; a broken file is none", () =>
    Effect.gen(function* () {
      const own = yield* layout
      const state = left(new ProcessIdentity({ pid: 7, started: "boot:7" }))
      write(own, state)
      assert.deepStrictEqual(read(own), state)
      writeFileSync(stateFile(own), '{"version":1,')
      assert.isNull(read(own))
    })
  )

  it.live("tokens of our tools end, and are made anew by whoever reads them before that", () =>
    Effect.gen(function* () {
      const own = yield* layout
      const first = yield* secrets(own)
      const key = ServiceToken.signingKey(Redacted.make(first.serviceKey))
      const known = publicKey(publicText(key))
      for (const name of ["import", "admin"] as const) {
        const token = name === "import" ? first.importToken : first.adminToken
        assert.strictEqual(ServiceToken.read(known, token, Date.now() + ServiceToken.leftMinMs), name)
        assert.strictEqual(ServiceToken.read(known, token, Date.now() + ServiceToken.lifetimeMs), "expired")
      }
      const path = secretsFile(own)
      const age = (tokens: object) => writeFileSync(path, JSON.stringify({ ...first, ...tokens }))
      age({ adminToken: ServiceToken.make(key, "admin", Date.now() + ServiceToken.leftMinMs - 1_000) })
      const second = yield* secrets(own)
      assert.notStrictEqual(second.adminToken, first.adminToken)
      assert.strictEqual(second.importToken, first.importToken)
      assert.strictEqual(ServiceToken.read(known, second.adminToken, Date.now()), "admin")
      // What an older version left there was good for ever.
      age({ importToken: "0123456789abcdef" })
      assert.strictEqual(ServiceToken.read(known, (yield* secrets(own)).importToken, Date.now()), "import")
    })
  )

  it.live("secrets are made once and are their owner's alone", () =>
    Effect.gen(function* () {
      const own = yield* layout
      mkdirSync(own.directory, { recursive: true })
      const made = yield* secrets(own)
      assert.deepStrictEqual(yield* secrets(own), made)
      assert.strictEqual(statSync(secretsFile(own)).mode & 0o777, 0o600)
      assert.strictEqual(new Set(Object.values(made)).size, Object.keys(made).length)
    })
  )
})
