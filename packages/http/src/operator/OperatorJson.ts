import { Region } from "@halles/shared/Region"
import { isMaxCharacters, paragraph } from "@halles/shared/Text"
import { Schema } from "effect"

/** Unix milliseconds. */
const At = Schema.Int
/** Milliseconds, or a rate: measured, not counted. */
const Figure = Schema.Finite
const Count = Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))

/** `eu-1`: a runner by its name. */
export const RunnerId = Schema.String.check(Schema.isPattern(/^[a-z]{2}-[a-z0-9-]{1,30}$/u))
/** `eu_x` for whatever has this id, or `Order/eu_x`, in a path as `Order%2Feu_x` or `Order:eu_x`. */
export const EntityRef = Schema.String.check(
  Schema.isPattern(/^(?:[A-Z][A-Za-z]{0,20}[/:])?(?:eu|am|ap)_[A-Za-z0-9_-]{1,60}$/u)
)
/** `Order/eu_x`: the name of an entity in answers. */
export const EntityName = Schema.String
export const Cursor = Schema.String.check(isMaxCharacters(300))
/** Why an operator does what it does; written into the audit log. */
export const Reason = paragraph(500, 3)
export const Reasoned = Schema.Struct({ reason: Reason })
/** Of several steps of a saga the one that is meant, such as `capture`; without it the first. */
export const ReasonedStep = Schema.Struct({
  reason: Reason,
  step: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^[A-Za-z0-9:_-]{1,100}$/u)))
})

const page = <Item extends Schema.Top>(item: Item, identifier: string) =>
  Schema.Struct({ items: Schema.Array(item), next: Schema.NullOr(Cursor) }).annotate({ identifier })

/** Who looks, and what they may do, so that a page offers nothing that would be refused. */
export const Me = Schema.Struct({
  subject: Schema.String,
  /** Of a person who is signed in at the page; null for a token. */
  name: Schema.NullOr(Schema.String),
  email: Schema.NullOr(Schema.String),
  kind: Schema.Literals(["customer", "staff", "partner", "service"]),
  roles: Schema.Array(Schema.String),
  mayWrite: Schema.Boolean,
  mayUnmask: Schema.Boolean,
  mayAudit: Schema.Boolean,
  /** Signed in with a password alone, which is enough to look: with a second factor they could change things. */
  needsTwoFactors: Schema.Boolean
}).annotate({ identifier: "Me" })

export const Severity = Schema.Literals(["info", "warning", "critical"])
/** What somebody should look at, with the command that is to be run next. */
export const Alarm = Schema.Struct({
  /** Stable within one occurrence: the same alarm has the same id until it ends. */
  id: Schema.String,
  code: Schema.String,
  severity: Severity,
  region: Schema.NullOr(Region),
  shard: Schema.NullOr(Schema.Int),
  /** An entity, a runner, a consumer. */
  subject: Schema.NullOr(Schema.String),
  since: At,
  value: Schema.NullOr(Figure),
  objective: Schema.NullOr(Figure),
  text: Schema.String,
  command: Schema.String
}).annotate({ identifier: "Alarm" })
export const Alarms = Schema.Struct({ items: Schema.Array(Alarm) }).annotate({ identifier: "Alarms" })

export const RegionOverview = Schema.Struct({
  region: Region,
  runners: Count,
  shardsOwned: Count,
  shards: Count,
  /** Calls to entities, queries among them. */
  commandsPerSecond: Figure,
  /** Rows of the journal. */
  commitsPerSecond: Figure,
  /** Of calls, over the last ten seconds. */
  p50Ms: Figure,
  p99Ms: Figure,
  /** Sagas with a pending step. */
  sagaBacklog: Count,
  /** 0 when none is overdue; null when the database of the region does not answer, as for the next two. */
  oldestOverdueTimerMs: Schema.NullOr(Figure),
  outboxLagMs: Schema.NullOr(Figure),
  /** Events that a projection has not applied; the one that is furthest behind. */
  projectionLag: Schema.NullOr(Count),
  parked: Count,
  alarms: Count
}).annotate({ identifier: "RegionOverview" })
export const Overview = Schema.Struct({ at: At, regions: Schema.Array(RegionOverview) }).annotate({
  identifier: "Overview"
})

