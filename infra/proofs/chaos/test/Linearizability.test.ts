import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { check, limits, type Operation, shrink, type Specification } from "../src/Linearizability.ts"

/** A register with a counter beside it, and commands that are done once under their name. */
type Call =
  | { readonly _tag: "Write"; readonly value: number }
  | { readonly _tag: "Read"; readonly saw: number }
  /** Answers with the sum; `null` when the client never heard. */
  | { readonly _tag: "Add"; readonly name: string; readonly amount: number; readonly sum: number | null }

interface State {
  readonly value: number
  readonly done: string
}

const specification: Specification<State, Call> = {
  initial: { value: 0, done: "" },
  step: (state, call) => {
    switch (call._tag) {
      case "Write":
        return { ...state, value: call.value }
      case "Read":
        return call.saw === state.value ? state : null
      case "Add": {
        const repeated = state.done.includes(`<${call.name}>`)
        const value = repeated ? state.value : state.value + call.amount
        if (call.sum !== null && call.sum !== value) return null
        return repeated ? state : { value, done: `${state.done}<${call.name}>` }
      }
    }
  },
  key: ({ done, value }) => `${value} ${done}`,
  isRead: ({ _tag }) => _tag === "Read"
}

const write = (value: number): Call => ({ _tag: "Write", value })
const read = (saw: number): Call => ({ _tag: "Read", saw })
const add = (name: string, amount: number, sum: number | null): Call => ({ _tag: "Add", name, amount, sum })
/** Invoked, completed (`null`: never), what. */
const history = (...calls: ReadonlyArray<readonly [number, number | null, Call]>): ReadonlyArray<Operation<Call>> =>
  calls.map(([invokedAt, completedAt, call]) => ({ invokedAt, completedAt, call }))
const verdict = (operations: ReadonlyArray<Operation<Call>>) => check(specification, operations)._tag
const fails = (operations: ReadonlyArray<Operation<Call>>) => verdict(operations) === "NotLinearizable"

describe("Linearizability accepts", () => {
  const good: Readonly<Record<string, ReadonlyArray<Operation<Call>>>> = {
    "nothing at all": history(),
    "calls one after the other": history([0, 1, write(1)], [2, 3, read(1)], [4, 5, write(2)], [6, 7, read(2)]),
    "a read that overlaps a write and sees what was before": history([0, 10, write(1)], [1, 2, read(0)]),
    "a read that overlaps a write and sees it": history([0, 10, write(1)], [1, 2, read(1)]),
    "reads that see an overlapping write one after the other": history(
      [0, 10, write(1)],
      [1, 2, read(0)],
      [3, 4, read(1)]
    ),
    "overlapping writes that took effect against the order of their invocations": history(
      [0, 10, write(1)],
      [1, 9, write(2)],
      [11, 12, read(1)]
    ),
    "calls that touch in time, in either order": history([0, 5, write(1)], [5, 6, read(0)]),
    "an unknown call that took effect late": history([0, null, write(7)], [1, 2, read(0)], [50, 51, read(7)]),
    "an unknown call that never took effect": history([0, null, write(7)], [1, 2, read(0)], [50, 51, read(0)]),
    "a repeat that changed nothing": history([0, 1, add("a", 5, 5)], [2, 3, add("a", 5, 5)], [4, 5, read(5)]),
    "an unknown call and its repeat, of which one took effect": history(
      [0, null, add("a", 5, null)],
      [1, 9, add("a", 5, 5)],
      [10, 11, read(5)]
    )
  }
  for (const [name, operations] of Object.entries(good)) {
    it(name, () => assert.strictEqual(verdict(operations), "Linearizable"))
  }
})

describe("Linearizability rejects", () => {
  const bad: Readonly<Record<string, ReadonlyArray<Operation<Call>>>> = {
    "a stale read": history([0, 1, write(1)], [2, 3, write(2)], [4, 5, read(1)]),
    "a read of a value that never was": history([0, 1, write(1)], [2, 3, read(9)]),
    "a read from before its write": history([0, 1, read(1)], [2, 3, write(1)]),
    "a lost write": history([0, 1, write(1)], [2, 3, read(0)]),
    "a lost update": history([0, 10, add("a", 1, 1)], [0, 10, add("b", 1, 1)], [11, 12, read(1)]),
    "a doubled effect": history([0, 1, add("a", 5, 5)], [2, 3, add("a", 5, 10)]),
    "an unknown call that took effect twice": history([0, null, add("a", 5, null)], [1, 2, read(5)], [3, 4, read(10)]),
    "an unknown call that took effect before it was invoked": history([0, 1, read(7)], [2, null, write(7)]),
    "an unknown call that was undone": history([0, null, write(7)], [1, 2, read(7)], [3, 4, read(0)]),
    "reads that see an overlapping write and then do not": history([0, 10, write(1)], [1, 2, read(1)], [3, 4, read(0)]),
    "two readers that disagree on the order of two writes": history(
      [0, 1, write(1)],
      [2, 20, write(2)],
      [2, 20, write(3)],
      [3, 4, read(2)],
      [5, 6, read(3)],
      [7, 8, read(2)]
    )
  }
  for (const [name, operations] of Object.entries(bad)) {
    it(name, () => assert.strictEqual(verdict(operations), "NotLinearizable"))
  }
})

