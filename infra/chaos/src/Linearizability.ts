/**
 * One call on one object, as a client saw it. `completedAt` is `null` when the client never learned the outcome: it may
 * have taken effect at any later time, or never.
 */
export interface Operation<Call> {
  readonly call: Call
  readonly invokedAt: number
  readonly completedAt: number | null
}

/**
 * The sequential specification. `step` gives the state after the call, or `null` where the call cannot come next with
 * the answer that it had. States with one `key` behave the same from there on.
 */
export interface Specification<State, Call> {
  readonly initial: State
  readonly step: (state: State, call: Call) => State | null
  readonly key: (state: State) => string
}

export interface Limits {
  /** Attempts to put a call next. */
  readonly steps: number
  /** Configurations that are remembered. */
  readonly configurations: number
  readonly milliseconds: number
}
/** For one object; configurations of 5,000 calls take 640 bytes each. */
export const limits: Limits = { steps: 30_000_000, configurations: 300_000, milliseconds: 15_000 }
/** Steps between two looks at the clock. */
const lookEvery = 1_024

export type Verdict<Call> =
  | { readonly _tag: "Linearizable"; readonly steps: number }
  /** `stuckAt`: where the longest attempt could not put the call that completed next. */
  | { readonly _tag: "NotLinearizable"; readonly steps: number; readonly stuckAt: Operation<Call> }
  /** Neither was found within the limits: no proof, so no success. */
  | { readonly _tag: "Undecided"; readonly steps: number }

/** An invocation or a completion, in the list of what is not yet put in order. */
interface Entry {
  readonly index: number
  readonly isReturn: boolean
  readonly match: Entry | null
  previous: Entry
  next: Entry
}

/** Exact sets of operations that were put in order, beside the state they led to; found by a hash, compared in full. */
class Configurations {
  readonly #buckets = new Map<number, Array<{ readonly bits: Uint32Array; readonly key: string }>>()
  size = 0

  /** False if it was there. */
  add(bits: Uint32Array, hash: number, key: string): boolean {
    const bucket = this.#buckets.get(hash) ?? []
    if (bucket.some((known) => known.key === key && same(known.bits, bits))) return false
    bucket.push({ bits: bits.slice(), key })
    this.#buckets.set(hash, bucket)
    this.size += 1
    return true
  }
}

const same = (a: Uint32Array, b: Uint32Array): boolean => a.every((word, index) => word === b[index])

