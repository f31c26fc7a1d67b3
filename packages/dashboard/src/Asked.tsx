import type { LiveTopic } from "@halles/http/operator/OperatorEvents"
import type { Signal } from "@preact/signals"
import type { ComponentChildren } from "preact"
import { useCallback, useEffect, useRef, useState } from "preact/hooks"
import { type Failure, toFailure } from "./Failure.ts"
import { beats, topicOf } from "./Live.ts"
import { FailureNote } from "./parts/FailureNote.tsx"
import { Skeleton } from "./parts/Notes.tsx"

export interface Asked<A> {
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
export const useAsked = <A,>(
  question: () => Promise<A>,
  keys: ReadonlyArray<unknown>,
  { keep = false, live = false }: { readonly live?: boolean; readonly keep?: boolean } = {}
): Asked<A> => {
  const [state, setState] = useState<{ readonly value: A | null; readonly failure: Failure | null }>({
    value: null,
    failure: null
  })
  const newest = useRef(0)
  const asked = useRef(0)
  const again = useCallback(() => {
    const own = ++newest.current
    asked.current = performance.now()
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
      if (beat > 0 && performance.now() - asked.current >= refreshMsMin) again()
    })
  }, [live, ...keys])
  return { ...state, again }
}

/** Asks once; from then on the live stream tells it anew whenever it is another. */
export const useTold = <A,>(topic: LiveTopic, told: Signal<A | null>, question: () => Promise<A>): Asked<A> => {
  const asked = useAsked(question, [topic])
  useEffect(() => {
    topicOf.value = topic
    return () => {
      topicOf.value = ""
      told.value = null
    }
  }, [topic])
  return told.value === null ? asked : { ...asked, value: told.value, failure: null }
}

/** What was asked for, or why it is not there, or that it is on its way. */
export const Answer = <A,>({
  asked,
  children,
  lines
}: {
  readonly asked: Asked<A>
  readonly children: (value: A) => ComponentChildren
  readonly lines?: number
}) => (
  <>
    {asked.failure === null ? null : <FailureNote failure={asked.failure} again={asked.again} />}
    {asked.value === null ? (
      asked.failure === null ? (
        <Skeleton {...(lines === undefined ? {} : { lines })} />
      ) : null
    ) : (
      children(asked.value)
    )}
  </>
)
