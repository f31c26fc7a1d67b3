import { Data, Effect, Option, type Scope, Stream } from "effect"
import { randomUUID } from "node:crypto"
import { type FileHandle, open, unlink } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Unreadable } from "./Unreadable.ts"

/** No room on the disk of this machine, or none for us. */
class Unspooled extends Data.TaggedError("Unspooled")<{ readonly cause: unknown }> {}

/** Of one file. */
export const bytesMax = 64 * 1_024 * 1_024
const pieceBytes = 65_536

/** A file that has no name any more: nobody else opens it, and it is gone with this process at the latest. */
const nameless: Effect.Effect<FileHandle, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => {
    const path = join(tmpdir(), `halles-import-${randomUUID()}`)
    const file = await open(path, "wx+", 0o600)
    await unlink(path)
    return file
  }),
  (file) => Effect.promise(() => file.close())
)

/** The mark at the beginning of a file says more than anybody else (WHATWG Encoding, "decode"). */
const marked = (head: Uint8Array): string | undefined => {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return "utf-8"
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le"
  return head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : undefined
}

/** Whether a charset is one that can be read. */
export const isKnown = (charset: string): boolean => {
  try {
    return new TextDecoder(charset).encoding !== "x-user-defined"
  } catch {
    return false
  }
}

const newline = 0x0a

/** Looks at every byte as it comes, and says of the first that is none of the encoding where it stands. */
class Checker {
  private readonly declared: string | undefined
  private head: Uint8Array = new Uint8Array(0)
  private decoder: InstanceType<typeof TextDecoder> | undefined
  private lines = 0

  constructor(declared: string | undefined) {
    this.declared = declared
  }

  get encoding(): string {
    return (this.decoder ??= new TextDecoder(marked(this.head) ?? this.declared ?? "utf-8", { fatal: true })).encoding
  }

  add(piece: Uint8Array): void {
    if (this.decoder !== undefined) return this.look(piece, true)
    this.head = Buffer.concat([this.head, piece])
    if (this.head.length >= 3) this.begin()
  }

  end(): void {
    if (this.decoder === undefined) this.begin()
    this.look(new Uint8Array(0), false)
  }

  private begin(): void {
    const { encoding, head } = this
    this.decoder = new TextDecoder(encoding, { fatal: true })
    this.look(head, true)
  }

  private look(piece: Uint8Array, stream: boolean): void {
    try {
      this.decoder!.decode(piece, { stream })
    } catch {
      throw this.fault(piece)
    }
    if (!this.encoding.startsWith("utf-16")) for (const byte of piece) if (byte === newline) this.lines += 1
  }

  private fault(piece: Uint8Array): Unreadable {
    const line = this.encoding.startsWith("utf-16") ? undefined : this.lines + this.lineIn(piece)
    const how =
      this.declared === undefined
        ? "Say in which encoding it is, as in `Content-Type: text/csv; charset=windows-1252`, or save it as UTF-8."
        : "It was said to be, or begins as if it were."
    return new Unreadable({
      code: "wrong_encoding",
      row: Math.max(0, (line ?? 1) - 2),
      detail: `${line === undefined ? "The file" : `Line ${line} of the file`} is not ${this.encoding}. ${how} Nothing of it was imported.`
    })
  }

  /** The first line of the piece that cannot be decoded by itself; the one that began before it if all others can. */
  private lineIn(piece: Uint8Array): number {
    let number = 1
    let from = piece.indexOf(newline) + 1
    while (from > 0) {
      number += 1
      const end = piece.indexOf(newline, from)
      try {
        new TextDecoder(this.encoding, { fatal: true }).decode(piece.subarray(from, end === -1 ? piece.length : end))
      } catch {
        return number
      }
      from = end + 1
    }
    return 1
  }
}

/**
 * The text of a body in pieces, once all of it is here and each of its bytes is one of its encoding: a file of which half can be read
 * is not begun. `charset` is what the sender says; without it, and without a mark, it must be UTF-8.
 */
export const textOf = <E>(
  body: Stream.Stream<Uint8Array, E>,
  charset: string | undefined
): Stream.Stream<string, E | Unreadable | Unspooled> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const file = yield* nameless
      const checker = new Checker(charset)
      let length = 0
      yield* Stream.runForEach(body, (piece) =>
        Effect.gen(function* () {
          length += piece.length
          if (length > bytesMax) return yield* tooLarge
          yield* checked(() => checker.add(piece))
          yield* Effect.tryPromise({ try: () => file.appendFile(piece), catch: unspooled })
        })
      )
      yield* checked(() => checker.end())
      const decoder = new TextDecoder(checker.encoding, { fatal: true })
      const read = Effect.fnUntraced(function* (at: number) {
        const piece = Buffer.alloc(Math.min(pieceBytes, length - at))
        yield* Effect.tryPromise({ try: () => file.read(piece, 0, piece.length, at), catch: unspooled })
        const next = at + piece.length
        const text = decoder.decode(piece, { stream: next < length })
        return [[text], next < length ? Option.some(next) : Option.none<number>()] as const
      })
      return Stream.paginate(0, read)
    })
  )

const tooLarge = new Unreadable({
  code: "file_too_large",
  row: 0,
  detail: `A CSV file has at most ${bytesMax / 1_024 / 1_024} MiB: send it in parts. Nothing of it was imported.`
})
const checked = (look: () => void) =>
  Effect.try({ try: look, catch: (cause) => (cause instanceof Unreadable ? cause : unspooled(cause)) })
const unspooled = (cause: unknown) => new Unspooled({ cause })
