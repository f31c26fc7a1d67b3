import * as Invariants from "@halles/entities/laws/Invariants"
import type { Now } from "@halles/entities/Domain"
import { models } from "@halles/entities/Domains"
import type { Cluster } from "./Cluster.ts"
import { keyOf, type Row } from "./Tables.ts"

/** A freeze or a late message may last so long into the calm. */
const aftermathMs = 20_000

/** What must hold when everything has come to rest, in words where it does not. */
export const of = (cluster: Cluster): ReadonlyArray<string> => {
  const states = new Map(
    [...cluster.tables.histories].map(([key, { rows }]) => {
      const states = [models.get(rows[0]!.entityType)!(rows[0]!.entityId)]
      for (const { events } of rows) states.push(states.at(-1)!.after(events))
      return [key, states] as const
    })
  )
  cluster.answers.check(states)
  return [
    ...cluster.answers.violations,
    ...cluster.forgotten,
    ...invariants(cluster),
    ...ledger(cluster),
    ...published(cluster),
    ...rest(cluster, states),
    ...money(cluster),
    ...goods(cluster, states),
    ...givenBack(cluster)
  ]
}

const typed = (cluster: Cluster, entityType: string): ReadonlyArray<Row> =>
  [...cluster.tables.histories.values()]
    .map(({ rows }) => rows)
    .filter(([first]) => first?.entityType === entityType)
    .toSorted(([a], [b]) => (a!.entityId < b!.entityId ? -1 : 1))
    .flat()

/** I0 to I17, as `npm run check` reads them. */
const invariants = (cluster: Cluster): ReadonlyArray<string> => {
  /** A timer that is lost, a database that is slow or a runner that is frozen makes holds end late; once it is calm they end on time. */
  const calmFrom = Math.max(cluster.calmFrom, cluster.delayedAt)
  const isExcused = ({ entityId, entityType, invariant, seq }: Invariants.Violation) =>
    invariant === "I9" &&
    seq !== null &&
    cluster.tables.histories.get(keyOf(entityType, entityId))!.rows[seq - 1]!.at < calmFrom + aftermathMs
  return Invariants.checkRows((entityType) => typed(cluster, entityType), {
    now: Math.floor(cluster.world.now),
    graceMs: 0
  })
    .filter((violation) => !isExcused(violation))
    .map(
      ({ detail, entityId, entityType, invariant, seq }) =>
        `${invariant} ${keyOf(entityType, entityId)}${seq === null ? "" : ` at ${seq}`}: ${detail}`
    )
}

/** I10 and I12 over all rows in order of position, which in the database is the business of SQL. */
const ledger = ({ tables }: Cluster): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const epochs = new Map<number, number>()
  const commands = new Set<string>()
  for (const { commandId, entityId, entityType, epoch, position, shard } of tables.journal) {
    const command = `${keyOf(entityType, entityId)} ${commandId}`
    if (commands.has(command)) wrong.push(`I10 ${command} is in the journal twice`)
    commands.add(command)
    const before = epochs.get(shard) ?? 0
    if (epoch < before)
      wrong.push(`I12 position ${position}: epoch ${epoch} wrote shard ${shard} after epoch ${before}`)
    epochs.set(shard, Math.max(before, epoch))
  }
  return wrong
}

/** What is in the journal was published, and nothing else. */
const published = ({ published, tables }: Cluster): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const left = new Map(published)
  for (const { entityId, entityType, events, seq } of tables.journal) {
    const name = `${keyOf(entityType, entityId)} ${seq}`
    const text = left.get(name)
    left.delete(name)
    if (text === undefined) wrong.push(`${name}: was never published`)
    else if (text !== JSON.stringify(events)) wrong.push(`${name}: was published as ${text}`)
  }
  for (const name of left.keys()) wrong.push(`${name}: was published and is not in the journal`)
  return [...wrong, ...[...tables.markers.keys()].map((batch) => `batch ${batch} is still marked as unpublished`)]
}

