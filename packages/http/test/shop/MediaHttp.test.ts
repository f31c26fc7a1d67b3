import { assert, layer } from "@effect/vitest"
import * as MediaProcess from "@halles/entities/media/MediaProcess"
import { linker, MediaLinks } from "@halles/entities/media/MediaUrl"
import { RegionDatabases, Reads } from "@halles/entities/routes/Reads"
import { BlobStore } from "@halles/media/BlobStore"
import { Intake } from "@halles/media/Intake"
import { routes } from "@halles/media/MediaRoutes"
import { Pictures } from "@halles/media/Pictures"
import { Scanner } from "@halles/media/Scanner"
import { Uploads } from "@halles/media/Uploads"
import * as HttpListener from "@halles/shared/listener/HttpListener"
import { Context, Effect, Layer, Redacted, Schedule } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import sharp from "sharp"
import { adminToken, EdgeTest } from "../EdgeTest.ts"
import * as ShopTest from "./ShopTest.ts"

const key = Redacted.make("media key")

/** The routes of the media process on a listener and a router of their own. */
const processOf = (directory: string) =>
  Layer.fresh(
    HttpRouter.serve(routes(key), { disableLogger: true, disableListenLog: true }).pipe(
      Layer.provideMerge(HttpListener.layer({ host: "127.0.0.1", port: 0 })),
      Layer.provide([
        Uploads.layer(join(directory, "uploads")),
        Pictures.layer({ directory: join(directory, "made"), bytesMax: 1_000_000 })
      ]),
      Layer.provide(Intake.layer({ directory: join(directory, "spool"), keepsUnscanned: false })),
      Layer.provide([BlobStore.layerFiles(join(directory, "originals")), Scanner.layerNone])
    )
  )

/** Where it is, for an edge. */
const media = Layer.unwrap(
  Effect.gen(function* () {
    const directory = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "halles-media-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const { address } = Context.get(yield* Layer.build(processOf(directory)), HttpServer.HttpServer)
    const url = HttpServer.formatAddress(address)
    return Layer.merge(MediaProcess.layer({ url, publicUrl: url, key }), Layer.succeed(MediaLinks, linker(url, key)))
  })
)

const edge = EdgeTest.layerOver(ShopTest.layer, Layer.provide(Reads.layer, RegionDatabases.layerOne)).pipe(
  Layer.provideMerge(media)
)

/** Noise over a shade, so that it has something to compress; on its side, with a place in it. */
const photo = Effect.promise(() =>
  sharp({
    create: {
      width: 600,
      height: 900,
      channels: 3,
      background: "teal",
      noise: { type: "gaussian", mean: 128, sigma: 30 }
    }
  })
    .withMetadata({ orientation: 6 })
    .withExifMerge({ IFD3: { GPSLatitudeRef: "N" } })
    .jpeg()
    .toBuffer()
)

const upload = (
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
  query = "region=eu&alt=A%20tin%20of%20tea"
) =>
  Effect.gen(function* () {
    const { fetch } = yield* EdgeTest
    const response = yield* fetch(`/v1/media?${query}`, {
      method: "POST",
      body: body as Uint8Array<ArrayBuffer>,
      headers: { "content-type": "image/jpeg", authorization: `Bearer ${adminToken}`, ...headers }
    })
    const json = yield* Effect.promise(() => response.json() as Promise<ReturnType<typeof JSON.parse>>)
    return { status: response.status, headers: response.headers, json }
  })
const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.promise(async () => {
    const response = await fetch(url, { headers })
    return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
  })
const refusal = (sent: Uint8Array) =>
  Effect.map(upload(sent), ({ json, status }) => [status, json.code, json.context.reason])
const asAdmin = { authorization: `Bearer ${adminToken}` }

