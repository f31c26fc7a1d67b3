import type { Exchange } from "./Gate.ts"

/** How often the connections are looked at. */
export const lookMs = 2_000
/** A body, but for bulk imports, is there within this time of its headers. */
const bodyMsMax = 20_000
/** Bytes that wait for a client must move within this time. */
const stalledMsMax = 20_000

const seen = new WeakMap<object, { readonly written: number; readonly atMs: number }>()

/** Whoever sends or reads so slowly that it only holds a connection loses it. A quiet stream has nothing waiting and stays. */
export const cut = (underWay: Iterable<Exchange>, nowMs: number): number => {
  let count = 0
  for (const { request, response, route, startedMs } of underWay) {
    const socket = request.socket
    const slowBody = !request.complete && route.traffic.priority !== "bulk" && nowMs - startedMs > bodyMsMax
    const waits = response.writableLength > 0 || socket.writableLength > 0
    const before = seen.get(response)
    const moved = before === undefined || before.written !== socket.bytesWritten
    if (waits && moved) seen.set(response, { written: socket.bytesWritten, atMs: nowMs })
    if (!waits) seen.delete(response)
    const stalled = waits && !moved && nowMs - before.atMs > stalledMsMax
    if (!slowBody && !stalled) continue
    // Of HTTP/2 the stream alone: other requests share the connection.
    response.destroy()
    if (request.httpVersionMajor === 1) socket.destroy()
    count += 1
  }
  return count
}
