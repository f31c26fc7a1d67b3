import type { TailEvent } from "@halles/http/operator/OperatorEvents"
import type * as Json from "@halles/http/operator/OperatorJson"
import { type Region, regions } from "@halles/shared/Region"

const began = Date.now() - 5_400_000
const runnerIds: Readonly<Record<Region, ReadonlyArray<string>>> = {
  eu: ["eu-1", "eu-2"],
  am: ["am-1"],
  ap: ["ap-1"]
}
/** Between 0 and 1, the same for the same number. */
const noise = (seed: number): number => (Math.sin(seed * 12.9898) * 43_758.5453) % 1
const share = (seed: number): number => Math.abs(noise(seed))

export const me: typeof Json.Me.Encoded = {
  subject: "account-9",
  name: "Olga Operator",
  email: "operator@halles.test",
  kind: "staff",
  roles: ["ops-read", "ops-write"],
  mayWrite: true,
  mayUnmask: true,
  mayAudit: true,
  needsTwoFactors: false
}

export const overview = (shardsPerRegion: number): typeof Json.Overview.Encoded => {
  const at = Date.now()
  return {
    at,
    regions: regions.map((region, index) => ({
      region,
      runners: runnerIds[region].length,
      shardsOwned: region === "am" ? shardsPerRegion - 3 : shardsPerRegion,
      shards: shardsPerRegion,
      commandsPerSecond: 840 / (index + 1) + 60 * share(at / 1_000 + index),
      commitsPerSecond: 310 / (index + 1) + 40 * share(at / 1_000 + index),
      p50Ms: 3.2 + index,
      p99Ms: 18.4 + 7 * index + 6 * share(at / 700 + index),
      sagaBacklog: [12, 3, 0][index]!,
      oldestOverdueTimerMs: [0, 41_000, null][index]!,
      outboxLagMs: [4, 9, null][index]!,
      projectionLag: [0, 17, null][index]!,
      parked: [1, 0, 0][index]!,
      alarms: [1, 2, 0][index]!
    }))
  }
}

export const runners = (): typeof Json.Runners.Encoded => ({
  at: Date.now(),
  items: regions.flatMap((region) =>
    runnerIds[region].map((id, index) => ({
      id,
      region,
      address: `halles.${region}.runner.${id}`,
      version: "0.1.0",
      since: began,
      heartbeatAgeMs: 240 + 100 * index,
      cpu: 0.31 + 0.2 * index,
      rssBytes: 412_000_000 + 31_000_000 * index,
      heapBytes: 188_000_000,
      eventLoopDelayP99Ms: 12.4,
      activeEntities: 18_240 - 4_000 * index,
      callsPerSecond: 420.5,
      commitsPerSecond: 155,
      shards: 32,
      shardsHeld: id === "am-1" ? 29 : 32,
      draining: id === "eu-2" ? ("operator" as const) : null
    }))
  )
})

export const alarms = (): typeof Json.Alarms.Encoded => ({
  items: [
    {
      id: "parked:Order/eu_poison",
      code: "entity_parked",
      severity: "critical",
      region: "eu",
      shard: 17,
      subject: "Order/eu_poison",
      since: Date.now() - 184_000,
      value: 8,
      objective: 0,
      text: "Order/eu_poison is parked: its handler failed eight times",
      command: "npx halles get Order/eu_poison"
    },
    {
      id: "timer:am:3",
      code: "timer_overdue",
      severity: "warning",
      region: "am",
      shard: 3,
      subject: null,
      since: Date.now() - 41_000,
      value: 41_000,
      objective: 30_000,
      text: "A timer of shard 3 is overdue by 41 s",
      command: "npx halles shards --region am"
    },
    {
      id: "moves:am",
      code: "shards_moving",
      severity: "info",
      region: "am",
      shard: null,
      subject: "am-1",
      since: Date.now() - 9_000,
      value: 3,
      objective: null,
      text: "Three shards are being taken over",
      command: "npx halles runners"
    }
  ]
})

