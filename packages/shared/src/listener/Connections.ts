import type { Http2SecureServer, ServerHttp2Session } from "node:http2"
import type { Server } from "node:http"
import type { Socket } from "node:net"
import { networkOf, plainAddress } from "../clients/NetworkAddress.ts"

export interface Bounds {
  /** At a time, of the port; further ones are closed at once. */
  readonly connections: number
  /** And of one address (of IPv6, one /64), so that no one client has them all. */
  readonly connectionsOfOne: number
  /** A connection on which nothing is asked is closed after so long. */
  readonly idleMs: number
}

/** The open connections of one server. */
export interface Connections {
  /** Ends HTTP/2 connections that have been quiet for too long; Node does so for HTTP/1. */
  readonly look: (nowMs: number) => void
  /** GOAWAY: streams that have begun are answered, others belong elsewhere. */
  readonly closeSessions: () => void
  readonly destroyAll: () => void
}

/** `isProxy`: of whom many clients come, and who is not bounded as one of them is. */
export const watch = (
  server: Server | Http2SecureServer,
  bounds: Bounds,
  isProxy: (address: string) => boolean
): Connections => {
  const sockets = new Set<Socket>()
  const sessions = new Map<ServerHttp2Session, { streams: number; quietSinceMs: number }>()
  const ofOne = new Map<string, number>()

  server.maxConnections = bounds.connections
  server.on("connection", (socket: Socket) => {
    const address = plainAddress(socket.remoteAddress ?? "")
    if (address === "") return void socket.destroy()
    const network = networkOf(address)
    const count = ofOne.get(network) ?? 0
    if (count >= bounds.connectionsOfOne && !isProxy(address)) return void socket.destroy()
    ofOne.set(network, count + 1)
    sockets.add(socket)
    socket.once("close", () => {
      sockets.delete(socket)
      const left = (ofOne.get(network) ?? 1) - 1
      if (left === 0) ofOne.delete(network)
      else ofOne.set(network, left)
    })
  })
  server.on("session", (session: ServerHttp2Session) => {
    const state = { streams: 0, quietSinceMs: performance.now() }
    sessions.set(session, state)
    session.once("close", () => sessions.delete(session))
    session.on("stream", (stream) => {
      state.streams += 1
      stream.once("close", () => {
        state.streams -= 1
        state.quietSinceMs = performance.now()
      })
    })
  })
  return {
    look: (nowMs) => {
      for (const [session, { quietSinceMs, streams }] of sessions) {
        if (streams > 0 || nowMs - quietSinceMs <= bounds.idleMs) continue
        // Who does not take leave when told to is cut off at the next look.
        if (session.closed) session.destroy()
        else session.close()
      }
    },
    closeSessions: () => {
      for (const session of sessions.keys()) session.close()
    },
    destroyAll: () => {
      for (const session of sessions.keys()) session.destroy()
      for (const socket of sockets) socket.destroy()
    }
  }
}