/** One shard, as a row: number, runner, holder, epoch, epoch's age in ms, calls a second, lag in ms (its oldest overdue timer), parked entities, and the runner that an operator gave it to. */
export const ShardRow = Schema.Tuple([
  Schema.Int,
  Schema.NullOr(Schema.String),
  Schema.NullOr(Schema.String),
  Schema.NullOr(Schema.Int),
  Schema.NullOr(Figure),
  Figure,
  Figure,
  Count,
  Schema.NullOr(Schema.String)
])
export const RegionShards = Schema.Struct({ region: Region, rows: Schema.Array(ShardRow) }).annotate({
  identifier: "RegionShards"
})
export const Shards = Schema.Struct({ at: At, regions: Schema.Array(RegionShards) }).annotate({ identifier: "Shards" })
/** An entity of a shard, as the journal knows it. */
export const ShardEntity = Schema.Struct({
  entity: EntityName,
  seq: Schema.Int,
  at: At,
  isActive: Schema.NullOr(Schema.Boolean)
})
export const ShardEntities = page(ShardEntity, "ShardEntities")

/** One step of the mover, planned or done. */
export const Move = Schema.Struct({
  id: Schema.String,
  region: Region,
  shard: Schema.Int,
  from: Schema.NullOr(Schema.String),
  to: Schema.String,
  reason: Schema.String,
  plannedAt: At,
  startedAt: Schema.NullOr(At)
}).annotate({ identifier: "Move" })
export const Moves = Schema.Struct({ items: Schema.Array(Move) }).annotate({ identifier: "Moves" })

export const RunnerStatus = Schema.Struct({
  id: Schema.String,
  region: Region,
  /** A subject of its own over NATS; runners listen on no port for each other. */
  address: Schema.String,
  version: Schema.String,
  since: At,
  heartbeatAgeMs: Figure,
  /** Share of one processor, 1 = all of it. The figures below are null until the runner has told them. */
  cpu: Schema.NullOr(Figure),
  rssBytes: Schema.NullOr(Count),
  heapBytes: Schema.NullOr(Count),
  eventLoopDelayP99Ms: Schema.NullOr(Figure),
  activeEntities: Schema.NullOr(Count),
  callsPerSecond: Schema.NullOr(Figure),
  commitsPerSecond: Schema.NullOr(Figure),
  /** Shards that are placed here, and of them those that it holds. */
  shards: Count,
  shardsHeld: Count,
  /** `operator` and `stopping` are why it is to have no shards. */
  draining: Schema.NullOr(Schema.Literals(["operator", "stopping"]))
}).annotate({ identifier: "Runner" })
export const Runners = Schema.Struct({ at: At, items: Schema.Array(RunnerStatus) }).annotate({ identifier: "Runners" })

export const CommandStatus = Schema.Struct({
  command: Schema.String,
  calls: Count,
  callsPerSecond: Figure,
  /** Refusals that the contract declares. */
  refused: Count,
  /** Defects, and calls that were cut off. */
  failed: Count,
  p50Ms: Figure,
  p99Ms: Figure
})
export const TypeStatus = Schema.Struct({
  type: Schema.String,
  active: Count,
  activations: Count,
  passivations: Count,
  /** Calls under way now. */
  mailboxDepth: Count,
  commands: Schema.Array(CommandStatus)
}).annotate({ identifier: "EntityType" })
/** Counts are since the runners that are alive started; rates and percentiles over the last ten seconds. */
export const Types = Schema.Struct({ at: At, items: Schema.Array(TypeStatus) }).annotate({ identifier: "EntityTypes" })

export const Parked = Schema.Struct({
  since: At,
  tries: Count,
  cause: Schema.String
}).annotate({ identifier: "Parked" })

