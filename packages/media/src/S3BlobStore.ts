import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  S3ServiceException
} from "@aws-sdk/client-s3"
import { contentTypeOf } from "@halles/entities/media/MediaContent"
import { Effect, Layer, Redacted, Stream } from "effect"
import { createReadStream } from "node:fs"
import { rm, stat } from "node:fs/promises"
import type { Readable } from "node:stream"
import { BlobStore, type ByteRange, StoreUnavailable } from "./BlobStore.ts"

export interface S3Options {
  /** The key of each object in it is the name of the content. */
  readonly bucket: string
  readonly region: string
  /** The address of a service other than Amazon's; such a service is sent the bucket in the path. */
  readonly endpoint: string | undefined
  readonly accessKeyId: Redacted.Redacted
  readonly secretAccessKey: Redacted.Redacted
}

const connectMsMax = 2_000
const requestMsMax = 60_000
const attemptsMax = 3

const unavailable = (cause: unknown) => new StoreUnavailable({ cause })
const isMissing = (cause: unknown): boolean =>
  cause instanceof S3ServiceException && cause.$metadata.httpStatusCode === 404

const attempt = <A>(run: (abortSignal: AbortSignal) => Promise<A>) =>
  Effect.tryPromise({ try: run, catch: unavailable })

const make = (client: S3Client, Bucket: string): BlobStore["Service"] => {
  const open = (name: string, range: ByteRange | undefined) =>
    attempt(async (abortSignal) => {
      const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: name, Range }), { abortSignal })
      return Body as Readable
    })
  return BlobStore.of({
    put: (name, path) =>
      attempt(async (abortSignal) => {
        const { size } = await stat(path)
        const object = { Bucket, Key: name, Body: createReadStream(path), ContentLength: size }
        const ContentType = contentTypeOf(name)
        await client.send(new PutObjectCommand({ ...object, ContentType }), { abortSignal })
        await rm(path, { force: true })
      }),
    find: (name) =>
      attempt(async (abortSignal) => {
        try {
          const head = await client.send(new HeadObjectCommand({ Bucket, Key: name }), { abortSignal })
          return { bytes: head.ContentLength ?? 0, storedAtMs: head.LastModified?.getTime() ?? 0 }
        } catch (cause) {
          if (isMissing(cause)) return null
          throw cause
        }
      }),
    read: (name, range) =>
      Stream.unwrap(
        Effect.map(open(name, range), (body) =>
          Stream.fromAsyncIterable(body as AsyncIterable<Uint8Array>, unavailable)
        )
      ),
    remove: (name) =>
      attempt(async (abortSignal) => {
        await client.send(new DeleteObjectCommand({ Bucket, Key: name }), { abortSignal })
      })
  })
}

/** Keeps content as objects of a bucket, of Amazon's S3 or of another service with its API. */
export const layer = ({ accessKeyId, bucket, endpoint, region, secretAccessKey }: S3Options) =>
  Layer.effect(
    BlobStore,
    Effect.map(
      Effect.acquireRelease(
        Effect.sync(
          () =>
            new S3Client({
              region,
              ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
              credentials: {
                accessKeyId: Redacted.value(accessKeyId),
                secretAccessKey: Redacted.value(secretAccessKey)
              },
              maxAttempts: attemptsMax,
              requestHandler: { connectionTimeout: connectMsMax, requestTimeout: requestMsMax },
              // The name is a hash already, and other services do not read the trailers in which checksums would come.
              requestChecksumCalculation: "WHEN_REQUIRED",
              responseChecksumValidation: "WHEN_REQUIRED"
            })
        ),
        (client) => Effect.sync(() => client.destroy())
      ),
      (client) => make(client, bucket)
    )
  )
