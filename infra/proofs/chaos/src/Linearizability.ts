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
  /** Whether the call changes no state, in whatever state it comes: such a call is put where it first fits. */
  readonly isRead: (call: Call) => boolean
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
 * not gone into again. Calls without a completion need not be put anywhere. A read that fits now is put now, for good:
 * in an order in which it comes later it may as well come now, since it changes nothing and nothing has to come before it.
 *
 * **Gotchas**
 *
 * Times that are equal count as concurrent.
 */
export const check = <State, Call>(
  specification: Specification<State, Call>,
  operations: ReadonlyArray<Operation<Call>>,
  within: Limits = limits
): Verdict<Call> => new Search(specification, operations, within).run()

class Search<State, Call> {
  readonly #specification: Specification<State, Call>
  readonly #operations: ReadonlyArray<Operation<Call>>
  readonly #limits: Limits
  readonly #until: number
  /** What is not yet put in order. */
  readonly #head: Entry
  #completionsLeft: number
  /** What is, last one last; which set it is, and where it led to. */
  readonly #stack: Array<Put<State>> = []
  readonly #bits: Uint32Array
  #hash = 0
  #state: State
  readonly #seen = new Configurations()
  #steps = 0
  #longest = -1
  #stuckAt: Operation<Call> | undefined

  constructor(specification: Specification<State, Call>, operations: ReadonlyArray<Operation<Call>>, within: Limits) {
    this.#specification = specification
    this.#operations = operations
    this.#limits = within
    this.#until = performance.now() + within.milliseconds
    this.#head = listOf(operations)
    this.#completionsLeft = operations.filter(({ completedAt }) => completedAt !== null).length
    this.#bits = new Uint32Array(Math.ceil(operations.length / 32))
    this.#state = specification.initial
  }

  run(): Verdict<Call> {
    this.#putReads()
    let entry = this.#head.next
    while (this.#completionsLeft > 0) {
      if (this.#isBeyond()) return { _tag: "Undecided", steps: this.#steps }
      if (entry !== this.#head && !entry.isReturn) {
        entry = this.#tryNext(entry) ? this.#head.next : entry.next
        continue
      }
      this.#note(entry)
      const last = this.#takeBack()
      if (last === null) return { _tag: "NotLinearizable", steps: this.#steps, stuckAt: this.#stuckAt! }
      entry = last.next
    }
    return { _tag: "Linearizable", steps: this.#steps }
  }

  #isBeyond(): boolean {
    const { configurations, steps } = this.#limits
    if (this.#steps > steps || this.#seen.size > configurations) return true
    return this.#steps % lookEvery === 0 && performance.now() > this.#until
  }

  /** Puts the call next, if it can come next and that leads to where nobody was. */
  #tryNext(entry: Entry): boolean {
    const { call } = this.#operations[entry.index]!
    this.#steps += 1
    // A read that fits has been put already.
    const next = this.#specification.isRead(call) ? null : this.#specification.step(this.#state, call)
    if (next === null) return false
    flip(this.#bits, entry.index)
    if (!this.#seen.add(this.#bits, (this.#hash ^ zobrist(entry.index)) >>> 0, this.#specification.key(next))) {
      flip(this.#bits, entry.index)
      return false
    }
    this.#put(entry, next, false)
    this.#putReads()
    return true
  }

  #putReads(): void {
    for (let entry = this.#head.next; entry !== this.#head && !entry.isReturn;) {
      const { match, next: following } = entry
      const { call } = this.#operations[entry.index]!
      const isRead = this.#specification.isRead(call)
      if (isRead) this.#steps += 1
      const fits = isRead && this.#specification.step(this.#state, call) !== null
      if (fits) {
        flip(this.#bits, entry.index)
        this.#put(entry, this.#state, true)
      }
      // With the call its completion leaves the list, which may have been what comes next there.
      entry = fits && following === match ? following.next : following
    }
  }

  /** The bits have been flipped before. */
  #put(entry: Entry, next: State, isRead: boolean): void {
    this.#stack.push({ entry, state: this.#state, hash: this.#hash, isRead })
    this.#state = next
    this.#hash = (this.#hash ^ zobrist(entry.index)) >>> 0
    lift(entry)
    if (entry.match !== null) this.#completionsLeft -= 1
  }

  /** Takes out the last call that is no read, and the reads after it; `null` if there is none. */
  #takeBack(): Entry | null {
    while (true) {
      const last = this.#stack.pop()
      if (last === undefined) return null
      flip(this.#bits, last.entry.index)
      this.#state = last.state
      this.#hash = last.hash
      unlift(last.entry)
      if (last.entry.match !== null) this.#completionsLeft += 1
      if (!last.isRead) return last.entry
    }
  }

  /** Remembers where the longest attempt ended. */
  #note(entry: Entry): void {
    if (this.#stack.length <= this.#longest) return
    this.#longest = this.#stack.length
    this.#stuckAt = this.#operations[entry === this.#head ? 0 : entry.index]
  }
}

/** A call that was put in order, and what was before it. */
interface Put<State> {
  readonly entry: Entry
  readonly state: State
  readonly hash: number
  readonly isRead: boolean
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
