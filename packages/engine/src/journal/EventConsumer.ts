import { AckPolicy, type Consumer, DeliverPolicy, jetstream, jetstreamManager } from "@nats-io/jetstream"
import type { Nats } from "@halles/shared/clients/Nats"
import type { Region } from "@halles/shared/Region"
import * as Subject from "@halles/shared/Subject"
import { Effect } from "effect"

/** Who reads the rows of a type. */
export interface Reader {
  readonly name: string
  readonly entityType: string
  /** A message that is not acknowledged for so long comes again. */
  readonly ackWaitMs: number
  /** Messages delivered and not yet acknowledged. */
  readonly inFlightMax: number
}

/** Where a reader begins who was not there before. */
export type Beginning = { readonly streamSeq: number } | { readonly atMs: number }

const startOf = (from: Beginning) =>
  "streamSeq" in from
    ? { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.streamSeq }
    : { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(from.atMs).toISOString() }

/**
 * Each message has an acknowledgement of its own: what a process held when it died comes again later than what follows, so that
 * no acknowledgement may stand for all messages before it.
 */
const policy = AckPolicy.Explicit

/** A consumer of a region's event stream that keeps its place over restarts, and gets the messages which have rows of the type. */
export const open = (nats: Nats["Service"], region: Region, reader: Reader, from: Beginning) =>
  Effect.tryPromise(async (): Promise<Consumer> => {
    const { ackWaitMs, entityType, inFlightMax, name } = reader
    const manager = await jetstreamManager(nats)
    const stream = Subject.eventStream(region)
    const config = {
      filter_subject: Subject.eventsOf(region, entityType),
      ack_wait: ackWaitMs * 1e6,
      max_ack_pending: inFlightMax
    }
    const known = await manager.consumers.info(stream, name).catch(() => null)
    if (known?.config.ack_policy === policy) await manager.consumers.update(stream, name, config)
    else {
      // The server changes no consumer's policy: it is made anew where it stands.
      if (known !== null) await manager.consumers.delete(stream, name)
      const start = startOf(known === null ? from : { streamSeq: known.ack_floor.stream_seq + 1 })
      await manager.consumers.add(stream, {
        durable_name: name,
        ack_policy: policy,
        ...start,
        ...config
      })
    }
    return jetstream(nats).consumers.get(stream, name)
  })
