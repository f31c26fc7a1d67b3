import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { once } from "node:events"
import { type AddressInfo, createServer, type Socket } from "node:net"
import { join } from "node:path"
import { BlobStore } from "../src/BlobStore.ts"
import { Intake } from "../src/Intake.ts"
import { Scanner } from "../src/Scanner.ts"
import { directory } from "./Samples.ts"

const marker = "EICAR"

/** Speaks as clamd does: takes pieces up to the empty one, and answers about all of them. `bytesMax` is its `StreamMaxLength`. */
const clamd = (bytesMax: number) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = createServer((socket) => void answer(socket, bytesMax).catch(() => socket.destroy()))
        server.listen(0, "127.0.0.1")
        await once(server, "listening")
        return server
      }),
      (server) => Effect.promise(() => new Promise<void>((done) => void server.close(() => done())))
    ),
    (server) => `127.0.0.1:${(server.address() as AddressInfo).port}`
  )
const answer = async (socket: Socket, bytesMax: number): Promise<void> => {
  let bytes = Buffer.alloc(0)
  for await (const piece of socket) {
    bytes = Buffer.concat([bytes, piece as Buffer])
    const body = bodyOf(bytes)
    if (body === null) continue
    const said =
      body.length > bytesMax
        ? "INSTREAM size limit exceeded. ERROR\0"
        : body.includes(marker)
          ? "stream: Eicar-Test-Signature FOUND\0"
          : "stream: OK\0"
    socket.end(said)
    return
  }
}
const command = "zINSTREAM\0"
/** Null until the empty piece is there. */
const bodyOf = (bytes: Buffer): Buffer | null => {
  assert.isTrue(command.startsWith(bytes.subarray(0, command.length).toString()))
  const pieces: Array<Buffer> = []
  let at = command.length
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32BE(at)
    if (length === 0) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return null
}

const pdf = (inside: string) => Stream.succeed(Buffer.from(`%PDF-1.7\n${inside}\n%%EOF\n`))

/** What becomes of a document that somebody sends. */
const outcome = (inside: string, scanner: Layer.Layer<Scanner>, keepsUnscanned: boolean) =>
  Effect.gen(function* () {
    const at = yield* directory
    const intake = Intake.layer({ directory: join(at, "spool"), keepsUnscanned }).pipe(
      Layer.provide([BlobStore.layerFiles(join(at, "originals")), scanner])
    )
    return yield* Effect.flatMap(Intake, ({ stream }) => stream("eu", pdf(inside), 10_000)).pipe(
      Effect.match({ onFailure: ({ reason }) => reason, onSuccess: ({ type }) => type }),
      Effect.provide(intake)
    )
  })

describe("Scanner", () => {
  it.effect("what the scanner finds something in is not kept; what it finds nothing in is", () =>
    Effect.gen(function* () {
      const scanner = Scanner.layerClamd(yield* clamd(1_000))
      assert.strictEqual(yield* outcome("tea", scanner, false), "application/pdf")
      assert.strictEqual(yield* outcome(marker, scanner, true), "infected")
    })
  )

  it.effect("what nobody has looked at is kept only where the deployment says so", () =>
    Effect.gen(function* () {
      const away = Scanner.layerClamd(join(yield* directory, "nobody"))
      const narrow = Scanner.layerClamd(yield* clamd(3))
      for (const scanner of [away, narrow]) {
        assert.strictEqual(yield* outcome("tea", scanner, false), "unscanned")
        assert.strictEqual(yield* outcome("tea", scanner, true), "application/pdf")
      }
    })
  )
})