/** A number for each operation, so that a set's hash changes by one exclusive or (Zobrist); the finaliser of MurmurHash3. */
const zobrist = (index: number): number => {
  let mixed = Math.imul((index + 1) ^ ((index + 1) >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/**
 * Whether the calls on one object can be put in an order that keeps real time (a call that completed before another
 * was invoked comes first) and that the specification allows.
 *
 * **Details**
 *
 * The algorithm of Wing and Gong (Testing and Verifying Concurrent Objects, 1993) with the memoisation of Lowe (Testing
 * for linearizability, 2017), over a doubly linked list of invocations and completions, as in Porcupine: the next call
 * is one that was invoked before the first completion that is left; a set of calls that led to the same state before is
 * not gone into again. Calls without a completion need not be put anywhere.
 *
 * **Gotchas**
 *
 * Times that are equal count as concurrent.
 */
export const check = <State, Call>(
  specification: Specification<State, Call>,
  operations: ReadonlyArray<Operation<Call>>,
  { configurations: configurationsMax, milliseconds, steps: stepsMax }: Limits = limits
): Verdict<Call> => {
  const until = performance.now() + milliseconds
  const head = listOf(operations)
  const bits = new Uint32Array(Math.ceil(operations.length / 32))
  const seen = new Configurations()
  const stack: Array<{ readonly entry: Entry; readonly state: State; readonly hash: number }> = []
  let { initial: state } = specification
  let hash = 0
  let returnsLeft = operations.filter(({ completedAt }) => completedAt !== null).length
  let steps = 0
  let longest = -1
  let stuckAt = operations[0]
  let entry = head.next
  while (returnsLeft > 0) {
    if (entry !== head && !entry.isReturn) {
      const { index } = entry
      const next = specification.step(state, operations[index]!.call)
      steps += 1
      if (steps > stepsMax || (steps % lookEvery === 0 && performance.now() > until)) {
        return { _tag: "Undecided", steps }
      }
      if (next !== null) {
        flip(bits, index)
        const after = (hash ^ zobrist(index)) >>> 0
        if (seen.add(bits, after, specification.key(next))) {
          if (seen.size > configurationsMax) return { _tag: "Undecided", steps }
          stack.push({ entry, state, hash })
          state = next
          hash = after
          lift(entry)
          if (entry.match !== null) returnsLeft -= 1
          entry = head.next
          continue
        }
        flip(bits, index)
      }
      entry = entry.next
      continue
    }
    if (stack.length > longest) {
      longest = stack.length
      stuckAt = operations[entry === head ? 0 : entry.index]
    }
    const last = stack.pop()
    if (last === undefined) return { _tag: "NotLinearizable", steps, stuckAt: stuckAt! }
    flip(bits, last.entry.index)
    state = last.state
    hash = last.hash
    unlift(last.entry)
    if (last.entry.match !== null) returnsLeft += 1
    entry = last.entry.next
  }
  return { _tag: "Linearizable", steps }
}

const flip = (bits: Uint32Array, index: number): void => {
  bits[index >>> 5] = bits[index >>> 5]! ^ (1 << (index & 31))
}

/** A ring through `head`, in the order of time; of equal times invocations come first. */
const listOf = (operations: ReadonlyArray<Operation<unknown>>): Entry => {
  const make = (index: number, isReturn: boolean, match: Entry | null): Entry => {
    const entry = { index, isReturn, match } as Entry
    entry.previous = entry
    entry.next = entry
    return entry
  }
  const timed = operations.flatMap(({ completedAt, invokedAt }, index) => {
    if (completedAt === null) return [{ at: invokedAt, entry: make(index, false, null) }]
    const end = make(index, true, null)
    return [
      { at: invokedAt, entry: make(index, false, end) },
      { at: completedAt, entry: end }
    ]
  })
  timed.sort((a, b) => a.at - b.at || Number(a.entry.isReturn) - Number(b.entry.isReturn))
  const head = make(-1, true, null)
  for (const { entry } of timed) insert(entry, head.previous, head)
  return head
}

const insert = (entry: Entry, previous: Entry, next: Entry): void => {
  entry.previous = previous
  entry.next = next
  previous.next = entry
  next.previous = entry
}
const remove = ({ next, previous }: Entry): void => {
  previous.next = next
  next.previous = previous
}
const restore = (entry: Entry): void => {
  entry.previous.next = entry
  entry.next.previous = entry
}
const lift = (entry: Entry): void => {
  remove(entry)
  if (entry.match !== null) remove(entry.match)
}
const unlift = (entry: Entry): void => {
  if (entry.match !== null) restore(entry.match)
  restore(entry)
}

/** Attempts to make a failing history smaller, and how long they may take. */
const attemptsMax = 400
const shrinkMs = 15_000

/** Leaves items out as long as what is left still fails, larger parts first; the smallest that was found. */
export const shrink = <Item>(
  items: ReadonlyArray<Item>,
  fails: (some: ReadonlyArray<Item>) => boolean
): ReadonlyArray<Item> => {
  let smallest = items
  let attempts = 0
  const until = performance.now() + shrinkMs
  const goesOn = () => attempts < attemptsMax && performance.now() < until
  let size = Math.ceil(items.length / 2)
  while (size >= 1 && goesOn()) {
    let reduced = false
    for (let from = 0; from < smallest.length && goesOn();) {
      const rest = smallest.toSpliced(from, size)
      attempts += 1
      if (fails(rest)) {
        smallest = rest
        reduced = true
      } else from += size
    }
    if (size === 1 && !reduced) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  return smallest
}