type Row = typeof Json.ShardRow.Encoded

const row = (region: Region, shard: number, tick: number): Row => {
  const owners = runnerIds[region]
  const runner = owners[(shard + Math.floor(tick / 100)) % owners.length]!
  const loose = region === "am" && shard <= 3
  return [
    shard,
    runner,
    loose ? null : runner,
    4 + Math.floor(tick / 100),
    600_000 * share(shard) + 1_000,
    40 * share(shard + tick) ** 4,
    shard % 31 === 0 ? 12_000 * share(shard) : 0,
    region === "eu" && shard === 17 ? 1 : 0,
    region === "eu" && shard === 5 ? runner : null
  ]
}

export const shards = (count: number): typeof Json.Shards.Encoded => ({
  at: Date.now(),
  regions: regions.map((region) => ({
    region,
    rows: Array.from({ length: count }, (_, index) => row(region, index + 1, 0))
  }))
})

/** So many cells of the first region in turn, with other figures and at times another owner. */
export const changed = (all: typeof Json.Shards.Encoded, tick: number, count: number): typeof Json.Shards.Encoded => {
  const first = all.regions[0]!
  return {
    at: Date.now(),
    regions: [
      {
        region: first.region,
        rows: Array.from({ length: count }, (_, index) =>
          row("eu", ((tick * count + index) % first.rows.length) + 1, tick)
        )
      }
    ]
  }
}

export const moves = (changes: ReadonlyArray<Change>): typeof Json.Moves.Encoded => ({
  items: [
    ...changes
      .filter(({ path }) => path === "shards/eu/5/move")
      .map(({ body: { reason, runner = "" } }) => ({
        id: "3",
        region: "eu" as const,
        shard: 5,
        from: "eu-2",
        to: runner,
        reason,
        plannedAt: Date.now(),
        startedAt: null
      })),
    {
      id: "1",
      region: "eu",
      shard: 9,
      from: "eu-2",
      to: "eu-1",
      reason: "drain of eu-2",
      plannedAt: Date.now() - 2_000,
      startedAt: null
    },
    {
      id: "2",
      region: "eu",
      shard: 8,
      from: "eu-2",
      to: "eu-1",
      reason: "drain of eu-2",
      plannedAt: Date.now() - 4_000,
      startedAt: Date.now() - 3_000
    }
  ]
})

const kinds = [
  ["Order", "StockHeld"],
  ["Cart", "LinePut"],
  ["Sku", "Held"],
  ["Payment", "Authorised"]
] as const

export const tailRows = (tick: number, count: number): ReadonlyArray<typeof TailEvent.Encoded> =>
  Array.from({ length: count }, (_, index) => {
    const [type, tag] = kinds[(tick + index) % kinds.length]!
    return {
      entity: `${type}/eu_${tick.toString(36)}${index}`,
      seq: index + 1,
      at: Date.now(),
      commandId: `${tick}-${index}`,
      events: [{ _tag: tag }],
      actor: index % 3 === 0 ? "customer" : null
    }
  })

export const types = (more = 0): typeof Json.Types.Encoded => ({
  at: Date.now(),
  items: [
    {
      type: "Order",
      active: 1_204,
      activations: 8_411,
      passivations: 7_207,
      mailboxDepth: 3,
      commands: [
        { command: "Place", calls: 8_411, callsPerSecond: 14.2, refused: 0, failed: 0, p50Ms: 6.1, p99Ms: 31 },
        { command: "View", calls: 41_022 + more, callsPerSecond: 88, refused: 12, failed: 1, p50Ms: 0.8, p99Ms: 4.2 },
        { command: "Cancel", calls: 97, callsPerSecond: 0, refused: 9, failed: 0, p50Ms: 0, p99Ms: 0 }
      ]
    },
    { type: "Sku", active: 5_003, activations: 5_003, passivations: 0, mailboxDepth: 0, commands: [] }
  ]
})

