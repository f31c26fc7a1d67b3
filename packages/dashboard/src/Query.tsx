import type { LiveTopic } from "@halles/http/operator/OperatorEvents"
import type { Signal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import { type Failure, toFailure } from "./Failure.ts"
import { beats, topicOf } from "./Live.ts"
import { FailureNote } from "./parts/FailureNote.tsx"
import { Skeleton } from "./parts/Notes.tsx"

export interface QueryResult<A> {
  /** The newest answer, which stays while the next one is awaited. */
  readonly value: A | null
  readonly failure: Failure | null
  readonly again: () => void
}

/** Between two questions that the live stream gives rise to. */
const refreshMsMin = 4_000

/**
 * Asks when it is shown and whenever `keys` change, what is shown then going blank but with `keep`; with `live` also when the
 * stream says that the cluster went on. An answer to an older question is dropped.
 */
export const useQuery = <A,>(
  question: () => Promise<A>,
  keys: ReadonlyArray<unknown>,
  { keep = false, live = false }: { readonly live?: boolean; readonly keep?: boolean } = {}
): QueryResult<A> => {
  const [state, setState] = useState<{ readonly value: A | null; readonly failure: Failure | null }>({
    value: null,
    failure: null
  })
  const newest = useRef(0)
  const askedAtMs = useRef(0)
  const again = useCallback(() => {
    const own = ++newest.current
    askedAtMs.current = performance.now()
    question().then(
      (value) => {
        if (own === newest.current) setState({ value, failure: null })
      },
      (error: unknown) => {
        if (own === newest.current) setState(({ value }) => ({ value, failure: toFailure(error) }))
      }
    )
  }, keys)
  useEffect(() => {
    if (!keep) setState({ value: null, failure: null })
    again()
  }, keys)
  useEffect(() => {
    if (!live) return undefined
    return beats.subscribe((beat) => {
      if (beat > 0 && performance.now() - askedAtMs.current >= refreshMsMin) again()
    })
  }, [live, ...keys])
  return { ...state, again }
}

/** Asks once; from then on the live stream sends the list to `newest` whenever it has changed. */
export const useLiveQuery = <A,>(
  topic: LiveTopic,
  newest: Signal<A | null>,
  question: () => Promise<A>
): QueryResult<A> => {
  const result = useQuery(question, [topic])
  useEffect(() => {
    topicOf.value = topic
    return () => {
      topicOf.value = ""
      newest.value = null
    }
  }, [topic])
  return newest.value === null ? result : { ...result, value: newest.value, failure: null }
}

/** What was asked for, or why it is not there, or that it is on its way. */
export const Answer = <A,>({
  result,
  children,
  lines
}: {
  readonly result: QueryResult<A>
  readonly children: (value: A) => ComponentChildren
  readonly lines?: number
}) => (
  <>
    {result.failure === null ? null : <FailureNote failure={result.failure} again={result.again} />}
    {result.value === null ? (
      result.failure === null ? (
        <Skeleton {...(lines === undefined ? {} : { lines })} />
      ) : null
    ) : (
      children(result.value)
    )}
  </>
)
