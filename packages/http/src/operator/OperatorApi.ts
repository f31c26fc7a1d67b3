import { changes, looks, type Rule, seesPeople } from "@halles/shared/wire/AccessRule"
import { operation } from "@halles/shared/wire/Operation"
import * as Refusal from "@halles/shared/wire/Refusal"
import { NotPossible } from "./OperatorProblems.ts"
import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { Region } from "@halles/shared/Region"
import { isMaxCharacters } from "@halles/shared/Text"
import { Schema } from "effect"
import { HttpApi, HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { OperatorAccess, OperatorRefusals } from "./OperatorAccess.ts"
import { LiveEvent, LiveTopic } from "./OperatorEvents.ts"
import * as Json from "./OperatorJson.ts"
import { WholeNumber } from "@halles/shared/wire/WholeNumber"

const operators = { "ops-read": "any", "ops-write": "any", admin: "any" } as const
const look: Rule = { ...looks, scopes: ["ops:read"], roles: operators }
const figures: Rule = { ...look, region: "none" }
const lookAtEntity: Rule = { ...look, region: "id" }
export const lookAtAudit: Rule = { ...look, scopes: ["audit:read"] }
const operate: Rule = {
  ...changes,
  scopes: ["ops:write"],
  roles: { "ops-write": "any", admin: "any" },
  asks: ["reason"]
}
export const operateEntity: Rule = { ...operate, region: "id" }
const operateShard: Rule = { ...operate, region: "path" }

/** Personal data of what a request of operators is about, shown to who asks for it. */
export const unmasking: Rule = { ...operateEntity, ...seesPeople }

const cursor = { cursor: Schema.optionalKey(Json.Cursor) }
const limit = { limit: Schema.optionalKey(WholeNumber({ minimum: 1, maximum: 200 })) }
/** `true` shows personal data to whoever may see it and says why; both are written into the audit log. */
const unmask = {
  unmask: Schema.optionalKey(Schema.Literals(["true", "false"])),
  reason: Schema.optionalKey(Json.Reason)
}
const Seq = WholeNumber({ minimum: 0 })
/** A seq, or a time as ISO 8601. */
const When = Schema.String.check(isMaxCharacters(40))

const ofEntity = { params: { id: Json.EntityRef }, error: [Refusal.of(NotFound)] }
const ofSaga = { ...ofEntity, error: [Refusal.of(NotFound), Refusal.of(NotPossible)] }
const change = { payload: Json.Reasoned, success: Json.Done }

class Cluster extends HttpApiGroup.make("cluster")
  .add(
    HttpApiEndpoint.get("me", "/me", { success: Json.Me }).annotateMerge(
      operation({ access: figures, summary: "Who looks, and what they may do" })
    ),
    HttpApiEndpoint.get("overview", "/overview", { success: Json.Overview }).annotateMerge(
      operation({ access: figures, summary: "Each region in one row" })
    ),
    HttpApiEndpoint.get("alarms", "/alarms", { success: Json.Alarms }).annotateMerge(
      operation({ access: figures, summary: "What to look at" })
    ),
    HttpApiEndpoint.get("shards", "/shards", {
      query: { region: Schema.optionalKey(Region) },
      success: Json.Shards
    }).annotateMerge(operation({ access: figures, summary: "Every shard: owner, epoch, load, lag" })),
    HttpApiEndpoint.get("shardEntities", "/shards/:region/:shard/entities", {
      params: { region: Region, shard: WholeNumber({ minimum: 1 }) },
      query: { ...cursor, ...limit },
      success: Json.ShardEntities
    }).annotateMerge(operation({ access: { ...look, region: "path" }, summary: "Entities of a shard, by their ids" })),
    HttpApiEndpoint.post("moveShard", "/shards/:region/:shard/move", {
      params: { region: Region, shard: WholeNumber({ minimum: 1 }) },
      payload: Schema.Struct({ runner: Json.RunnerId, reason: Json.Reason }),
      success: Json.Done,
      error: [Refusal.of(NotPossible)]
    }).annotateMerge(operation({ access: operateShard, summary: "Give a shard to a runner of its region" })),
    HttpApiEndpoint.post("unpinShard", "/shards/:region/:shard/unpin", {
      params: { region: Region, shard: WholeNumber({ minimum: 1 }) },
      payload: Json.Reasoned,
      success: Json.Done,
      error: [Refusal.of(NotPossible)]
    }).annotateMerge(
      operation({ access: operateShard, summary: "Let the mover place a shard again that was given to a runner" })
    ),
    HttpApiEndpoint.get("moves", "/moves", {
      query: { region: Schema.optionalKey(Region) },
      success: Json.Moves
    }).annotateMerge(operation({ access: figures, summary: "The newest moves, those that are planned first" })),
    HttpApiEndpoint.get("runners", "/runners", { success: Json.Runners }).annotateMerge(
      operation({ access: figures, summary: "Every runner" })
    ),
    HttpApiEndpoint.post("drainRunner", "/runners/:id/drain", {
      params: { id: Json.RunnerId },
      ...change,
      error: [Refusal.of(NotFound), Refusal.of(NotPossible)]
    }).annotateMerge(
      operation({ access: operateEntity, summary: "Move a runner's shards away; it goes on running without any" })
    ),
    HttpApiEndpoint.post("undrainRunner", "/runners/:id/undrain", {
      params: { id: Json.RunnerId },
      ...change,
      error: [Refusal.of(NotFound), Refusal.of(NotPossible)]
    }).annotateMerge(operation({ access: operateEntity, summary: "Let a drained runner have shards again" })),
    HttpApiEndpoint.get("types", "/types", { success: Json.Types }).annotateMerge(
      operation({ access: figures, summary: "Calls of each entity type, by command" })
    )
  )
  .annotate(OpenApi.Title, "Cluster") {}

class Entities extends HttpApiGroup.make("entities")
  .add(
    HttpApiEndpoint.get("listEntities", "/entities", {
      query: {
        type: Schema.String.check(Schema.isPattern(/^[A-Z][A-Za-z]{1,20}$/u)),
        where: Schema.optionalKey(Schema.String.check(isMaxCharacters(500))),
        region: Schema.optionalKey(Region),
        ...cursor,
        ...limit,
        ...unmask
      },
      success: Json.Entities
    }).annotateMerge(operation({ access: look, summary: "Entities of a type whose state fulfils conditions" })),
    HttpApiEndpoint.get("getEntity", "/entities/:id", {
      ...ofEntity,
      query: { at: Schema.optionalKey(When), ...unmask },
      success: Json.EntityDetails
    }).annotateMerge(operation({ access: lookAtEntity, summary: "What an entity is, or was at a seq or a time" })),
    HttpApiEndpoint.get("entityEvents", "/entities/:id/events", {
      ...ofEntity,
      query: { from: Schema.optionalKey(Seq), to: Schema.optionalKey(Seq), ...cursor, ...limit, ...unmask },
      success: Json.JournalRows
    }).annotateMerge(operation({ access: lookAtEntity, summary: "Its history, row by row" })),
    HttpApiEndpoint.get("trace", "/trace/:id", {
      params: { id: Schema.String.check(isMaxCharacters(200)) },
      query: unmask,
      success: Json.Trace,
      error: [Refusal.of(NotFound)]
    }).annotateMerge(operation({ access: lookAtEntity, summary: "What one customer action caused, across entities" })),
    HttpApiEndpoint.get("diffEntity", "/entities/:id/diff", {
      ...ofEntity,
      query: { from: Seq, to: Seq, ...unmask },
      success: Json.Diff
    }).annotateMerge(operation({ access: lookAtEntity, summary: "What changed between two seqs" })),
    HttpApiEndpoint.post("whatIf", "/entities/:id/what-if", {
      ...ofEntity,
      payload: Schema.Struct({ command: Schema.Json, at: Schema.optionalKey(When) }),
      success: Json.WhatIf
    }).annotateMerge(
      operation({ access: lookAtEntity, summary: "What a command would do; nothing is written, nothing is sent" })
    ),
    HttpApiEndpoint.post("resumeEntity", "/entities/:id/resume", {
      ...ofEntity,
      ...change,
      error: [Refusal.of(NotFound), Refusal.of(NotPossible)]
    }).annotateMerge(operation({ access: operateEntity, summary: "Let a parked entity work again" }))
  )
  .annotate(OpenApi.Title, "Entities") {}

class Sagas extends HttpApiGroup.make("sagas")
  .add(
    HttpApiEndpoint.get("listSagas", "/sagas", {
      query: { state: Schema.optionalKey(Json.SagaState), ...cursor, ...limit },
      success: Json.Sagas
    }).annotateMerge(
      operation({ access: look, summary: "Sagas, those that have not moved for the longest time first" })
    ),
    HttpApiEndpoint.get("getSaga", "/sagas/:id", { ...ofEntity, success: Json.SagaDetail }).annotateMerge(
      operation({
        access: lookAtEntity,
        summary: "Steps, compensations, pending steps, and what was refused for good"
      })
    ),
    HttpApiEndpoint.post("retrySaga", "/sagas/:id/retry", {
      ...ofSaga,
      ...change,
      payload: Json.ReasonedStep
    }).annotateMerge(
      operation({ access: operateEntity, summary: "Send a pending step again, now, or what was refused anew" })
    ),
    HttpApiEndpoint.post("compensateSaga", "/sagas/:id/compensate", { ...ofSaga, ...change }).annotateMerge(
      operation({ access: operateEntity, summary: "Give up and undo what was done" })
    ),
    HttpApiEndpoint.post("skipSagaStep", "/sagas/:id/skip", {
      ...ofSaga,
      ...change,
      payload: Json.ReasonedStep
    }).annotateMerge(
      operation({
        access: operateEntity,
        summary: "Let a step be that nothing depends on, or that was refused and is settled elsewhere"
      })
    )
  )
  .annotate(OpenApi.Title, "Sagas") {}

class Streams extends HttpApiGroup.make("streams")
  .add(
    HttpApiEndpoint.get("streams", "/streams", { success: Json.Streams }).annotateMerge(
      operation({ access: figures, summary: "Streams, consumers and how far they are" })
    ),
    HttpApiEndpoint.get("deadLetters", "/dead-letters", {
      query: { ...cursor, ...limit },
      success: Json.DeadLetters
    }).annotateMerge(operation({ access: look, summary: "What was given up, newest first" })),
    HttpApiEndpoint.post("replayDeadLetters", "/dead-letters/replay", {
      payload: Json.Replay,
      success: Json.Replayed,
      error: [Refusal.of(NotPossible)]
    }).annotateMerge(
      operation({ access: operate, summary: "Send dead letters again: those named, or the oldest of a stream" })
    ),
    HttpApiEndpoint.post("resolveDeadLetters", "/dead-letters/resolve", {
      payload: Json.Resolve,
      success: Json.Resolved
    }).annotateMerge(
      operation({ access: operate, summary: "Strike dead letters off the list that nobody needs any more" })
    )
  )
  .annotate(OpenApi.Title, "Streams") {}

class Watching extends HttpApiGroup.make("watching")
  .add(
    HttpApiEndpoint.get("audit", "/audit", {
      query: {
        actor: Schema.optionalKey(Schema.String.check(isMaxCharacters(200))),
        action: Schema.optionalKey(Schema.String.check(isMaxCharacters(200))),
        ...cursor,
        ...limit
      },
      success: Json.Audit
    }).annotateMerge(operation({ access: lookAtAudit, summary: "Who did what, newest first" })),
    HttpApiEndpoint.get("live", "/live", {
      headers: { "last-event-id": Schema.optionalKey(Schema.String.check(isMaxCharacters(100))) },
      query: {
        /** `Order`, `Order,Sku`, `*`, or `Order:eu_x`; without it no events are told. */
        tail: Schema.optionalKey(Schema.String.check(isMaxCharacters(200))),
        topic: Schema.optionalKey(LiveTopic),
        /** As `Last-Event-ID`, for who asks for something else meanwhile; the header goes before it. */
        since: Schema.optionalKey(Schema.String.check(isMaxCharacters(100)))
      },
      success: HttpApiSchema.StreamSse({ data: LiveEvent })
    }).annotateMerge(operation({ access: look, summary: "All that changes, as named server-sent events" }))
  )
  .annotate(OpenApi.Title, "Watching") {}

/** What operators see and do: the contract of the operator process, for its page and for the command line. */
export class OperatorApi extends HttpApi.make("halles-ops")
  .add(Cluster, Entities, Sagas, Streams, Watching)
  .prefix("/v1/ops")
  .middleware(OperatorRefusals)
  .middleware(OperatorAccess)
  .annotate(HttpApi.ParseOptions, { errors: "all", onExcessProperty: "error" })
  .annotate(HttpApi.HeadersParseOptions, { errors: "all" })
  .annotate(HttpApi.SuccessParseOptions, {})
  .annotate(HttpApi.ErrorParseOptions, {})
  .annotateMerge(
    OpenApi.annotations({
      title: "Halles operations",
      version: "1",
      description:
        "The state of the cluster, and what operators may do to it. Errors are problem details (RFC 9457). A change needs a reason, which is written into the audit log with who asked and what came of it."
    })
  ) {}
