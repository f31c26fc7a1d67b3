import { Effect, type Scope } from "effect"
import { connect, createServer, type Socket } from "node:net"

/** How bytes pass one way: at once, not at all, or so many milliseconds late. What is held back passes, in order, later. */
export type Passage = "open" | "blocked" | { readonly delayMs: number }

/** A TCP proxy between one process and one server. */
export interface Proxy {
  readonly port: number
  /** `up` is towards the server. */
  readonly set: (passage: { readonly up: Passage; readonly down: Passage }) => void
  /** Breaks every connection that there is, with a reset on both sides. */
  readonly reset: () => void
}

/** Bytes that one direction of one connection holds back; then its sender has to wait. */
const heldMax = 1_048_576

/**
 * One direction of a connection. While it is blocked nothing passes, not even the end of the connection: a server does
 * not learn that its peer is gone, as when a cable is cut.
 */
class Lane {
  readonly #from: Socket
  readonly #to: Socket
  readonly #held: Array<{ readonly dueMs: number; readonly bytes: Buffer | null }> = []
  #heldBytes = 0
  #passage: Passage
  #timer: NodeJS.Timeout | undefined

  constructor(from: Socket, to: Socket, passage: Passage) {
    this.#from = from
    this.#to = to
    this.#passage = passage
    from.on("data", (bytes) => this.#take(Buffer.from(bytes)))
    from.once("close", () => this.#take(null))
    from.once("end", () => this.#take(null))
    to.on("drain", () => this.#pump())
  }

  set(passage: Passage): void {
    this.#passage = passage
    this.#pump()
  }

  #take(bytes: Buffer | null): void {
    const delayMs = typeof this.#passage === "string" ? 0 : this.#passage.delayMs
    this.#held.push({ dueMs: performance.now() + delayMs, bytes })
    this.#heldBytes += bytes?.length ?? 0
    this.#pump()
  }

  #pump(): void {
    clearTimeout(this.#timer)
    while (this.#passage !== "blocked" && this.#held.length > 0 && !this.#to.writableNeedDrain) {
      const { bytes, dueMs } = this.#held[0]!
      const waitMs = dueMs - performance.now()
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pump(), waitMs)
        break
      }
      this.#held.shift()
      this.#heldBytes -= bytes?.length ?? 0
      if (bytes === null) this.#to.end()
      else this.#to.write(bytes)
    }
    if (this.#heldBytes >= heldMax) this.#from.pause()
    else this.#from.resume()
  }
}

/** Listens on a free port of 127.0.0.1 and passes every connection on, until the scope closes. */
export const make = (target: {
  readonly host: string
  readonly port: number
}): Effect.Effect<Proxy, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Proxy & { readonly close: () => void }>((resume) => {
      const pairs = new Set<{ readonly sockets: ReadonlyArray<Socket>; readonly up: Lane; readonly down: Lane }>()
      let passage: { readonly up: Passage; readonly down: Passage } = { up: "open", down: "open" }
      const breakAll = () => {
        for (const { sockets } of pairs) for (const socket of sockets) socket.resetAndDestroy()
      }
      const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
        const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true })
        const sockets = [client, upstream]
        const pair = {
          sockets,
          up: new Lane(client, upstream, passage.up),
          down: new Lane(upstream, client, passage.down)
        }
        pairs.add(pair)
        for (const socket of sockets) {
          // What matters of an error is that the connection closes after it.
          socket.on("error", () => undefined)
          socket.once("close", () => {
            if (sockets.every(({ destroyed }) => destroyed)) pairs.delete(pair)
          })
        }
      })
      server.listen({ host: "127.0.0.1", port: 0 }, () => {
        const address = server.address()
        const port = typeof address === "object" && address !== null ? address.port : 0
        resume(
          Effect.succeed({
            port,
            set: (next) => {
              passage = next
              for (const { down, up } of pairs) {
                up.set(next.up)
                down.set(next.down)
              }
            },
            reset: breakAll,
            close: () => {
              server.close()
              breakAll()
            }
          })
        )
      })
    }),
    ({ close }) => Effect.sync(close)
  )
