import { type Ref, nameOf, readableStateOf, type When } from "@halles/entities/inspector/Histories"
import { masked } from "@halles/entities/inspector/Masked"
import { RegionDatabases } from "@halles/entities/routes/Reads"
import { Nats } from "@halles/shared/clients/Nats"
import { Placement } from "@halles/engine/placement/Placement"
import { type Region, regionOf } from "@halles/shared/Region"
import { type Memory, MemoryAnswer, MemoryQuestion, NamesJson } from "@halles/engine/placement/RunnerStatus"
import * as Shard from "@halles/shared/Shard"
import * as Subject from "@halles/shared/Subject"
import { Clock, Context, Effect, Layer, Schema } from "effect"
import type * as Json from "../OperatorJson.ts"
import { plain } from "./Plain.ts"

/** A runner that does not answer in time is one that has nothing to say. */
const answerMsMax = 500

const encodeQuestion = Schema.encodeSync(MemoryQuestion)
const encodeNames = Schema.encodeSync(NamesJson)
const decodeNames = Schema.decodeUnknownEffect(NamesJson)
const decodeAnswer = Schema.decodeUnknownEffect(MemoryAnswer)

interface Stored {
  readonly newest: number | null
  readonly archived: boolean
  readonly snapshot: number | null
  readonly due: number | null
  readonly parked: { readonly since: number; readonly tries: number; readonly cause: string } | null
}

/** One entity: its state from its history, its timer and snapshot from the database, and what its runner has in memory. */
export class EntityView extends Context.Service<
  EntityView,
  {
    /** Null when it is in no memory, or its runner does not answer. */
    readonly memory: (ref: Ref) => Effect.Effect<(typeof Memory.Type & { readonly runner: string }) | null>
    /** Which entities of a shard are in memory; null when its runner does not answer. */
    readonly directory: (
      region: Region,
      shard: number,
      names: ReadonlyArray<string>
    ) => Effect.Effect<ReadonlySet<string> | null>
    readonly detail: (
      ref: Ref,
      when: When,
      unmask: boolean
    ) => Effect.Effect<
      typeof Json.EntityDetail.Encoded,
      Effect.Error<ReturnType<typeof readableStateOf>>,
      RegionDatabases
    >
  }
>()("@halles/http/Operator/EntityView") {
  static readonly layer = Layer.effect(
    EntityView,
    Effect.gen(function* () {
      const nats = yield* Nats
      const placement = yield* Placement
      const databases = yield* RegionDatabases

      const memoryOf = (runner: string | null, { id, type }: Ref) =>
        runner === null
          ? Effect.succeed(null)
          : Effect.tryPromise(() =>
              nats.request(Subject.memory(regionOf(id), runner), encodeQuestion({ type, id }), { timeout: answerMsMax })
            ).pipe(
              Effect.flatMap((answer) => decodeAnswer(answer.string())),
              Effect.map((memory) => (memory === null ? null : { runner, ...memory })),
              Effect.catch(() => Effect.succeed(null))
            )

      const holderOf = (region: Region, shard: number) =>
        placement.view().shards.find((one) => one.region === region && one.shard === shard)?.holder ?? null

      return {
        memory: (ref) => memoryOf(holderOf(regionOf(ref.id), Shard.shardOf(ref.id)), ref),
        directory: (region, shard, names) => {
          const runner = holderOf(region, shard)
          if (runner === null) return Effect.succeed(null)
          return Effect.tryPromise(() =>
            nats.request(Subject.activations(region, runner), encodeNames(names), { timeout: answerMsMax })
          ).pipe(
            Effect.flatMap((answer) => decodeNames(answer.string())),
            Effect.map((found) => new Set(found)),
            Effect.catch(() => Effect.succeed(null))
          )
        },
        detail: Effect.fn("EntityView.detail")(function* (ref: Ref, when: When, unmask: boolean) {
          const { id, type } = ref
          const region = regionOf(id)
          const shard = Shard.shardOf(id)
          const placed = placement.view().shards.find((one) => one.region === region && one.shard === shard)
          const { at, now } = yield* readableStateOf(ref, when)
          const sql = databases.of(region)
          const [stored] = yield* sql<Stored>`
            SELECT (SELECT max(seq) FROM journal_all WHERE entity_type = ${type} AND entity_id = ${id}) AS newest,
              NOT EXISTS (SELECT FROM journal WHERE entity_type = ${type} AND entity_id = ${id}) AS archived,
              (SELECT seq FROM snapshot WHERE entity_type = ${type} AND entity_id = ${id}) AS snapshot,
              (SELECT (extract(epoch FROM due_at) * 1000)::double precision FROM timer
                WHERE entity_type = ${type} AND entity_id = ${id}) AS due,
              (SELECT json_build_object('since', (extract(epoch FROM at) * 1000)::bigint, 'tries', tries, 'cause', cause)
                FROM parked_entity WHERE entity_type = ${type} AND entity_id = ${id}) AS parked`
          const clock = yield* Clock.currentTimeMillis
          const view = plain(now.view)
          const due = stored?.due ?? null
          return {
            entity: nameOf(ref),
            type,
            id,
            region,
            shard,
            runner: placed?.runner ?? null,
            holder: placed?.holder ?? null,
            seq: now.seq,
            seqNow: stored?.newest ?? now.seq,
            at: at === null ? null : Math.round(at),
            state: (unmask ? view : masked(view)) as (typeof Json.EntityDetail.Encoded)["state"],
            masked: !unmask,
            pendingStep: now.pendingStep,
            timerAt: now.dueAt,
            timer: due === null ? null : { due: Math.round(due), overdueMs: Math.max(0, clock - due) },
            snapshotSeq: stored?.snapshot ?? null,
            archived: stored?.archived ?? false,
            memory: yield* Effect.map(memoryOf(placed?.holder ?? null, ref), (memory) => {
              if (memory === null) return null
              const { tries: _, ...visible } = memory
              return visible
            }),
            parked: stored?.parked ?? null
          }
        })
      }
    })
  )
}
