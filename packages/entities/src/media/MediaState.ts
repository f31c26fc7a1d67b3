import { AlreadyExists, CommandReused, NotFound } from "@halles/engine/eventsourced/EntityErrors"
import { done, type Reply, viewReply } from "@halles/engine/eventsourced/Replies"
import type { TimerFired } from "@halles/engine/eventsourced/TimerFired"
import { Equal, Result, Schema } from "effect"
import {
  type DeclareMedia,
  type DescribeMedia,
  type ForgetContent,
  type KeepContent,
  MediaComplete,
  MediaGone,
  type MediaId,
  MediaInUse,
  MediaKept,
  MediaView,
  type RefuseContent,
  type ReleaseMedia,
  RemovedFor,
  type RemoveMedia,
  TooManyUses,
  UsedBy,
  type UseMedia,
  usesMax
} from "./Media.ts"
import { Content, Unfit } from "./MediaContent.ts"
import { centre, Focus } from "./MediaUrl.ts"

export const type = "Media"
export const version = 1
export const creates = ["DeclareMedia"] as const

const hourMs = 3_600_000
/** A ready entity that nothing shows is removed after this. */
export const unusedMaxMs = 30 * 24 * hourMs
/** A declared entity awaits its bytes for so long, in however many pieces. */
export const declaredMaxMs = 24 * hourMs

type Change =
  | KeepContent
  | RefuseContent
  | DescribeMedia
  | UseMedia
  | ReleaseMedia
  | RemoveMedia
  | ForgetContent
  | TimerFired
export type Command = DeclareMedia | Change
export type Refusal = NotFound | AlreadyExists | MediaGone | MediaComplete | MediaInUse | MediaKept | TooManyUses

const at = Schema.Int
const { alt, owner, uploadedBy, usedBy } = MediaView.fields
const by = UsedBy

export const Event = Schema.Union([
  Schema.TaggedStruct("MediaDeclared", { owner, uploadedBy, alt, content: Schema.NullOr(Content), at }),
  Schema.TaggedStruct("ContentKept", { content: Content, at }),
  Schema.TaggedStruct("ContentRefused", { reason: Unfit, at }),
  /** Only what changed. */
  Schema.TaggedStruct("MediaDescribed", { alt: Schema.optionalKey(alt), focus: Schema.optionalKey(Focus), at }),
  Schema.TaggedStruct("MediaUsed", { by, at }),
  Schema.TaggedStruct("MediaReleased", { by, at }),
  Schema.TaggedStruct("MediaRemoved", { reason: RemovedFor, at }),
  Schema.TaggedStruct("ContentForgotten", { at })
])
export type Event = typeof Event.Type

const Known = Schema.TaggedStruct("Known", {
  owner,
  uploadedBy,
  alt,
  focus: Focus,
  status: MediaView.fields.status,
  content: Schema.NullOr(Content),
  usedBy,
  refusedFor: MediaView.fields.refusedFor,
  removedFor: MediaView.fields.removedFor,
  declaredAt: at,
  /** Since when nothing shows it, or since when it awaits its bytes. */
  idleSince: at,
  removedAt: Schema.NullOr(at)
})
type Known = typeof Known.Type
export const State = Schema.Union([Schema.TaggedStruct("None", {}), Known])
export type State = typeof State.Type

export const initial: State = { _tag: "None" }

type Decided = Result.Result<ReadonlyArray<Event>, Refusal>
const nothing: Decided = Result.succeed([])
const events = (...events: ReadonlyArray<Event>): Decided => Result.succeed(events)
/** The state knows no id: the event-sourced entity writes it into these. */
const unnamed = { entity: type, id: "" } as const

export const decide = (state: State, command: Command, now: number): Decided => {
  if (command._tag === "DeclareMedia") {
    const { alt, content, owner, uploadedBy } = command
    return state._tag === "None"
      ? events({ _tag: "MediaDeclared", owner, uploadedBy, alt, content, at: now })
      : Result.fail(new AlreadyExists(unnamed))
  }
  if (command._tag === "TimerFired") return state._tag === "None" ? nothing : sweep(state, now)
  return state._tag === "None" ? Result.fail(new NotFound(unnamed)) : change(state, command, now)
}

const isGone = ({ status }: Known): boolean => status === "refused" || status === "removed"
const gone: Decided = Result.fail(new MediaGone())

const change = (state: Known, command: Exclude<Change, TimerFired>, now: number): Decided => {
  switch (command._tag) {
    case "KeepContent":
      if (isGone(state)) return gone
      if (state.content === null) return events({ _tag: "ContentKept", content: command.content, at: now })
      return Equal.equals(state.content, command.content) ? nothing : Result.fail(new MediaComplete())
    case "RefuseContent":
      if (state.status === "ready") return Result.fail(new MediaComplete())
      return isGone(state) ? nothing : events({ _tag: "ContentRefused", reason: command.reason, at: now })
    case "DescribeMedia":
      return isGone(state) ? gone : describe(state, command, now)
    case "UseMedia":
      if (isGone(state)) return gone
      if (state.usedBy.includes(command.by)) return nothing
      if (state.usedBy.length >= usesMax) return Result.fail(new TooManyUses({ max: usesMax }))
      return events({ _tag: "MediaUsed", by: command.by, at: now })
    case "ReleaseMedia":
      return state.usedBy.includes(command.by) ? events({ _tag: "MediaReleased", by: command.by, at: now }) : nothing
    case "RemoveMedia":
      return remove(state, command, now)
    case "ForgetContent":
      if (state.status !== "removed") return Result.fail(new MediaKept())
      return state.content === null ? nothing : events({ _tag: "ContentForgotten", at: now })
  }
}

