import { assert, it } from "@effect/vitest"
import { defaults } from "@halles/engine/transport/TransportLimits"
import { headerBytes, kinds, packet, PacketReader, PacketWriter } from "@halles/engine/transport/Wire"
import { Schema } from "effect"

const bodyBytesMax = 8

/** Splits what the readers let through into frames again: each starts with its length. */
const framesIn = (bytes: Uint8Array): Array<string> => {
  const frames: Array<string> = []
  for (let at = 0; at < bytes.length; at += 1 + (bytes[at] ?? 0))
    frames.push(Buffer.from(bytes.subarray(at + 1, at + 1 + (bytes[at] ?? 0))).toString())
  return frames
}

const packetsOf = (frames: ReadonlyArray<string>): Array<Uint8Array> => {
  const packets: Array<Uint8Array> = []
  const writer = new PacketWriter((bytes) => packets.push(bytes), bodyBytesMax + headerBytes)
  for (const frame of frames) writer.write(Buffer.from([frame.length, ...Buffer.from(frame)]))
  writer.flush()
  return packets
}

const part = (sequence: number) => packet(kinds.part, sequence, Buffer.alloc(10))

const Frames = Schema.Array(Schema.String.check(Schema.isPattern(/^[a-z]{0,40}$/)))

it.prop(
  "frames arrive whole and in order, whatever is packed or split, and repeated packets add nothing",
  [Frames],
  ([frames]) => {
    const reader = new PacketReader({ bytes: 0 }, defaults)
    const arrived: Array<string> = []
    for (const bytes of packetsOf(frames)) {
      assert.isAtMost(bytes.length, bodyBytesMax + headerBytes)
      const body = reader.accept(bytes)
      if (body instanceof Uint8Array) arrived.push(...framesIn(body))
      assert.isUndefined(reader.accept(bytes))
    }
    assert.deepStrictEqual(arrived, frames)
    assert.isFalse(reader.unfinished)
  }
)

it("a missing packet ends the connection", () => {
  const reader = new PacketReader({ bytes: 0 }, defaults)
  assert.isUndefined(reader.accept(packet(kinds.ping, 1)))
  assert.strictEqual(reader.accept(packet(kinds.ping, 3)), "frames lost")
})

it("sequence numbers go on beyond 32 bits", () => {
  const reader = new PacketReader({ bytes: 0 }, defaults)
  assert.strictEqual(reader.accept(packet(kinds.data, 2 ** 32 + 1, Buffer.from("x"))), "frames lost")
})

it("unfinished messages are bounded each and together", () => {
  const budget = { bytes: 0 }
  const alone = new PacketReader(budget, { ...defaults, messageBytesMax: 25 })
  assert.isUndefined(alone.accept(part(1)))
  assert.isUndefined(alone.accept(part(2)))
  assert.strictEqual(alone.accept(part(3)), "message too large")
  const second = new PacketReader(budget, { ...defaults, partBytesMax: 25 })
  assert.strictEqual(second.accept(part(1)), "too many unfinished messages")
  alone.release()
  assert.strictEqual(budget.bytes, 0)
  assert.isUndefined(new PacketReader(budget, { ...defaults, partBytesMax: 25 }).accept(part(1)))
})
