import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { open } from "node:fs/promises"
import { join } from "node:path"
import * as Mp4Metadata from "../src/Mp4Metadata.ts"
import * as PdfMetadata from "../src/PdfMetadata.ts"
import { directory, written } from "./Samples.ts"

/** The file after its metadata were removed. */
const after = Effect.fnUntraced(function* ({ removePersonal }: typeof Mp4Metadata, bytes: Buffer) {
  const path = written(join(yield* directory, "file"), bytes)
  yield* Effect.promise(async () => {
    const file = await open(path, "r+")
    await removePersonal(file, bytes.length)
    await file.close()
  })
  return readFileSync(path)
})

const box = (type: string, ...parts: ReadonlyArray<Buffer>): Buffer => {
  const content = Buffer.concat(parts)
  const head = Buffer.alloc(8)
  head.writeUInt32BE(8 + content.length)
  head.write(type, 4, "latin1")
  return Buffer.concat([head, content])
}
const says = Buffer.from("©xyz+52.5200+013.4050/ by Ada")
const xmp = Buffer.concat([Buffer.from("be7acfcb97a942e89c71999491e3afac", "hex"), says])
const free = (bytes: number) => box("free", Buffer.alloc(bytes))

const document = (author: string, title: string, creator: string, packet: string) =>
  Buffer.from(
    `%PDF-1.7\n7 0 obj\n<</Author (${author})/Title <${title}>/Creator (${creator})/CreationDate (D:20260101)>>\nendobj\n17 0 obj\n(Ada)\nendobj\n` +
      `8 0 obj\n<</Type/Metadata>>stream\n<?xpacket begin="" id="x"?>${packet}<?xpacket end="w"?>\nendstream\nendobj\n` +
      `9 0 obj\n(Ada wrote this)\nendobj\ntrailer\n<</Info 7 0 R>>\n%%EOF\n`,
    "latin1"
  )

describe("metadata", () => {
  it.effect("of a video become free space of the same length, and nothing else changes", () =>
    Effect.gen(function* () {
      const rest = Buffer.from("samples that happen to say udta and meta")
      const video = (udta: Buffer, meta: Buffer, uuid: Buffer) =>
        Buffer.concat([
          box("ftyp", Buffer.from("isom")),
          box("moov", box("mvhd", rest), box("trak", udta, box("mdia", rest)), udta, meta),
          uuid,
          box("uuid", rest),
          box("mdat", rest)
        ])
      const given = video(box("udta", says), box("meta", says), box("uuid", xmp))
      const kept = yield* after(Mp4Metadata, given)
      assert.isTrue(kept.equals(video(free(says.length), free(says.length), free(xmp.length))))
    })
  )

  it.effect("of a document are blanks, and its days and its other texts stay", () =>
    Effect.gen(function* () {
      const given = document("Ada \\) (Countess) Lovelace", "FEFF0041", "Word", "<dc:creator>Ada</dc:creator>")
      const expected = document(" ".repeat(26), "20202020", "    ", " ".repeat(28))
      const kept = yield* after(PdfMetadata, given)
      assert.strictEqual(kept.toString("latin1"), expected.toString("latin1"))
      const signed = Buffer.concat([given, Buffer.from("<</ByteRange [0 1 2 3]>>")])
      assert.isTrue((yield* after(PdfMetadata, signed)).equals(signed))
    })
  )

  it("are looked for in whatever comes, which keeps its length", async () => {
    const part = fc.oneof(
      fc.constantFrom(
        "moov",
        "udta",
        "<?xpacket begin=",
        "?>",
        "<?xpacket end",
        "/Info 7 0 R",
        "7 0 obj",
        "/Author (",
        "endobj",
        "\0\0\0\x01",
        "\0\0\0\x10"
      ),
      fc.string({ unit: "binary", maxLength: 12 })
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 40 }), async (parts) => {
        const bytes = Buffer.from(parts.join(""), "latin1")
        for (const metadata of [Mp4Metadata, PdfMetadata])
          assert.lengthOf(await Effect.runPromise(Effect.scoped(after(metadata, bytes))), bytes.length)
      }),
      { numRuns: 60 }
    )
  })
})