const line = { sku: "TEA-01", variant: "", title: "Tea, 250 g", quantity: 2, unitPrice: 650, taxRate: 2_000 }
const orderId = "eu_Qm3vXr8Kd0ZtWbYp5nLc2A"
const stepNames = ["Placed", "StockHeld", "PaymentAuthorised", "StockReserved", "ShipmentBooked"]

const orderState = (seq: number) => ({
  id: orderId,
  status: ["created", "payment", "reserving", "shipping", "confirmed"][Math.max(0, seq - 1)]!,
  customerId: null,
  currency: "GBP",
  lines: [line, { ...line, sku: "MUG-07", quantity: 12, unitPrice: 1_250 }],
  charges: [],
  totals: { goods: 16_300, charges: 395, tax: 3_339, total: 20_034 },
  payment: { authorised: seq > 2 ? 20_034 : 0, captured: 0, refunded: 0, disputed: 0 },
  trackingNumbers: seq > 4 ? ["HX 8841 2209"] : [],
  cancelled: null,
  email: "a•••",
  steps: stepNames.slice(0, seq).map((step, index) => ({ seq: index + 1, step, at: began + index * 40, detail: null })),
  seq
})

const skuState = {
  id: "eu_TEA-01",
  warehouses: [
    { warehouse: "eu-main", onHand: 1_240, held: 12, reserved: 31, available: 1_197 },
    { warehouse: "eu-north", onHand: 88, held: 0, reserved: 4, available: 84 }
  ],
  totals: { onHand: 1_328, held: 12, reserved: 35, available: 1_281, shipped: 9_120, backOrdered: 0 },
  backOrderAllowed: false,
  seq: 5
}

const detail = (
  name: string,
  at: number | null,
  isParked: boolean,
  masked: boolean
): typeof Json.EntityDetail.Encoded => {
  const [type = "Order", id = orderId] = name.split("/")
  const seq = at ?? 5
  return {
    entity: name,
    type,
    id,
    region: "eu",
    shard: 17,
    runner: "eu-1",
    holder: "eu-1",
    seq,
    seqNow: 5,
    at: began + seq * 40,
    state: type === "Sku" ? skuState : orderState(seq),
    masked,
    pendingStep: seq < 5 ? "authorise" : null,
    timerAt: null,
    timer: isParked ? { due: Date.now() - 42_000, overdueMs: 42_000 } : null,
    snapshotSeq: null,
    archived: false,
    memory: { runner: "eu-1", since: began, mailboxDepth: 1, inFlight: [{ command: "View", ms: 3 }] },
    parked: isParked
      ? { since: Date.now() - 184_000, tries: 8, cause: "The payment gateway's answer was not understood" }
      : null
  }
}

const rows = (name: string): ReadonlyArray<typeof Json.JournalRow.Encoded> =>
  stepNames.map((step, index) => ({
    entity: name,
    seq: index + 1,
    at: began + index * 40,
    commandId: `${name}:${step}:1`,
    events: [{ _tag: step, at: began + index * 40, amount: 20_034 }],
    actor: index === 0 ? "customer" : null,
    correlationId: "c1",
    causationId: index === 0 ? null : `${index}`,
    traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
    shard: 17,
    epoch: 4
  }))

const trace = (): typeof Json.Trace.Encoded => {
  const order = `Order/${orderId}`
  const [first, second, third] = rows(order)
  return {
    id: orderId,
    items: [
      {
        row: { ...first!, entity: `Cart/${orderId}`, seq: 4, events: [{ _tag: "CheckedOut" }] },
        parent: null,
        depth: 0
      },
      { row: first!, parent: 0, depth: 1 },
      { row: { ...second!, entity: "Sku/eu_TEA-01", seq: 881, events: [{ _tag: "Held" }] }, parent: 1, depth: 2 },
      { row: second!, parent: 1, depth: 2 },
      { row: { ...third!, entity: `Payment/${orderId}`, seq: 1, events: [{ _tag: "Requested" }] }, parent: 3, depth: 3 }
    ]
  }
}