/** An entity in a list: what it was when it was looked at. */
export const EntitySummary = Schema.Struct({
  entity: EntityName,
  seq: Schema.Int,
  changed: Schema.NullOr(At),
  pendingStep: Schema.NullOr(Schema.String),
  state: Schema.Json
}).annotate({ identifier: "EntitySummary" })
export const Entities = page(EntitySummary, "Entities")

export const EntityDetail = Schema.Struct({
  entity: EntityName,
  type: Schema.String,
  id: Schema.String,
  region: Region,
  shard: Schema.Int,
  /** Who is to have it, who took it last. */
  runner: Schema.NullOr(Schema.String),
  holder: Schema.NullOr(Schema.String),
  /** Of the state that is shown, and the newest one. */
  seq: Schema.Int,
  seqNow: Schema.Int,
  at: Schema.NullOr(At),
  state: Schema.Json,
  /** Whether personal data is hidden. */
  masked: Schema.Boolean,
  pendingStep: Schema.NullOr(Schema.String),
  timerAt: Schema.NullOr(At),
  /** The row of its timer. */
  timer: Schema.NullOr(Schema.Struct({ due: At, overdueMs: Figure })),
  snapshotSeq: Schema.NullOr(Schema.Int),
  archived: Schema.Boolean,
  /** Of its runner's memory; null when it is in none, or the runner did not answer. */
  memory: Schema.NullOr(
    Schema.Struct({
      runner: Schema.String,
      since: At,
      mailboxDepth: Count,
      inFlight: Schema.Array(Schema.Struct({ command: Schema.String, ms: Figure }))
    })
  ),
  parked: Schema.NullOr(Parked)
}).annotate({ identifier: "EntityDetail" })
/** All that have one id: a cart, its order, payment and shipment. */
export const EntityDetails = Schema.Struct({ items: Schema.Array(EntityDetail) }).annotate({
  identifier: "EntityDetails"
})

/** A row of the journal: one accepted command and what came of it. */
export const JournalRow = Schema.Struct({
  entity: EntityName,
  seq: Schema.Int,
  at: At,
  commandId: Schema.String,
  events: Schema.Array(Schema.Json),
  actor: Schema.NullOr(Schema.String),
  correlationId: Schema.NullOr(Schema.String),
  causationId: Schema.NullOr(Schema.String),
  traceId: Schema.NullOr(Schema.String),
  shard: Schema.Int,
  epoch: Schema.Int
}).annotate({ identifier: "JournalRow" })
export const JournalRows = page(JournalRow, "JournalRows")
/** What one customer action caused, in the order of commits; `parent` is the index of the row that caused it. */
export const TraceNode = Schema.Struct({ row: JournalRow, parent: Schema.NullOr(Schema.Int), depth: Count })
export const Trace = Schema.Struct({ id: Schema.String, items: Schema.Array(TraceNode) }).annotate({
  identifier: "Trace"
})
export const Change = Schema.Struct({
  entity: EntityName,
  path: Schema.String,
  before: Schema.Json,
  after: Schema.Json
}).annotate({ identifier: "Change" })
export const Diff = Schema.Struct({ items: Schema.Array(Change) }).annotate({ identifier: "Diff" })
/** What a command would do: nothing was written, nothing was sent. */
export const WhatIf = Schema.Struct({
  entity: EntityName,
  seq: Schema.Int,
  refused: Schema.NullOr(Schema.Json),
  events: Schema.NullOr(Schema.Array(Schema.Json)),
  pendingStep: Schema.NullOr(Schema.String),
  timerAt: Schema.NullOr(At),
  changes: Schema.Array(Change)
}).annotate({ identifier: "WhatIf" })

