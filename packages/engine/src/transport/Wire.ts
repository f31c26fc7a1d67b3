import type { RpcSerialization } from "effect/rpc"
import type { Limits } from "./TransportLimits.ts"

/**
 * A NATS message of the transport: kind (1 byte), sequence number (6 bytes, big endian, 0 when not counted), body.
 * Counted packets of one connection and direction are numbered from 1 without gaps, so a lost one is noticed by the
 * next and a repeated one is dropped. `data` ends a message, or carries several; `part` is an earlier piece of it.
 */
export const kinds = { hello: 0, welcome: 1, data: 2, part: 3, ping: 4, pong: 5, closing: 6, bye: 7, reset: 8 } as const

const sequenceBytes = 6
export const headerBytes = 1 + sequenceBytes
const empty = new Uint8Array(0)

export const packet = (kind: number, sequence: number, body: Uint8Array = empty): Uint8Array => {
  const bytes = Buffer.allocUnsafe(headerBytes + body.length)
  bytes.writeUInt8(kind, 0)
  bytes.writeUIntBE(sequence, 1, sequenceBytes)
  bytes.set(body, headerBytes)
  return bytes
}

export const textPacket = (kind: number, text: string): Uint8Array => packet(kind, 0, Buffer.from(text))

export const kindOf = (bytes: Uint8Array): number => bytes[0] ?? -1
export const bodyOf = (bytes: Uint8Array): Uint8Array => bytes.subarray(headerBytes)
export const textOf = (bytes: Uint8Array): string => Buffer.from(bodyOf(bytes)).toString()
const sequenceOf = (bytes: Uint8Array): number => {
  let sequence = 0
  for (let at = 1; at < headerBytes; at++) sequence = sequence * 256 + (bytes[at] ?? 0)
  return sequence
}

export const encode = (parser: RpcSerialization.Parser, message: unknown): Uint8Array => {
  const encoded = parser.encode(message)
  if (encoded === undefined) return empty
  return typeof encoded === "string" ? Buffer.from(encoded) : encoded
}

/**
 * Numbers packets, puts frames that are written in one turn of the event loop into one, and splits what is larger than
 * the server takes. Calls of an edge come from as many sockets as it has clients: a packet for each would cost as many
 * writes and messages.
 */
export class PacketWriter {
  private frames: Array<Uint8Array> = []
  private bytes = 0
  private sequence = 0
  private readonly bodyBytesMax: number
  private readonly publish: (packet: Uint8Array) => void

  constructor(publish: (packet: Uint8Array) => void, packetBytesMax: number) {
    this.publish = publish
    this.bodyBytesMax = packetBytesMax - headerBytes
  }

  /** The frame leaves when this turn of the event loop has read its sockets, or earlier when a packet is full. */
  write(frame: Uint8Array): void {
    if (this.bytes > 0 && this.bytes + frame.length > this.bodyBytesMax) this.flush()
    this.frames.push(frame)
    this.bytes += frame.length
    if (this.frames.length === 1) setImmediate(() => this.flush())
  }

  /** Ping or pong: counted, so that it tells whether anything before it was lost. */
  control(kind: number): void {
    this.flush()
    this.publish(packet(kind, ++this.sequence))
  }

  /** What has not left yet does not leave. */
  discard(): void {
    this.frames = []
    this.bytes = 0
  }

  flush(): void {
    if (this.frames.length === 0) return
    const { frames, bytes } = this
    const only = frames[0]
    this.frames = []
    this.bytes = 0
    if (only !== undefined && bytes > this.bodyBytesMax) this.split(only)
    else this.publish(this.join(frames, headerBytes + bytes))
  }

  private join(frames: ReadonlyArray<Uint8Array>, size: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(size)
    bytes.writeUInt8(kinds.data, 0)
    bytes.writeUIntBE(++this.sequence, 1, sequenceBytes)
    let at = headerBytes
    for (const frame of frames) {
      bytes.set(frame, at)
      at += frame.length
    }
    return bytes
  }

  private split(frame: Uint8Array): void {
    let at = 0
    for (; frame.length - at > this.bodyBytesMax; at += this.bodyBytesMax)
      this.publish(packet(kinds.part, ++this.sequence, frame.subarray(at, at + this.bodyBytesMax)))
    this.publish(packet(kinds.data, ++this.sequence, frame.subarray(at)))
  }
}

/** Bytes of unfinished messages, one count for all connections of a process. */
export interface PartBudget {
  bytes: number
}

/** Takes the counted packets of one connection in order. */
export class PacketReader {
  private expected = 1
  private parts: Array<Uint8Array> = []
  private partBytes = 0
  private readonly budget: PartBudget
  private readonly limits: Limits

  constructor(budget: PartBudget, limits: Limits) {
    this.budget = budget
    this.limits = limits
  }

  get unfinished(): boolean {
    return this.partBytes > 0
  }

  /** The whole body; `undefined` for a repeated packet, a part, or no body; a string says why the connection must end. */
  accept(bytes: Uint8Array): Uint8Array | string | undefined {
    const sequence = sequenceOf(bytes)
    if (sequence < this.expected) return undefined
    if (sequence > this.expected) return "frames lost"
    this.expected += 1
    const kind = kindOf(bytes)
    if (kind === kinds.part) return this.keep(bodyOf(bytes))
    if (kind !== kinds.data) return undefined
    if (this.partBytes === 0) return bodyOf(bytes)
    const whole = Buffer.concat([...this.parts, bodyOf(bytes)])
    this.release()
    return whole.length > this.limits.messageBytesMax ? "message too large" : whole
  }

  release(): void {
    this.budget.bytes -= this.partBytes
    this.parts = []
    this.partBytes = 0
  }

  private keep(part: Uint8Array): string | undefined {
    if (this.partBytes + part.length > this.limits.messageBytesMax) return "message too large"
    if (this.budget.bytes + part.length > this.limits.partBytesMax) return "too many unfinished messages"
    this.parts.push(part)
    this.partBytes += part.length
    this.budget.bytes += part.length
    return undefined
  }
}