const sagas: ReadonlyArray<typeof Json.SagaSummary.Encoded> = [
  {
    entity: "Order/eu_stuck0000000000000000",
    state: "stuck",
    step: "authorise",
    seq: 2,
    since: Date.now() - 412_000,
    nextTry: Date.now() + 4_000
  },
  {
    entity: `Order/${orderId}`,
    state: "open",
    step: "book",
    seq: 3,
    since: Date.now() - 800,
    nextTry: Date.now() + 4_000
  },
  {
    entity: "Order/eu_refused00000000000000",
    state: "refused",
    step: "refund-r1",
    seq: 17,
    since: Date.now() - 86_400_000,
    nextTry: null
  },
  { entity: "Order/eu_ended0000000000000000", state: "done", step: null, seq: 14, since: began, nextTry: null }
]

const saga = (id: string, isCompensated: boolean): typeof Json.SagaDetail.Encoded => ({
  id,
  state: isCompensated ? "done" : "stuck",
  status: "payment",
  steps: ["Placed", "StockHeld", "PaymentDeclined", "StockReleased"].map((step, index) => ({
    entity: id,
    seq: index + 1,
    at: began + index * 340,
    tookMs: index === 0 ? null : 340,
    step,
    commandId: `${id}:${step}`,
    compensation: step === "StockReleased"
  })),
  pendingSteps: isCompensated
    ? []
    : [
        {
          entity: id,
          step: "void",
          commandId: `${id}:void:1`,
          since: Date.now() - 412_000,
          nextTry: Date.now() + 4_000,
          attempts: 41,
          lastError: "payment gateway: connection refused"
        }
      ],
  refused: isCompensated
    ? []
    : [{ entity: id, step: "refund-r1", reason: "account_closed", since: Date.now() - 86_400_000 }],
  may: { retry: !isCompensated, compensate: !isCompensated, skip: !isCompensated }
})

const streams = (): typeof Json.Streams.Encoded => ({
  at: Date.now(),
  streams: regions.map((region, index) => ({
    name: `EVENTS_${region.toUpperCase()}`,
    messages: 1_204_551 >> index,
    bytes: 412_004_112 >> index,
    firstSeq: 1,
    lastSeq: 1_204_551 >> index,
    lastAt: Date.now() - 400
  })),
  consumers: ["orders", "stock", "products", "webhooks"].map((name, index) => ({
    stream: "EVENTS_EU",
    name,
    pending: [0, 4, 2_210, 0][index]!,
    ackPending: index,
    redelivered: index * 2,
    lastActive: Date.now() - 1_000
  }))
})

const letters: ReadonlyArray<typeof Json.DeadLetter.Encoded> = [1, 2, 3].map((number) => ({
  id: `w${number}`,
  stream: "webhooks",
  consumer: "https://shop.example/hooks",
  subject: `order.confirmed ${orderId.slice(0, 12)}${number}`,
  at: Date.now() - 3_600_000 * number,
  tries: 10,
  cause: "503 Service Unavailable"
}))

const audit: ReadonlyArray<typeof Json.AuditRow.Encoded> = [
  {
    seq: "412",
    at: Date.now() - 60_000,
    actor: "operator@halles.test",
    action: "ops.drain",
    subject: "eu-2",
    outcome: "allowed",
    reason: "new kernel on its machine",
    details: null
  },
  {
    seq: "411",
    at: Date.now() - 90_000,
    actor: "reader@halles.test",
    action: "ops.drain",
    subject: "eu-2",
    outcome: "denied",
    reason: null,
    details: null
  }
]

export const notFound = {
  type: "/problems/not_found",
  title: "There is no such thing",
  status: 404,
  code: "not_found",
  detail: "No Order has the id eu_nothing.",
  context: { entity: "Order", id: "eu_nothing" }
}
export const notPossible = (reason: string) => ({
  type: "/problems/not_possible",
  title: "Not possible now",
  status: 409,
  code: "not_possible",
  detail: reason,
  context: { reason }
})

