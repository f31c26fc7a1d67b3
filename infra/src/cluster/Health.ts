import { PgClient } from "@effect/sql-pg"
import { Data, Effect, Redacted } from "effect"
import { connect } from "node:net"

/** Why a process is not healthy, in words for a person. */
export class Unhealthy extends Data.TaggedError("Unhealthy")<{ readonly reason: string }> {}

/** One look at a process; succeeds if it does its work now. */
export type Health = Effect.Effect<void, Unhealthy>

const attemptMs = 2_000

/** The URL answers with 2xx. */
export const http = (url: string): Health =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(url, { signal: AbortSignal.timeout(attemptMs) })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`answers ${response.status}`)
    },
    catch: (cause) => new Unhealthy({ reason: `GET ${url}: ${cause instanceof Error ? cause.message : String(cause)}` })
  })

/** Postgres takes a login and answers a query. */
export const postgres = (url: string): Health =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`SELECT 1`
  }).pipe(
    Effect.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 1, connectTimeout: attemptMs })),
    Effect.timeout(attemptMs),
    Effect.mapError((error) => new Unhealthy({ reason: `no answer to a query: ${error.message}` }))
  )

/** NATS takes the login and its JetStream answers. */
export const nats = (url: string): Health => {
  const { password, username } = new URL(url)
  const login = {
    user: decodeURIComponent(username),
    pass: decodeURIComponent(password),
    verbose: false,
    pedantic: false
  }
  const options = JSON.stringify(username === "" ? { verbose: false, pedantic: false } : login)
  const ask = "SUB _INBOX.health 1\r\nPUB $JS.API.INFO _INBOX.health 0\r\n\r\n"
  return exchange(url, 4222, `CONNECT ${options}\r\n${ask}`, "account_info_response", "-ERR")
}

/** Redis takes the password and answers PING. */
export const redis = (url: string): Health => {
  return exchange(url, 6379, `${redisLogin(url)}PING\r\n`, "+PONG", "-")
}

/** Redis answers, and throws nothing away to make room. */
export const evictsNothing = (url: string): Health =>
  exchange(
    url,
    6379,
    `${redisLogin(url)}INFO memory\r\n`,
    "maxmemory_policy:noeviction",
    "maxmemory_policy:",
    "-"
  ).pipe(
    Effect.mapError(({ reason }) => new Unhealthy({ reason: `${reason}; its maxmemory-policy must be noeviction` }))
  )

const redisLogin = (url: string): string => {
  const { password, username } = new URL(url)
  const words = [username, password].filter((word) => word !== "").map(decodeURIComponent)
  return password === "" ? "" : `AUTH ${words.join(" ")}\r\n`
}

/** A mail server greets whoever connects. */
export const smtp = (port: number): Health => exchange(`smtp://127.0.0.1:${port}`, port, "", "220 ", "5")

/**
 * Sends a text and waits for the wanted answer; a line that begins with one of `refusals`, silence or a closed connection fail.
 * The connection ends with the look: a server that stops waits for those that are open.
 */
const exchange = (
  url: string,
  defaultPort: number,
  text: string,
  wanted: string,
  ...refusals: ReadonlyArray<string>
): Health =>
  Effect.callback<void, Unhealthy>((resume) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: port === "" ? defaultPort : Number(port), timeout: attemptMs })
    let answer = ""
    const end = (looked: Effect.Effect<void, Unhealthy>) => {
      socket.destroy()
      resume(looked)
    }
    const fail = (reason: string) => end(Effect.fail(new Unhealthy({ reason })))
    socket.setEncoding("utf8")
    socket.on("connect", () => socket.write(text))
    socket.on("data", (chunk: string) => {
      answer += chunk
      if (answer.includes(wanted)) end(Effect.void)
      const refused = answer
        .split("\r\n")
        .slice(0, -1)
        .find((line) => refusals.some((refusal) => line.startsWith(refusal)))
      if (refused !== undefined) fail(`refuses: ${refused}`)
    })
    socket.on("error", (error) => fail(error.message))
    socket.on("timeout", () => fail("no answer"))
    socket.on("close", () => fail("closed the connection"))
    return Effect.sync(() => socket.destroy())
  }).pipe(
    Effect.timeoutOrElse({ duration: attemptMs, orElse: () => Effect.fail(new Unhealthy({ reason: "no answer" })) })
  )