/** No step is pending, and every timer that a state asks for is there (at the end: none of either). */
const rest = ({ tables }: Cluster, statesOf: ReadonlyMap<string, ReadonlyArray<Now>>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  for (const [key, states] of statesOf) {
    const now = states.at(-1)!
    const timer = tables.timers.get(key)
    if (now.pendingStep !== null) wrong.push(`${key}: ${now.pendingStep} stays its pending step for ever`)
    if (now.dueAt !== null && timer === undefined) wrong.push(`${key}: asked for a timer, which is lost`)
    if (now.dueAt === null && timer !== undefined) wrong.push(`${key}: has a timer that nobody asked for`)
  }
  return wrong
}

interface Moved {
  authorised: number
  captured: number
  refunded: number
  disputed: number
  voided: boolean
}
const nothing = (): Moved => ({ authorised: 0, captured: 0, refunded: 0, disputed: 0, voided: false })

/** What the gateway did is what the payments say: each authorisation, capture, refund and void once. */
const money = (cluster: Cluster): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const journals = new Map<string, Moved>()
  for (const { entityId, events } of typed(cluster, "Payment")) {
    const moved = journals.get(entityId) ?? nothing()
    journals.set(entityId, moved)
    for (const event of events as ReadonlyArray<{ readonly _tag: string; readonly amount?: number }>) {
      if (event._tag === "Authorised") moved.authorised += event.amount ?? 0
      if (event._tag === "Captured") moved.captured += event.amount ?? 0
      if (event._tag === "Refunded") moved.refunded += event.amount ?? 0
      if (event._tag === "ChargedBack") moved.disputed += event.amount ?? 0
      if (event._tag === "DisputeWon") moved.disputed -= event.amount ?? 0
      if (event._tag === "Voided" && (event.amount ?? 0) > 0) moved.voided = true
    }
  }
  const gateway = new Map<string, Moved>()
  for (const {
    authorised,
    captured,
    chargedBack,
    orderId,
    refunded,
    status
  } of cluster.partners.authorisations.values()) {
    if (gateway.has(orderId)) wrong.push(`the gateway was asked twice to authorise ${orderId}`)
    gateway.set(orderId, { authorised, captured, refunded, disputed: chargedBack, voided: status === "voided" })
  }
  for (const [orderId, ours] of journals) {
    const theirs = gateway.get(orderId) ?? nothing()
    gateway.delete(orderId)
    if (JSON.stringify(ours) !== JSON.stringify(theirs)) {
      wrong.push(`money of ${orderId}: ${JSON.stringify(ours)}, at the gateway ${JSON.stringify(theirs)}`)
    }
  }
  for (const orderId of gateway.keys()) wrong.push(`the gateway has money of ${orderId}, which has no payment`)
  return wrong
}

/** The carrier has one parcel of each order that is under way or over, and none of one that was cancelled. */
const goods = ({ partners }: Cluster, statesOf: ReadonlyMap<string, ReadonlyArray<Now>>): ReadonlyArray<string> => {
  const wrong: Array<string> = []
  const sent = new Set<string>()
  for (const item of partners.items.values()) {
    if (item._tag !== "Shipment" || item.status === "cancelled") continue
    const { orderId, status } = item
    const order = statesOf.get(keyOf("Order", orderId))?.at(-1)?.view as { readonly status: string } | undefined
    if (order === undefined) wrong.push(`the carrier has goods of ${orderId}, which does not exist`)
    if (order?.status === "cancelled")
      wrong.push(`the carrier has goods (${status}) of ${orderId}, which was cancelled`)
    if (sent.has(orderId)) wrong.push(`the carrier has goods of ${orderId} twice`)
    sent.add(orderId)
  }
  return wrong
}

/** What an order gave back it never gets again, however late its message arrives. */
const givenBack = (cluster: Cluster): ReadonlyArray<string> => {
  const over = new Set<string>()
  const wrong: Array<string> = []
  for (const { entityId, events, seq } of typed(cluster, "Sku")) {
    for (const event of events as ReadonlyArray<{ readonly _tag: string; readonly orderId?: string }>) {
      const key = `${entityId} ${event.orderId}`
      if (event._tag === "Released" || event._tag === "ReleasedEarly") over.add(key)
      if (event._tag === "Held" && over.has(key))
        wrong.push(`Sku/${entityId} at ${seq}: holds for ${event.orderId}, which gave it back`)
    }
  }
  return wrong
}