const cancelled = { entity: `Order/${orderId}`, path: "status", before: "reserving", after: "cancelling" }

/** What a command would do; null where it is a change that was asked for. */
export const tried = ({ body: { at, command }, path }: Change): typeof Json.WhatIf.Encoded | typeof misspelt | null => {
  if (!path.endsWith("/what-if")) return null
  if (command?._tag !== "Cancel" && command?._tag !== "Place") return misspelt
  const isRefused = command._tag === "Place"
  return {
    entity: `Order/${orderId}`,
    seq: Number(at),
    refused: isRefused ? { _tag: "AlreadyPlaced" } : null,
    events: isRefused ? null : [{ _tag: "CancelRequested", detail: "what if" }],
    pendingStep: isRefused ? "book" : "release",
    timerAt: isRefused ? null : began + 900_000,
    changes: isRefused ? [] : [cancelled]
  }
}
const misspelt = {
  type: "/problems/invalid_request",
  title: "Not understood",
  status: 400,
  code: "invalid_request",
  detail: "The request was not understood.",
  errors: [{ pointer: "/command", detail: '"_tag" must be one of Place, Cancel' }]
}

/** What the page asked to be changed. */
export interface Change {
  readonly path: string
  readonly body: {
    readonly reason: string
    readonly runner?: string
    readonly ids?: ReadonlyArray<string>
    readonly at?: string
    readonly command?: { readonly _tag?: string }
  }
  /** With the header that no form of another page can send. */
  readonly fromPage: boolean
}
/** What is refused, and why. */
export const refusals: Readonly<Record<string, string>> = {
  "runners/eu-1/drain": "eu-1 would have no runner beside it",
  [`sagas/Order:${orderId}/skip`]: "The rest depends on the pending step book: retry it, or compensate."
}
/** What came of a change that was not refused. */
export const came = ({ body: { ids }, path }: Change): typeof Json.Done.Encoded | typeof Json.Replayed.Encoded =>
  path === "dead-letters/replay" ? { replayed: ids?.length ?? 0, left: 0 } : { done: true, text: `${path}: accepted` }

const page = <Item>(items: ReadonlyArray<Item>) => ({ items, next: null })

/** What a path of the operator API answers; null for what is not there. */
export const answers = ({ pathname, searchParams }: URL, changes: ReadonlyArray<Change>): unknown => {
  const isDone = (path: string) => changes.some((change) => change.path === path)
  const [first = "", id = "", last = ""] = decodeURIComponent(pathname.replace("/v1/ops/", "")).split("/")
  const name = id.replace(":", "/")
  switch (first) {
    case "me":
      return me
    case "types":
      return types()
    case "shards":
      return page([
        { entity: `Order/${orderId}`, seq: 5, at: began, isActive: true },
        { entity: "Sku/eu_TEA-01", seq: 881, at: began, isActive: null }
      ])
    case "entities":
      if (id === "")
        return page([{ entity: `Order/${orderId}`, seq: 5, changed: began, pendingStep: null, state: orderState(5) }])
      if (name.includes("nothing")) return null
      if (last === "events") return page(rows(name))
      if (last === "diff")
        return searchParams.get("from") === searchParams.get("to") ? { items: [] } : { items: [cancelled] }
      return {
        items: [
          detail(
            name,
            searchParams.has("at") ? Number(searchParams.get("at")) : null,
            name.endsWith("eu_poison") && !isDone(`entities/${id}/resume`),
            searchParams.get("unmask") !== "true" || (searchParams.get("reason") ?? "") === ""
          )
        ]
      }
    case "trace":
      return trace()
    case "sagas":
      if (id !== "") return saga(name, isDone(`sagas/${id}/compensate`))
      return page(sagas.filter(({ state }) => (searchParams.get("state") ?? state) === state))
    case "streams":
      return streams()
    case "dead-letters":
      return page(letters.filter((letter) => !changes.some(({ body }) => body.ids?.includes(letter.id) === true)))
    case "audit":
      return page(audit)
    default:
      return null
  }
}
