import { Cause, Context, Exit } from "effect"

/** Upper bounds of the classes in which latencies are counted: 0.05 ms, then half as much again each, up to about 80 s. */
const firstMs = 0.05
const growth = 1.5
export const classes = 36
const scale = 1 / Math.log(growth)

const classOf = (ms: number): number =>
  ms <= firstMs ? 0 : Math.min(classes - 1, Math.ceil(Math.log(ms / firstMs) * scale))

/** The latency that this share of the calls stayed below, in milliseconds, to within half of it; 0 without a call. */
export const percentile = (counts: ReadonlyArray<number>, share: number): number => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return 0
  let below = 0
  const at = counts.findIndex((count) => (below += count) >= total * share)
  return firstMs * growth ** at
}

/** Of one command of one entity type, since the process began. */
export class CommandFigures {
  calls = 0
  /** Refused as the contract declares, and ended by a defect or cut off. */
  refused = 0
  failed = 0
  readonly latencies: Array<number> = Array.from({ length: classes }, () => 0)

  note(ms: number, exit: Exit.Exit<unknown, unknown>): void {
    this.calls += 1
    const at = classOf(ms)
    this.latencies[at] = this.latencies[at]! + 1
    if (Exit.isSuccess(exit)) return
    if (exit.cause.reasons.every(Cause.isFailReason)) this.refused += 1
    else this.failed += 1
  }
}

/** Of one entity type, since the process began. */
export class TypeFigures {
  readonly commands = new Map<string, CommandFigures>()
  activations = 0
  passivations = 0
  /** Calls under way now. */
  underWay = 0

  command(tag: string): CommandFigures {
    const known = this.commands.get(tag)
    if (known !== undefined) return known
    const made = new CommandFigures()
    this.commands.set(tag, made)
    return made
  }
}

/** What the entities of this process were asked. Plain counters, since every call passes here. */
export class Figures {
  readonly types = new Map<string, TypeFigures>()
  /** Calls by the number of their shard. */
  readonly shards: Array<number> = []
  /** Rows that were committed to the journal. */
  commits = 0

  type(entityType: string): TypeFigures {
    const known = this.types.get(entityType)
    if (known !== undefined) return known
    const made = new TypeFigures()
    this.types.set(entityType, made)
    return made
  }

  noteShard(shard: number): void {
    this.shards[shard] = (this.shards[shard] ?? 0) + 1
  }
}

/** One for the process, unless another one is provided: whoever hosts entities notes in it, `RunnerStatus` tells it. */
export const EntityCalls: Context.Reference<Figures> = Context.Reference("@halles/engine/EntityCalls", {
  defaultValue: () => new Figures()
})
