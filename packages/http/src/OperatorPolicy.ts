import type { Role, Scope } from "@halles/shared/Authority"

/** What one way of being let in asks for: all of the scopes, and one of the roles. */
export interface Way {
  readonly scopes: ReadonlyArray<Scope>
  readonly roles: ReadonlyArray<Role>
}

export interface OperatorRule {
  /** One of them is enough. */
  readonly ways: ReadonlyArray<Way>
  /**
   * What an operator who is limited to a region is held to: the region in the path, that of the id in the path, or nothing
   * where an answer names no customer's data. Without it such an operator is refused.
   */
  readonly region?: "path" | "id" | "none"
}

const read: Way = { scopes: ["ops:read"], roles: ["ops-read", "ops-write", "admin"] }
const write: Way = { scopes: ["ops:write"], roles: ["ops-write", "admin"] }

const figures: OperatorRule = { ways: [read], region: "none" }
const ofEntity: OperatorRule = { ways: [read], region: "id" }
const changeOfEntity: OperatorRule = { ways: [write], region: "id" }
const changeOfShard: OperatorRule = { ways: [write], region: "path" }

/** Who may do what at the operator API, by endpoint; what is not in here is refused. */
export const operatorPolicy: Readonly<Record<string, OperatorRule>> = {
  me: figures,
  overview: figures,
  alarms: figures,
  shards: figures,
  moves: figures,
  runners: figures,
  types: figures,
  streams: figures,
  live: { ways: [read] },
  shardEntities: { ways: [read], region: "path" },
  moveShard: changeOfShard,
  unpinShard: changeOfShard,
  drainRunner: changeOfEntity,
  undrainRunner: changeOfEntity,
  listEntities: { ways: [read] },
  getEntity: ofEntity,
  entityEvents: ofEntity,
  trace: ofEntity,
  diffEntity: ofEntity,
  whatIf: ofEntity,
  resumeEntity: changeOfEntity,
  listSagas: { ways: [read] },
  getSaga: ofEntity,
  retrySaga: changeOfEntity,
  compensateSaga: changeOfEntity,
  skipSagaStep: changeOfEntity,
  deadLetters: { ways: [read] },
  replayDeadLetters: { ways: [write] },
  resolveDeadLetters: { ways: [write] },
  audit: {
    ways: [
      { scopes: ["ops:read"], roles: ["ops-write", "admin"] },
      { scopes: ["audit:read"], roles: ["ops-read"] }
    ]
  }
}

/** Who may see personal data: asked by whatever takes `unmask`. */
export const unmasking: OperatorRule = { ways: [write], region: "id" }