describe("Linearizability", () => {
  it("says that it is undecided when its limits are reached, and never that all is well", () => {
    const many = Array.from({ length: 16 }, (_, index) => [0, 100, add(`${index}`, 2 ** index, null)] as const)
    const operations = history(...many, [101, 102, read(3)])
    assert.strictEqual(check(specification, operations, { ...limits, steps: 5_000 })._tag, "Undecided")
    assert.strictEqual(check(specification, operations, { ...limits, configurations: 1_000 })._tag, "Undecided")
  })

  it("looks at a set of calls that led to one state once", () => {
    const concurrent = Array.from({ length: 14 }, (_, index) => [0, 100, write(index % 2)] as const)
    const result = check(specification, history(...concurrent, [101, 102, read(7)]))
    assert.strictEqual(result._tag, "NotLinearizable")
    // 2^14 sets with 2 states and 14 attempts at each; in all orders there would be 14!, which is 87,178,291,200.
    assert.isBelow(result.steps, 2 ** 14 * 2 * 15)
  })

  it("makes a failing history as small as it can be", () => {
    const noise = Array.from({ length: 40 }, (_, index) => [10 * index + 3, 10 * index + 4, write(index)] as const)
    const operations = history(...noise, [500, 501, write(1_000)], [502, 503, read(39)])
    assert.deepStrictEqual(
      shrink(operations, fails).map(({ call }) => call),
      [read(39)]
    )
  })
})

const within = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Drawn = Schema.Array(
  Schema.Struct({
    kind: Schema.Literals(["Write", "Read", "Add"]),
    value: within(0, 3),
    name: within(0, 5),
    before: within(0, 30),
    after: within(0, 30),
    unknown: Schema.Boolean
  })
).check(Schema.isMinLength(1), Schema.isMaxLength(24))

/** A run in some order, each call with a time around the moment when it took effect. */
const sequential = (drawn: typeof Drawn.Type): ReadonlyArray<Operation<Call>> => {
  let state: State = specification.initial
  return drawn.map(({ after, before, kind, name, unknown, value }, index) => {
    const moment = 10 * index
    const done = `${name}`
    const call =
      kind === "Write"
        ? write(value)
        : kind === "Read"
          ? read(state.value)
          : add(done, value, state.done.includes(`<${done}>`) ? state.value : state.value + value)
    state = specification.step(state, call)!
    const silent = unknown && call._tag !== "Read"
    return {
      call: silent && call._tag === "Add" ? { ...call, sum: null } : call,
      invokedAt: moment - before,
      completedAt: silent ? null : moment + after
    }
  })
}

describe("Linearizability of random histories", () => {
  it.prop("accepts what a run in some order could have answered", [Drawn], ([drawn]) => {
    assert.strictEqual(verdict(sequential(drawn)), "Linearizable")
  })

  it.prop(
    "finds the same whether reads are put at once or tried everywhere",
    [Drawn, within(0, 3)],
    ([drawn, value]) => {
      const operations = sequential(drawn).map((operation, index) =>
        index % 3 === 0 && operation.call._tag === "Read" ? { ...operation, call: read(value) } : operation
      )
      const everywhere = check({ ...specification, isRead: () => false }, operations)._tag
      assert.strictEqual(verdict(operations), everywhere)
    }
  )

  it.prop(
    "rejects them once a read has seen a value that nobody can have written",
    [Drawn, within(0, 1_000)],
    ([drawn, pick]) => {
      const operations = sequential(drawn)
      const index = pick % operations.length
      const { completedAt, invokedAt } = operations[index]!
      const seen: Operation<Call> = { call: read(-1), invokedAt, completedAt: completedAt ?? invokedAt + 1 }
      assert.strictEqual(verdict(operations.with(index, seen)), "NotLinearizable")
    }
  )

  it.prop(
    "rejects them once a read after all of them sees what was written before the last write",
    [Drawn],
    ([drawn]) => {
      const settled = sequential(drawn).filter(({ completedAt }) => completedAt !== null)
      const later = history([10_000, 10_001, write(100)], [10_002, 10_003, write(101)], [10_004, 10_005, read(100)])
      assert.strictEqual(verdict([...settled.filter(({ call }) => call._tag === "Write"), ...later]), "NotLinearizable")
    }
  )
})
