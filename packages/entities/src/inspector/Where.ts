import { Schema } from "effect"

/** What follows `--where` cannot be read. */
export class BadExpression extends Schema.TaggedError<BadExpression>()("BadExpression", { given: Schema.String }) {
  override get message() {
    return `"${this.given}" is no condition: write path=value, with = != < <= > >= or ~ (contains), joined by "and"`
  }
}

type Test = (state: unknown) => boolean

/** The members that a path names; `*` stands for all members of a list or an object. */
const at = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const [key, ...rest] = path
  if (key === undefined) return [value]
  if (typeof value !== "object" || value === null) return []
  if (key === "*") return Object.values(value).flatMap((inner) => at(inner, rest))
  return Object.hasOwn(value, key) ? at((value as Readonly<Record<string, unknown>>)[key], rest) : []
}

const operators: Readonly<Record<string, (value: unknown, wanted: string) => boolean>> = {
  "=": (value, wanted) => String(value) === wanted,
  "!=": (value, wanted) => String(value) !== wanted,
  "<": (value, wanted) => typeof value === "number" && value < Number(wanted),
  "<=": (value, wanted) => typeof value === "number" && value <= Number(wanted),
  ">": (value, wanted) => typeof value === "number" && value > Number(wanted),
  ">=": (value, wanted) => typeof value === "number" && value >= Number(wanted),
  "~": (value, wanted) => String(value).toLowerCase().includes(wanted.toLowerCase())
}

/**
 * `status=confirmed and totals.total>1000 and lines.*.sku=TEA-01`: every condition holds for at least one of the members
 * that its path names. Throws `BadExpression`.
 */
export const where = (expression: string): Test => {
  const tests = expression.split(/\s+and\s+/).map((condition): Test => {
    const [, path, operator, wanted] = /^\s*([A-Za-z0-9_.*-]+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*$/.exec(condition) ?? []
    const holds = operators[operator ?? ""]
    if (path === undefined || wanted === undefined || holds === undefined) throw new BadExpression({ given: condition })
    const keys = path.split(".")
    return (state) => at(state, keys).some((value) => holds(value, wanted))
  })
  return (state) => tests.every((test) => test(state))
}