layer(edge, { excludeTestServices: true, timeout: "120 seconds" })("media", (it) => {
  it.effect("a picture is uploaded, shown in sizes and formats, and kept as it was", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const uploaded = yield* upload(yield* photo)
      assert.strictEqual(uploaded.status, 201, JSON.stringify(uploaded.json))
      const { id, links } = uploaded.json
      assert.deepInclude(uploaded.json.content, { type: "image/jpeg", width: 900, height: 600, frames: 1 })
      const shown = yield* send("GET", `/v1/media/${id}`)
      assert.deepInclude(shown.json, { status: "ready", links, alt: [{ language: "en", text: "A tin of tea" }] })
      assert.notProperty(shown.json, "uploadedBy")

      const original = yield* get(links.original)
      const { exif, orientation } = yield* Effect.promise(() => sharp(original.bytes).metadata())
      assert.deepStrictEqual([exif, orientation], [undefined, undefined])
      const part = yield* get(links.original, { range: "bytes=2-5" })
      assert.deepStrictEqual([part.status, part.bytes], [206, original.bytes.subarray(2, 6)])
      assert.strictEqual(part.headers.get("content-range"), `bytes 2-5/${original.bytes.length}`)
      const beyond = yield* get(links.original, { range: `bytes=${original.bytes.length}-` })
      assert.strictEqual(beyond.status, 416)

      const webp = { accept: "image/webp,*/*" }
      const cards = yield* Effect.all(
        Array.from({ length: 8 }, () => get(links.pictures.card, webp)),
        { concurrency: "unbounded" }
      )
      const [card] = cards
      for (const { bytes } of cards) assert.deepStrictEqual(bytes, card!.bytes)
      // As large as it can be filled: nothing is made larger than it is.
      const size = yield* Effect.promise(() => sharp(card!.bytes).metadata())
      assert.deepInclude(size, { format: "webp", width: 480, height: 480 })
      assert.include(card!.headers.get("cache-control"), "immutable")
      assert.strictEqual(card!.headers.get("vary"), "accept, save-data")
      const again = yield* get(links.pictures.card, { ...webp, "if-none-match": card!.headers.get("etag")! })
      assert.deepStrictEqual([again.status, again.bytes.length], [304, 0])
      const saving = yield* get(links.pictures.card, { ...webp, "save-data": "on" })
      assert.isBelow(saving.bytes.length, card!.bytes.length)
      const plain = yield* get(links.pictures.card, { accept: "image/*;q=0.5, */*" })
      assert.strictEqual(plain.headers.get("content-type"), "image/jpeg")

      const modern = { accept: "image/avif,image/webp,*/*" }
      const first = yield* get(links.pictures.thumbnail, modern)
      assert.deepStrictEqual(
        [first.headers.get("content-type"), first.headers.get("cache-control")],
        ["image/webp", "public, max-age=60"]
      )
      const better = yield* get(links.pictures.thumbnail, modern).pipe(
        Effect.repeat({
          until: ({ headers }) => headers.get("content-type") === "image/avif",
          schedule: Schedule.spaced("50 millis")
        })
      )
      assert.include(better.headers.get("cache-control"), "immutable")

      const other = yield* get(links.pictures.card.replace("w480", "w481"))
      assert.strictEqual(other.status, 404)
      const focused = yield* send("PATCH", `/v1/media/${id}`, { focus: { x: 0, y: 500 } }, asAdmin)
      assert.deepInclude(focused.json, { focus: { x: 0, y: 500 } })
      const own = yield* send(
        "GET",
        `/v1/media/${id}/address?width=300&height=600&fit=cover&as=png`,
        undefined,
        asAdmin
      )
      const left = yield* get(own.json.url)
      assert.deepInclude(yield* Effect.promise(() => sharp(left.bytes).metadata()), {
        format: "png",
        width: 300,
        height: 600
      })
    })
  )

  it.effect("what is none of ours, or too much, is refused with why, and is not there", () =>
    Effect.gen(function* () {
      const { fetch } = yield* EdgeTest
      assert.deepStrictEqual(yield* refusal(Buffer.from("<svg/>")), [422, "media_unfit", "type"])
      const head = Buffer.from("89504e470d0a1a0a0000000d494844520000753000007530010000000026a0a97e", "hex")
      const [status, code, reason] = yield* refusal(head)
      assert.deepStrictEqual([status, code], [422, "media_unfit"])
      assert.include(["pixels", "broken"], reason)
      assert.deepStrictEqual(yield* refusal((yield* photo).subarray(0, 3_000)), [422, "media_unfit", "broken"])
      const stranger = yield* fetch("/v1/media?region=eu", {
        method: "POST",
        body: "x",
        headers: { "content-type": "image/png" }
      })
      assert.strictEqual(stranger.status, 401)
    })
  )

  it.effect("an upload in pieces goes on where it was cut off, and is looked into once all of it is there", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { outcomeOf } = yield* MediaProcess.MediaProcess
      const bytes = yield* photo
      const tus = { "tus-resumable": "1.0.0" }
      const begun = yield* send("POST", "/v1/media/uploads?region=eu", undefined, {
        ...asAdmin,
        ...tus,
        "upload-length": String(bytes.length)
      })
      assert.deepStrictEqual([begun.status, begun.json.status], [201, "declared"])
      const location = begun.headers.get("location")!
      const sendPiece = (from: number, to: number, at = location) =>
        Effect.promise(async () => {
          const response = await fetch(at, {
            method: "PATCH",
            body: bytes.subarray(from, to) as Uint8Array<ArrayBuffer>,
            headers: { ...tus, "upload-offset": String(from), "content-type": "application/offset+octet-stream" }
          })
          return [response.status, response.headers.get("upload-offset")]
        })
      assert.deepStrictEqual(yield* sendPiece(0, 1_000), [204, "1000"])
      assert.isNull(yield* outcomeOf(begun.json.id))
      const [conflict] = yield* sendPiece(2_000, 3_000)
      assert.strictEqual(conflict, 409)
      const head = yield* Effect.promise(() => fetch(location, { method: "HEAD", headers: tus }))
      assert.strictEqual(head.headers.get("upload-offset"), "1000")
      assert.strictEqual((yield* get(location, tus)).status, 404)
      assert.deepStrictEqual(yield* sendPiece(0, 1, location.replace(/.$/, "x")), [404, null])
      assert.deepStrictEqual(yield* sendPiece(1_000, bytes.length), [204, String(bytes.length)])
      const first = yield* outcomeOf(begun.json.id)
      assert.deepInclude((first as { readonly kept: object }).kept, { width: 900, height: 600 })
      assert.deepStrictEqual(yield* outcomeOf(begun.json.id), first)
    })
  )

  it.effect("with its id it is one upload, however often it is sent, and other bytes are another", () =>
    Effect.gen(function* () {
      const keyed = { "upload-id": randomUUID() }
      const bytes = yield* photo
      const one = yield* upload(bytes, keyed)
      const again = yield* upload(bytes, keyed)
      assert.deepStrictEqual([again.status, again.json.id], [201, one.json.id])
      const other = yield* upload(yield* Effect.promise(() => sharp(bytes).negate().jpeg().toBuffer()), keyed)
      assert.deepStrictEqual([other.status, other.json.code], [409, "media_complete"])
    })
  )

  it.effect("what something shows is kept until that lets it go", () =>
    Effect.gen(function* () {
      const { send } = yield* EdgeTest
      const { json } = yield* upload(yield* photo)
      const used = yield* send("PUT", `/v1/media/${json.id}/uses/Product:eu_TEA-01`, undefined, asAdmin)
      assert.deepInclude(used.json, { usedBy: ["Product:eu_TEA-01"], removedAt: null })
      const kept = yield* send("DELETE", `/v1/media/${json.id}`, undefined, asAdmin)
      assert.deepStrictEqual([kept.status, kept.json.code], [409, "media_in_use"])
      yield* send("DELETE", `/v1/media/${json.id}/uses/Product:eu_TEA-01`, undefined, asAdmin)
      const removed = yield* send("DELETE", `/v1/media/${json.id}`, undefined, asAdmin)
      assert.deepInclude(removed.json, { status: "removed", removedFor: "asked" })
      const shown = yield* send("GET", `/v1/media/${json.id}`)
      assert.deepInclude(shown.json, { status: "removed", links: null })
    })
  )
})
