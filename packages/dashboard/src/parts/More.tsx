import { useEffect, useState } from "preact/hooks"
import { type Failure, toFailure } from "../Failure.ts"
import { FailureNote } from "./FailureNote.tsx"

interface Page<Item> {
  readonly items: ReadonlyArray<Item>
  readonly next: string | null
}

export interface Pages<Item> {
  readonly items: ReadonlyArray<Item>
  /** Where it goes on; `undefined` before anything more was asked for. */
  readonly next: string | null | undefined
  readonly failure: Failure | null
  readonly load: (cursor: string) => void
}

/** Further pages of a list, below the first; other `keys` begin anew. */
export const useMore = <Item,>(
  question: (cursor: string) => Promise<Page<Item>>,
  keys: ReadonlyArray<unknown>
): Pages<Item> => {
  const start = { items: [], next: undefined, failure: null }
  const [state, setState] = useState<Omit<Pages<Item>, "load">>(start)
  useEffect(() => setState(start), keys)
  const load = (cursor: string) => {
    question(cursor).then(
      ({ items, next }) => setState((before) => ({ items: [...before.items, ...items], next, failure: null })),
      (error: unknown) => setState((before) => ({ ...before, failure: toFailure(error) }))
    )
  }
  return { ...state, load }
}

export const More = <Item,>({ more, next }: { readonly more: Pages<Item>; readonly next: string | null }) => {
  const cursor = more.next === undefined ? next : more.next
  if (more.failure !== null) return <FailureNote failure={more.failure} />
  if (cursor === null) return null
  return (
    <div class="more">
      <button type="button" onClick={() => more.load(cursor)}>
        Show more
      </button>
    </div>
  )
}
