#!/usr/bin/env node
// The way in: `node infra/halles.mjs <command>`. Runs on the Node of the machine (20 or newer) and needs nothing installed:
// it brings the workspace's packages, Node 24 among them, and hands over to infra/src/main.ts.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const nodeMajor = 24
const pnpm = "pnpm@10.34.9"

/** Stops with one line; all of it goes to stderr, so that stdout is what the command prints and nothing else. */
const stop = (line) => {
  process.stderr.write(`halles: ${line}\n`)
  process.exit(1)
}

/** Installs what the lock file lists, unless the stamp says that exactly this lock file is installed. */
const install = () => {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex")
  const stamp = join(root, "node_modules", ".halles-lock")
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return
  process.stderr.write("halles: installing the workspace's packages (once; a minute or so)\n")
  const command = ["-y", pnpm, "install", "--frozen-lockfile", "--config.confirm-modules-purge=false"]
  const done = spawnSync("npx", command, { cwd: root, stdio: ["ignore", 2, 2] })
  if (done.error) stop(`npx did not start (${done.error.message}); npm comes with Node and must be on the PATH`)
  if (done.status !== 0) stop(`the install failed; see above, then repeat: npx ${command.join(" ")}`)
  writeFileSync(stamp, lock)
}

const majorOf = (node) => {
  const version = spawnSync(node, ["--version"], { encoding: "utf8" })
  return version.status === 0 ? Number(/^v(\d+)/.exec(version.stdout)?.[1]) : 0
}

/** The workspace's own Node 24; else the running one or one on the PATH. Never the shim in `.bin`: signals stop at it. */
const node24 = () => {
  const own = join(root, "node_modules", `node-${process.platform}-${process.arch}`, "bin", "node")
  if (existsSync(own) && majorOf(own) >= nodeMajor) return own
  if (Number(process.versions.node.split(".")[0]) >= nodeMajor) return process.execPath
  const found = (process.env["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => directory !== "" && !directory.includes("node_modules"))
    .map((directory) => join(directory, "node"))
    .find((node) => existsSync(node) && majorOf(node) >= nodeMajor)
  return (
    found ??
    stop(`Node ${nodeMajor} or newer is needed on ${process.platform} ${process.arch}: put it on the PATH and repeat`)
  )
}

install()
const child = spawn(node24(), [join(root, "infra", "src", "main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, NODE_COMPILE_CACHE: join(root, ".halles", "compiled") }
})
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal))
child.on("error", (error) => stop(`Node ${nodeMajor} did not start: ${error.message}`))
child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
