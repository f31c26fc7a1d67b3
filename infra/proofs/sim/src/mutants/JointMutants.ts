import type { Mutant } from "./Mutant.ts"

/** Faults of joint commits. */
export const jointMutants: ReadonlyArray<Mutant> = [
  {
    name: "write half of a joint commit",
    file: "packages/engine/src/eventsourced/JointCommit.ts",
    find: "const commit = appendUnsafe(entry, this.entries)",
    replace: "const commit = appendUnsafe(entry)",
    caughtBy: "sim"
  },
  {
    name: "try a joint commit again row by row",
    file: "packages/engine/src/journal/GroupCommit.ts",
    find: "if (mine !== theirs) first.set(theirs, mine)",
    replace: "",
    caughtBy: "sim"
  },
  {
    name: "decide while a joint commit is not over",
    file: "packages/engine/src/eventsourced/EventSourcedEntity.ts",
    find: "if (this.joint !== null && this.joint !== joint && !this.joint.isOver)",
    replace: "if (this.joint === joint && this.joint?.isOver === true)",
    caughtBy: "sim"
  }
]