/** `refused`: a step was refused for good, and waits for an operator. */
export const SagaState = Schema.Literals(["stuck", "open", "refused", "done"])
export const SagaSummary = Schema.Struct({
  entity: EntityName,
  /** `stuck`: the same step has been pending for longer than the objective. */
  state: SagaState,
  /** The key of its pending step. */
  step: Schema.NullOr(Schema.String),
  seq: Schema.Int,
  /** When it moved last, and when its timer fires next. */
  since: At,
  nextTry: Schema.NullOr(At)
}).annotate({ identifier: "SagaSummary" })
export const Sagas = page(SagaSummary, "Sagas")
/** A step of the timeline. */
export const SagaStep = Schema.Struct({
  entity: EntityName,
  seq: Schema.Int,
  at: At,
  tookMs: Schema.NullOr(Figure),
  step: Schema.String,
  commandId: Schema.String,
  /** It undoes something. */
  compensation: Schema.Boolean
}).annotate({ identifier: "SagaStep" })
export const SagaDetail = Schema.Struct({
  id: Schema.String,
  state: SagaState,
  status: Schema.NullOr(Schema.String),
  steps: Schema.Array(SagaStep),
  pendingSteps: Schema.Array(
    Schema.Struct({
      entity: EntityName,
      step: Schema.String,
      /** The id under which the message is sent, again and again. */
      commandId: Schema.String,
      since: At,
      nextTry: Schema.NullOr(At),
      /** Tries of this step that failed; null when none did, or when no runner has the saga in memory. */
      attempts: Schema.NullOr(Count),
      lastError: Schema.NullOr(Schema.String)
    })
  ),
  /** Steps that were refused for good: they are sent anew, or let be, by an operator. */
  refused: Schema.Array(Schema.Struct({ entity: EntityName, step: Schema.String, reason: Schema.String, since: At })),
  /** What an operator may do now. */
  may: Schema.Struct({ retry: Schema.Boolean, compensate: Schema.Boolean, skip: Schema.Boolean })
}).annotate({ identifier: "SagaDetail" })

export const StreamStatus = Schema.Struct({
  name: Schema.String,
  messages: Count,
  bytes: Count,
  firstSeq: Count,
  lastSeq: Count,
  lastAt: Schema.NullOr(At)
}).annotate({ identifier: "StreamStatus" })
export const ConsumerStatus = Schema.Struct({
  stream: Schema.String,
  name: Schema.String,
  /** Not delivered yet; delivered and not acknowledged; delivered more than once. */
  pending: Count,
  ackPending: Count,
  redelivered: Count,
  lastActive: Schema.NullOr(At)
}).annotate({ identifier: "ConsumerStatus" })
export const Streams = Schema.Struct({
  at: At,
  streams: Schema.Array(StreamStatus),
  consumers: Schema.Array(ConsumerStatus)
}).annotate({ identifier: "Streams" })

export const DeadLetter = Schema.Struct({
  /** Opaque: for `replay` and `resolve`. */
  id: Schema.String,
  /** `webhooks`, or the stream that lacks it, or whose consumer gave up. */
  stream: Schema.String,
  consumer: Schema.String,
  subject: Schema.String,
  at: At,
  tries: Count,
  cause: Schema.NullOr(Schema.String)
}).annotate({ identifier: "DeadLetter" })
export const DeadLetters = page(DeadLetter, "DeadLetters")
export const replayMax = 1_000
export const Replay = Schema.Struct({
  reason: Reason,
  ids: Schema.optionalKey(Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(replayMax))),
  stream: Schema.optionalKey(Schema.String),
  limit: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: replayMax })))
})
export const Replayed = Schema.Struct({ replayed: Count, left: Count }).annotate({ identifier: "Replayed" })

export const Resolve = Schema.Struct({
  reason: Reason,
  ids: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(replayMax))
})
export const Resolved = Schema.Struct({ resolved: Count, left: Count }).annotate({ identifier: "Resolved" })

export const AuditRow = Schema.Struct({
  seq: Schema.String,
  at: At,
  actor: Schema.String,
  action: Schema.String,
  subject: Schema.String,
  outcome: Schema.Literals(["allowed", "denied", "failed"]),
  reason: Schema.NullOr(Schema.String),
  details: Schema.NullOr(Schema.Json)
}).annotate({ identifier: "AuditRow" })
export const Audit = page(AuditRow, "Audit")

/** What a change came to. */
export const Done = Schema.Struct({ done: Schema.Literal(true), text: Schema.String }).annotate({ identifier: "Done" })
