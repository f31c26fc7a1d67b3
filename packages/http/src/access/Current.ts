import { Context } from "effect"
import type { Question, Rule } from "@halles/shared/wire/AccessRule"

/** The rule of the current request, and what its handler has asked. */
export const Current = Context.Reference<{ readonly rule: Rule; readonly questions: Set<Question> } | null>(
  "@halles/http/Access/Current",
  { defaultValue: () => null }
)
