import { NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { viewReply } from "@halles/engine/eventsourced/Replies"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { fieldsOf } from "@halles/shared/Command"
import { type CommandId, SkuCode } from "@halles/shared/Ids"
import { regionOf } from "@halles/shared/Region"
import type { Fault } from "@halles/shared/wire/EdgeErrors"
import { given } from "@halles/shared/wire/Stamp"
import { Equal, Result, Schema } from "effect"
import { aheadMsMax } from "../catalogue/Product.ts"
import { ContentRefused } from "../routes/ContentRefused.ts"
import {
  type Member,
  Outcome,
  Plan,
  type PublishRelease,
  type PutRelease,
  ReleaseClosed,
  ReleaseCode,
  type ReleaseId,
  ReleaseView,
  type Status,
  type WithdrawRelease
} from "./Release.ts"

export const type = "Release"
export const version = 1

const Answer = Schema.Struct({ sku: SkuCode, outcome: Outcome })
type Answer = typeof Answer.Type

/** What members answered to `ApplyMembers`; the release tells it to itself. */
export interface RecordAnswers {
  readonly _tag: "RecordAnswers"
  readonly commandId: CommandId
  readonly answers: ReadonlyArray<Answer>
}

export type Command = PutRelease | PublishRelease | WithdrawRelease | TimerFired | RecordAnswers
export type Refusal = NotFound | ContentRefused | ReleaseClosed

const at = Schema.Int
export const Event = Schema.Union([
  Schema.TaggedStruct("ReleasePlanned", { ...Plan.fields, at }),
  Schema.TaggedStruct("ReleaseWithdrawn", { at }),
  Schema.TaggedStruct("ReleaseStarted", { at }),
  Schema.TaggedStruct("MembersAnswered", { answers: Schema.Array(Answer), at }),
  /** Every member has answered. In the row of the last answers. */
  Schema.TaggedStruct("ReleaseEnded", { at })
])
export type Event = typeof Event.Type

const Known = Schema.TaggedStruct("Known", {
  plan: Plan,
  phase: Schema.Literals(["waiting", "withdrawn", "publishing", "published"]),
  answers: Schema.Array(Answer),
  startedAt: Schema.NullOr(Schema.Int),
  endedAt: Schema.NullOr(Schema.Int),
  /** When the last member answered, or the release started. */
  since: Schema.Int
})
type Known = typeof Known.Type
export const State = Schema.Union([Schema.TaggedStruct("None", {}), Known])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

const faultsOf = ({ dueAt, members }: Plan, now: number): ReadonlyArray<Fault> => {
  const skus = new Set<string>()
  const wrong = members.flatMap(({ listed, price, sku }, index): ReadonlyArray<Fault> => {
    const isTwice = skus.has(sku)
    skus.add(sku)
    return [
      ...(isTwice ? [{ pointer: `/members/${index}/sku`, detail: `${sku} stands twice` }] : []),
      ...(listed === undefined && price === undefined
        ? [{ pointer: `/members/${index}`, detail: "Expected a price, or whether it is on sale" }]
        : [])
    ]
  })
  if (dueAt === undefined) return wrong
  if (dueAt <= now) return [...wrong, { pointer: "/at", detail: "Expected a time that has not passed" }]
  return dueAt <= now + aheadMsMax ? wrong : [...wrong, { pointer: "/at", detail: "Expected a time within two years" }]
}

const closed = (state: Known) => Result.fail(new ReleaseClosed({ status: statusOf(state) }))

export const decide = (state: State, command: Command, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (command._tag === "PutRelease") return put(state, command, now)
  if (state._tag === "None") {
    const isTimer = command._tag === "TimerFired"
    return isTimer ? Result.succeed([]) : Result.fail(new NotFound({ entity: type, id: "" }))
  }
  const { phase, plan } = state
  switch (command._tag) {
    case "PublishRelease":
      if (phase === "withdrawn") return closed(state)
      return Result.succeed(phase === "waiting" ? [{ _tag: "ReleaseStarted", at: now }] : [])
    case "WithdrawRelease":
      if (phase === "publishing" || phase === "published") return closed(state)
      return Result.succeed(phase === "waiting" ? [{ _tag: "ReleaseWithdrawn", at: now }] : [])
    case "TimerFired": {
      const isDue = phase === "waiting" && plan.dueAt !== undefined && plan.dueAt <= now
      return Result.succeed(isDue ? [{ _tag: "ReleaseStarted", at: now }] : [])
    }
    case "RecordAnswers": {
      const waiting = new Set(waitingOf(state).map(({ sku }) => sku))
      const answers = command.answers.filter(({ sku }) => waiting.has(sku))
      if (answers.length === 0) return Result.succeed([])
      const answered: Event = { _tag: "MembersAnswered", answers, at: now }
      return Result.succeed(answers.length < waiting.size ? [answered] : [answered, { _tag: "ReleaseEnded", at: now }])
    }
  }
}

const put = (state: State, command: PutRelease, now: number): Result.Result<ReadonlyArray<Event>, Refusal> => {
  if (state._tag === "Known" && (state.phase === "publishing" || state.phase === "published")) return closed(state)
  const plan = fieldsOf(command)
  if (state._tag === "Known" && state.phase === "waiting" && Equal.equals(state.plan, plan)) return Result.succeed([])
  const errors = faultsOf(plan, now)
  if (errors.length > 0) return Result.fail(new ContentRefused({ errors }))
  return Result.succeed([{ _tag: "ReleasePlanned", ...plan, at: now }])
}

export const evolve = (state: State, event: Event): State => {
  if (event._tag === "ReleasePlanned") {
    const { _tag, at, ...plan } = event
    return { _tag: "Known", plan, phase: "waiting", answers: [], startedAt: null, endedAt: null, since: at }
  }
  if (state._tag === "None") return state
  switch (event._tag) {
    case "ReleaseWithdrawn":
      return { ...state, phase: "withdrawn" }
    case "ReleaseStarted":
      return { ...state, phase: "publishing", startedAt: event.at, since: event.at }
    case "MembersAnswered":
      return { ...state, answers: [...state.answers, ...event.answers], since: event.at }
    case "ReleaseEnded":
      return { ...state, phase: "published", endedAt: event.at }
  }
}

/** Members that are asked in one step. */
const membersAtOnce = 100

export interface PendingStep {
  readonly _tag: "ApplyMembers"
  readonly key: string
  readonly members: ReadonlyArray<Member>
}

const waitingOf = ({ answers, phase, plan }: Known): ReadonlyArray<Member> => {
  if (phase !== "publishing") return []
  const answered = new Set(answers.map(({ sku }) => sku))
  return plan.members.filter(({ sku }) => !answered.has(sku))
}

export const next = (state: State): PendingStep | null => {
  const waiting = state._tag === "None" ? [] : waitingOf(state)
  if (state._tag === "None" || waiting.length === 0) return null
  return { _tag: "ApplyMembers", key: `apply-${state.answers.length}`, members: waiting.slice(0, membersAtOnce) }
}

/** After so long without an answer the release gets `TimerFired`, on whatever runner its shard then is. */
const redriveAfterMs = 5_000
export const dueAt = (state: State): number | null => {
  if (state._tag === "None") return null
  if (state.phase === "publishing") return state.since + redriveAfterMs
  return state.phase === "waiting" ? (state.plan.dueAt ?? null) : null
}

const statusOf = ({ phase, plan }: Known): typeof Status.Type => {
  if (phase !== "waiting") return phase
  return plan.dueAt === undefined ? "draft" : "scheduled"
}

/** `null` until the release is planned for the first time. */
export const view = (id: ReleaseId, state: State, seq: number): ReleaseView | null => {
  if (state._tag === "None") return null
  const { answers, endedAt, plan, startedAt } = state
  const outcomes = new Map(answers.map(({ outcome, sku }) => [sku, outcome]))
  return new ReleaseView(
    {
      region: regionOf(id),
      code: ReleaseCode.make(id.slice(3), { disableChecks: true }),
      ...plan,
      status: statusOf(state),
      members: plan.members.map((member) => ({ ...member, outcome: outcomes.get(member.sku) ?? "waiting" })),
      ...given("startedAt", startedAt ?? undefined),
      ...given("endedAt", endedAt ?? undefined),
      seq
    },
    { disableChecks: true }
  )
}

const toView = viewReply(type, view)
export const replies = { PutRelease: toView, PublishRelease: toView, WithdrawRelease: toView, View: toView }
