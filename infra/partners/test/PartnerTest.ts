import * as WebhookSignature from "@halles/shared/security/WebhookSignature"
import { Context, Effect, Layer, Queue, Redacted, Result, type Schema, Schema as S } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { fileURLToPath } from "node:url"
import { join } from "node:path"

export const key = "test-key"
export const secret = Redacted.make(`whsec_${Buffer.from("a secret of the tests only").toString("base64")}`)

/** One webhook as it arrived. */
export interface Arrival {
  readonly id: string
  readonly at: number
  readonly signed: boolean
  readonly body: unknown
}

/** A merchant's endpoint: a real HTTP server that checks signatures and keeps what arrives. */
export class Receiver extends Context.Service<
  Receiver,
  {
    readonly url: string
    /** Takes arrivals until one decodes and fits, at most 15 s. */
    readonly next: <A>(
      schema: Schema.ConstraintCodec<A, unknown>,
      fits: (event: A) => boolean
    ) => Effect.Effect<Arrival & { readonly event: A }>
    /** The next so many webhooks of this reference are answered 500; they are kept all the same. */
    readonly refuse: (reference: string, count: number) => void
  }
>()("@halles/partners/test/Receiver") {
  static readonly layer = Layer.effect(
    Receiver,
    Effect.suspend(() => makeReceiver)
  )
}

const makeReceiver = Effect.gen(function* () {
  const signature = WebhookSignature.make([secret])
  const arrivals = yield* Queue.unbounded<Arrival>()
  const refusals = new Map<string, number>()
  const server: Server = createServer((request, response) => {
    const chunks: Array<Buffer> = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString()
      const headers = request.headers as Readonly<Record<string, string | undefined>>
      const signed = Result.isSuccess(signature.verify(headers, text))
      const body = JSON.parse(text) as { readonly reference: string }
      Queue.offerUnsafe(arrivals, {
        id: headers["webhook-id"] ?? "",
        at: Date.now(),
        signed,
        body
      })
      const left = refusals.get(body.reference) ?? 0
      refusals.set(body.reference, left - 1)
      response.statusCode = left > 0 ? 500 : 204
      response.end()
    })
  })
  yield* Effect.acquireRelease(
    Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  return Receiver.of({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hooks`,
    next: <A>(schema: Schema.ConstraintCodec<A, unknown>, fits: (event: A) => boolean) =>
      Effect.gen(function* () {
        while (true) {
          const arrival = yield* Queue.take(arrivals)
          const event = S.decodeUnknownSync(schema)(arrival.body)
          if (fits(event)) return { ...arrival, event }
        }
      }).pipe(Effect.timeout("15 seconds"), Effect.orDie),
    refuse: (reference, count) => void refusals.set(reference, count)
  })
})

/** The real program of a partner in a process and folder of its own. */
export interface PartnerProcess {
  readonly url: string
  readonly file: string
  /** SIGKILL; returns when the process is gone. */
  readonly kill: Effect.Effect<void>
  /** Starts it on the same ledger file, on another port. */
  readonly start: Effect.Effect<void>
  readonly lines: Effect.Effect<ReadonlyArray<string>>
  readonly request: (
    method: string,
    path: string,
    body?: unknown,
    bearer?: string
  ) => Effect.Effect<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }, RequestFailed>
}

/** The partner closed the connection. */
export class RequestFailed extends S.TaggedError<RequestFailed>()("RequestFailed", { cause: S.Defect() }) {}

const started = (program: string, env: Record<string, string>) =>
  new Promise<readonly [ChildProcess, string]>((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(`../src/${program}.ts`, import.meta.url))], {
      env: { PATH: "/usr/bin:/bin", NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "", ...env },
      stdio: ["ignore", "pipe", "inherit"]
    })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk.toString()
      const url = /Listening on (http:\S+)/.exec(output)?.[1]
      if (url !== undefined) resolve([child, url])
    })
    child.once("error", reject)
    child.once("exit", (code) => reject(new Error(`${program} ended with ${code}: ${output}`)))
  })

export const makeProcess = Effect.fnUntraced(function* (
  program: "gateway" | "carrier",
  settings: Record<string, string> = {}
) {
  const receiver = yield* Receiver
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(join(tmpdir(), `halles-${program}-`))),
    (path) => Effect.promise(() => rm(path, { recursive: true, force: true }))
  )
  const file = join(folder, "ledger.jsonl")
  const own = { PORT: "0", KEY: key, WEBHOOK_URL: receiver.url, WEBHOOK_SECRET: Redacted.value(secret), FILE: file }
  const env = Object.fromEntries(
    Object.entries({ ...own, ...settings }).map(([name, value]) => [`HALLES_${program.toUpperCase()}_${name}`, value])
  )
  let child: ChildProcess | undefined
  let url = ""
  const start = Effect.promise(async () => {
    ;[child, url] = await started(program, env)
  })
  const kill = Effect.promise(async () => {
    const running = child
    child = undefined
    if (running === undefined) return
    const gone = new Promise((resolve) => running.once("exit", resolve))
    running.kill("SIGKILL")
    await gone
  })
  yield* Effect.acquireRelease(start, () => kill)
  const partner: PartnerProcess = {
    get url() {
      return url
    },
    file,
    kill,
    start,
    lines: Effect.promise(async () => (await readFile(file, "utf8")).split("\n").slice(0, -1)),
    request: (method, path, body, bearer = key) =>
      Effect.tryPromise({
        try: async () => {
          const init = body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }
          const response = await fetch(`${url}${path}`, {
            method,
            headers: { authorization: `Bearer ${bearer}` },
            ...init
          })
          const text = await response.text()
          return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) }
        },
        catch: (cause) => new RequestFailed({ cause })
      })
  }
  return partner
})

export class Gateway extends Context.Service<Gateway, PartnerProcess>()("@halles/partners/test/Gateway") {
  static readonly layer = Layer.effect(
    Gateway,
    Effect.suspend(() => makeProcess("gateway"))
  ).pipe(Layer.provideMerge(Receiver.layer))
}

export class CarrierProcess extends Context.Service<CarrierProcess, PartnerProcess>()("@halles/partners/test/Carrier") {
  static readonly layer = (settings: Record<string, string>) =>
    Layer.effect(
      CarrierProcess,
      Effect.suspend(() => makeProcess("carrier", settings))
    ).pipe(Layer.provideMerge(Receiver.layer))
}
