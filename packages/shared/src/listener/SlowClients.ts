import type { IncomingMessage, ServerResponse } from "node:http"

/** One request and its answer, under way. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly startedMs: number
}

export interface Bounds {
  /** A body is there within this time of its headers. */
  readonly bodyMsOf: (request: IncomingMessage) => number
  /** Bytes that wait for a client move within this time. */
  readonly stalledMs: number
}

const seen = new WeakMap<object, { readonly written: number; readonly atMs: number }>()

/** Whoever sends or reads so slowly that it only holds a connection loses it. A quiet stream has nothing waiting and stays. */
export const cut = (underWay: Iterable<Exchange>, nowMs: number, bounds: Bounds): number => {
  let count = 0
  for (const { request, response, startedMs } of underWay) {
    const socket = request.socket
    const slowBody = !request.complete && nowMs - startedMs > bounds.bodyMsOf(request)
    const waits = response.writableLength > 0 || socket.writableLength > 0
    const before = seen.get(response)
    const moved = before === undefined || before.written !== socket.bytesWritten
    if (waits && moved) seen.set(response, { written: socket.bytesWritten, atMs: nowMs })
    if (!waits) seen.delete(response)
    const stalled = waits && !moved && nowMs - before.atMs > bounds.stalledMs
    if (!slowBody && !stalled) continue
    // Of HTTP/2 the stream alone: other requests share the connection.
    response.destroy()
    if (request.httpVersionMajor === 1) socket.destroy()
    count += 1
  }
  return count
}

/** A request of HTTP/1 that was answered before all of its body was there. */
export interface Unread {
  readonly request: IncomingMessage
  readonly answeredMs: number
}

/** What nobody is going to read may arrive for the sake of the connection, but not for ever, however long it was allowed to take. */
export const cutUnread = (unread: Set<Unread>, nowMs: number, bodyMs: number): void => {
  for (const one of unread) {
    const { answeredMs, request } = one
    if (!request.complete && !request.socket.destroyed && nowMs - answeredMs <= bodyMs) continue
    if (!request.complete) request.socket.destroy()
    unread.delete(one)
  }
}
