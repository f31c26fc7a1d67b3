import { Context, Data, Effect, Layer, Metric } from "effect"
import { createReadStream } from "node:fs"
import { connect } from "node:net"
import { text } from "node:stream/consumers"
import { pipeline } from "node:stream/promises"

/** For the scanner to read one file and answer. */
const scanMax = "40 seconds"
const pieceBytes = 65_536

/** The scanner does not answer, or refuses to scan a file so large. */
export class ScannerAway extends Data.TaggedError("ScannerAway")<{ readonly cause: unknown }> {}

const scans = Metric.counter("halles_media_scans_total", {
  description: "Files that the virus scanner was asked about, by what it said: clean, infected, away.",
  incremental: true
})

/** Looks for viruses in uploaded files. */
export class Scanner extends Context.Service<
  Scanner,
  { readonly scan: (path: string) => Effect.Effect<"clean" | "infected", ScannerAway> }
>()("@halles/media/Scanner") {
  /** For a deployment without a scanner: every file counts as clean. */
  static readonly layerNone = Layer.succeed(Scanner, { scan: () => Effect.succeed("clean" as const) })
  /** ClamAV's `clamd` at `host:port`, or at the path of its socket. */
  static readonly layerClamd = (address: string) => Layer.succeed(Scanner, clamd(address))
}

const addressOf = (address: string) => {
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(address) ?? []
  return host === undefined ? { path: address } : { host, port: Number(port) }
}

/** The command `INSTREAM` of `clamd`: each piece with its length before it, an empty piece at the end. */
async function* framed(path: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from("zINSTREAM\0")
  for await (const piece of createReadStream(path, { highWaterMark: pieceBytes })) {
    const length = Buffer.alloc(4)
    length.writeUInt32BE((piece as Uint8Array).length)
    yield length
    yield piece as Uint8Array
  }
  yield Buffer.alloc(4)
}

const ask = async (address: string, path: string, signal: AbortSignal): Promise<string> => {
  const socket = connect(addressOf(address))
  signal.addEventListener("abort", () => socket.destroy())
  try {
    const answer = text(socket)
    // The scanner may answer, and close, before it has read the whole file.
    const sent = pipeline(framed(path), socket, { end: false }).catch(() => undefined)
    const [said] = await Promise.all([answer, sent])
    return said
  } finally {
    socket.destroy()
  }
}

const clamd = (address: string): Scanner["Service"] => ({
  scan: Effect.fn("Scanner.scan")(function* (path) {
    const said = yield* Effect.tryPromise({
      try: (signal) => ask(address, path, signal),
      catch: (cause) => new ScannerAway({ cause })
    }).pipe(
      Effect.timeoutOrElse({
        duration: scanMax,
        orElse: () => Effect.fail(new ScannerAway({ cause: "it takes too long" }))
      }),
      Effect.tapError(() => Metric.update(Metric.withAttributes(scans, { verdict: "away" }), 1))
    )
    const verdict = /^stream: OK\0?\s*$/.test(said) ? "clean" : / FOUND\0?\s*$/.test(said) ? "infected" : "away"
    yield* Metric.update(Metric.withAttributes(scans, { verdict }), 1)
    return verdict === "away" ? yield* new ScannerAway({ cause: said.slice(0, 200) }) : verdict
  })
})