const describe = (state: Known, { alt, focus }: DescribeMedia, now: number): Decided => {
  const changed = {
    ...(alt === undefined || Equal.equals(alt, state.alt) ? {} : { alt }),
    ...(focus === undefined || Equal.equals(focus, state.focus) ? {} : { focus })
  }
  return Object.keys(changed).length === 0 ? nothing : events({ _tag: "MediaDescribed", ...changed, at: now })
}

const remove = (state: Known, { reason }: RemoveMedia, now: number): Decided => {
  // The owner is erased also from what was removed before for another reason.
  if (state.status === "removed" && (reason === "asked" || state.removedFor === "erased")) return nothing
  const uses = state.usedBy.length
  return uses > 0 && reason === "asked"
    ? Result.fail(new MediaInUse({ uses }))
    : events({ _tag: "MediaRemoved", reason, at: now })
}

const sweep = (state: Known, now: number): Decided => {
  const due = dueAt(state)
  return due === null || due > now
    ? nothing
    : events({ _tag: "MediaRemoved", reason: state.status === "declared" ? "abandoned" : "unused", at: now })
}

export const dueAt = (state: State): number | null => {
  if (state._tag === "None") return null
  if (state.status === "declared") return state.idleSince + declaredMaxMs
  return state.status === "ready" && state.usedBy.length === 0 ? state.idleSince + unusedMaxMs : null
}

export const evolve = (state: State, event: Event): State => {
  if (event._tag === "MediaDeclared") return state._tag === "None" ? declared(event) : state
  return state._tag === "None" ? state : evolveKnown(state, event)
}

const declared = ({
  alt,
  at,
  content,
  owner,
  uploadedBy
}: Extract<Event, { readonly _tag: "MediaDeclared" }>): Known => ({
  _tag: "Known",
  owner,
  uploadedBy,
  alt,
  focus: centre,
  status: content === null ? "declared" : "ready",
  content,
  usedBy: [],
  refusedFor: null,
  removedFor: null,
  declaredAt: at,
  idleSince: at,
  removedAt: null
})

const evolveKnown = (state: Known, event: Exclude<Event, { readonly _tag: "MediaDeclared" }>): Known => {
  switch (event._tag) {
    case "ContentKept":
      return { ...state, status: "ready", content: event.content, idleSince: event.at }
    case "ContentRefused":
      return { ...state, status: "refused", refusedFor: event.reason }
    case "MediaDescribed": {
      const { alt = state.alt, focus = state.focus } = event
      return { ...state, alt, focus }
    }
    case "MediaUsed":
      return { ...state, usedBy: [...state.usedBy, event.by] }
    case "MediaReleased":
      return { ...state, usedBy: state.usedBy.filter((by) => by !== event.by), idleSince: event.at }
    case "ContentForgotten":
      return { ...state, content: null }
    case "MediaRemoved": {
      const erased = event.reason === "erased" ? { owner: null, uploadedBy: "" } : {}
      return {
        ...state,
        ...erased,
        status: "removed",
        removedFor: event.reason,
        removedAt: event.at,
        alt: [],
        usedBy: []
      }
    }
  }
}

/** `null` where nothing was ever declared. The state was checked when it came in, so the view is not again. */
export const view = (id: MediaId, state: State, seq: number): MediaView | null => {
  if (state._tag === "None") return null
  const { _tag, idleSince: _, removedAt, ...shown } = state
  return new MediaView({ id, ...shown, removedAt: removedAt ?? dueAt(state), seq }, { disableChecks: true })
}

const toView = viewReply(type, view)
/** A repeat with other content under the same `upload-id` is no repeat: it is refused, not answered with the content of the first. */
const toDeclared: Reply<DeclareMedia, MediaId, State, Event, MediaView, NotFound | CommandReused> = (
  id,
  now,
  command
) => {
  const { commandId, content } = command
  const isOther = content !== null && now.state._tag === "Known" && !Equal.equals(now.state.content, content)
  return isOther ? Result.fail(new CommandReused({ commandId })) : toView(id, now)
}
export const replies = {
  DeclareMedia: toDeclared,
  KeepContent: toView,
  RefuseContent: toView,
  DescribeMedia: toView,
  UseMedia: toView,
  ReleaseMedia: toView,
  RemoveMedia: toView,
  ForgetContent: toView,
  TimerFired: done,
  View: toView
}
