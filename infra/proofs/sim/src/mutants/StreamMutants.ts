import type { Mutant } from "./Mutant.ts"

const groupCommit = "packages/engine/src/journal/GroupCommit.ts"
const outbox = "packages/engine/src/journal/Outbox.ts"
const publishing = "packages/engine/src/journal/Publishing.ts"
const follower = "packages/engine/src/projections/Follower.ts"

/** Faults on the way from a commit to those who follow the event stream. */
export const streamMutants: ReadonlyArray<Mutant> = [
  // The outbox and its markers.
  {
    name: "publish before the commit",
    file: groupCommit,
    find: "const published = options.published.take()",
    replace: `const published = options.published.take()
      options.onCommitted({ batch: 0n, entries: entries.map((entry) => ({ ...entry, position: 0n })) })`,
    caughtBy: "sim"
  },
  {
    name: "forget the markers that a batch was to take along",
    file: groupCommit,
    find: "return options.store.append(options.runner, entries, published).pipe(",
    replace:
      "options.published.struckOff(published)\n      return options.store.append(options.runner, entries, []).pipe(",
    caughtBy: "sim"
  },
  {
    name: "strike off the marker of a batch that the stream does not have yet",
    file: outbox,
    find: "else pending.set(batch, null)",
    replace: "else pending.set(batch, null)\n            marked.add(batch)",
    caughtBy: "oversize"
  },
  {
    name: "strike off what is given up, and set nothing aside",
    file: outbox,
    find: "if (givenUp.length > 0) return yield* park(batches, givenUp)",
    replace: "",
    caughtBy: "oversize"
  },
  {
    name: "set aside, and leave the batch marked",
    file: outbox,
    find: "Effect.andThen(ParkedEvents.put(sql, rows), strikeOff(batches))",
    replace: "ParkedEvents.put(sql, rows)",
    caughtBy: "oversize"
  },
  // What the stream refuses.
  {
    name: "try for ever what the stream refuses",
    file: publishing,
    find: "if (count.refused < triesMax && count.slow < slowTriesMax) return [message]",
    replace: "if (count.slow < slowTriesMax) return [message]",
    caughtBy: "oversize"
  },
  {
    name: "give up the others with what the stream refuses",
    file: publishing,
    find: "const failed = yield* Effect.promise(() => each(left, answerMs))",
    replace: `const some = yield* Effect.promise(() => each(left, answerMs))
      const failed = some.length === 0 ? some : left.map((message) => [message, some[0]![1]] as const)`,
    caughtBy: "oversize"
  },
  {
    name: "set aside the neighbours of what the stream refuses",
    file: publishing,
    find: "if (message.lines.length > 1) return oneByOne(region, message)",
    replace: `if (message.lines.length > 1) {
          givenUp.push(...message.lines.map(({ row }) => ({ row, cause, tries: triesMax })))
          return []
        }`,
    caughtBy: "oversize"
  },
  // Messages.
  {
    name: "publish a message again under another id",
    file: "packages/engine/src/journal/EventMessage.ts",
    find: "  id: idOf(lines),",
    replace: "  id: `${idOf(lines)}:${performance.now()}`,",
    caughtBy: "messages"
  },
  {
    name: "name only the first type of a message in its subject",
    file: "packages/shared/src/Subject.ts",
    find: "for (const type of types) places",
    replace: "for (const type of [...types].slice(0, 1)) places",
    caughtBy: "messages"
  },
  // Who follows the stream.
  {
    name: "let an acknowledgement stand for all messages before it",
    file: "packages/engine/src/journal/EventConsumer.ts",
    find: "const policy = AckPolicy.Explicit",
    replace: "const policy = AckPolicy.All",
    caughtBy: "messages"
  },
  {
    name: "acknowledge a message before its rows are written",
    file: follower,
    find: "buffer.push({ entries, message })",
    replace: "buffer.push({ entries, message })\n    message.ack()",
    caughtBy: "messages"
  },
  {
    name: "take only the first row out of a message",
    file: follower,
    find: "batch.flatMap(({ entries }) => entries)",
    replace: "batch.flatMap(({ entries }) => entries.slice(0, 1))",
    caughtBy: "messages"
  },
  {
    name: "fold again the rows of a message that comes twice",
    file: "packages/engine/src/projections/Projection.ts",
    find: "if (entry.seq < expected) continue",
    replace: "",
    caughtBy: "messages"
  }
]
