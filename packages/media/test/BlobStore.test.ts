import { assert, describe, it } from "@effect/vitest"
import { contentName } from "@halles/entities/media/MediaContent"
import { Effect, Layer, Redacted, Stream } from "effect"
import { existsSync } from "node:fs"
import { createRequire } from "node:module"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { BlobStore } from "../src/BlobStore.ts"
import * as S3BlobStore from "../src/S3BlobStore.ts"
import { directory, written } from "./Samples.ts"

interface S3Server {
  readonly run: () => Promise<AddressInfo>
  readonly close: () => Promise<void>
}
/** It has no types of its own. */
const S3rver = createRequire(import.meta.url)("s3rver") as new (options: object) => S3Server

const bucket = "media"
/** An S3 server of its own, with an empty bucket. */
const s3 = Layer.unwrap(
  Effect.gen(function* () {
    const at = yield* directory
    const { port } = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        const server = new S3rver({
          address: "127.0.0.1",
          port: 0,
          silent: true,
          directory: at,
          configureBuckets: [{ name: bucket }]
        })
        return { server, ...(await server.run()) }
      }),
      ({ server }) => Effect.promise(() => server.close())
    )
    const key = Redacted.make("S3RVER")
    return S3BlobStore.layer({
      bucket,
      region: "eu-central-1",
      endpoint: `http://127.0.0.1:${port}`,
      accessKeyId: key,
      secretAccessKey: key
    })
  })
)
const files = Layer.unwrap(Effect.map(directory, BlobStore.layerFiles))

const name = contentName("eu", { hash: "ab".repeat(32), type: "image/png" })
const all = <E>(stream: Stream.Stream<Uint8Array, E>) =>
  Effect.map(Stream.runCollect(stream), (pieces) => Buffer.concat(pieces).toString())

describe.each([
  ["in files", files],
  ["in S3", s3]
])("BlobStore %s", (_, store) => {
  it.effect("has what was put, whole and in parts, until it is removed", () =>
    Effect.gen(function* () {
      const blobs = yield* BlobStore
      const at = yield* directory
      assert.isNull(yield* blobs.find(name))
      for (const _again of [1, 2]) {
        const path = written(join(at, "sent"), Buffer.from("0123456789"))
        yield* blobs.put(name, path)
        assert.isFalse(existsSync(path))
      }
      assert.deepInclude(yield* blobs.find(name), { bytes: 10 })
      assert.strictEqual(yield* all(blobs.read(name)), "0123456789")
      assert.strictEqual(yield* all(blobs.read(name, { start: 2, end: 4 })), "234")
      yield* blobs.remove(name)
      yield* blobs.remove(name)
      assert.isNull(yield* blobs.find(name))
      assert.strictEqual((yield* Effect.flip(all(blobs.read(name))))._tag, "StoreUnavailable")
    }).pipe(Effect.provide(store))
  )
})
