import type * as Json from "@halles/http/operator/OperatorJson"
import type { Schema } from "effect"
import { useState } from "preact/hooks"
import { type Failure, toFailure } from "../Failure.ts"
import { count, time } from "../Format.ts"
import { ask } from "../Ops.ts"
import { FailureNote } from "../parts/FailureNote.tsx"
import { Json as JsonView } from "../parts/Json.tsx"
import { Badge } from "../parts/Notes.tsx"
import { Changes } from "./Changes.tsx"

type WhatIf = typeof Json.WhatIf.Type

/** Characters; no command that a person writes by hand is longer. */
const commandMax = 20_000

const parsed = (text: string): { readonly command: Schema.Json } | Failure => {
  try {
    return { command: JSON.parse(text) }
  } catch (error) {
    return {
      title: "This is no JSON.",
      next: error instanceof Error ? error.message : "",
      signedOut: false,
      forbidden: false,
      stronger: false
    }
  }
}

/** Tries a command on the state that is shown. It is decided in a sandbox: nothing is written, nothing is sent. */
export const WhatIfCard = ({ id, seq }: { readonly id: string; readonly seq: number }) => {
  const [text, setText] = useState("")
  const [busy, setBusy] = useState(false)
  const [answer, setAnswer] = useState<WhatIf | null>(null)
  const [failure, setFailure] = useState<Failure | null>(null)
  const run = async () => {
    setAnswer(null)
    const given = parsed(text)
    if ("title" in given) return setFailure(given)
    setFailure(null)
    setBusy(true)
    try {
      setAnswer(
        await ask((ops) =>
          ops.entities.whatIf({ params: { id }, payload: { command: given.command, at: String(seq) } })
        )
      )
    } catch (error) {
      setFailure(toFailure(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <section class="card">
      <h2>What if</h2>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void run()
        }}
      >
        <label class="field">
          {`Command as JSON, tried on seq ${count(seq)}. Nothing is written, nothing is sent.`}
          <textarea
            class="code"
            rows={3}
            required
            maxLength={commandMax}
            spellcheck={false}
            placeholder={'{"_tag":"Cancel"}'}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
        </label>
        <div class="actions">
          <button type="submit" disabled={busy}>
            {busy ? "Trying …" : "Try it"}
          </button>
        </div>
      </form>
      {failure === null ? null : <FailureNote failure={failure} />}
      <div role="status">{answer === null ? null : <Would answer={answer} />}</div>
    </section>
  )
}

const Would = ({ answer: { changes, events, pendingStep, refused, seq, timerAt } }: { readonly answer: WhatIf }) => (
  <div class="stack">
    <dl class="pairs">
      <dt>At seq</dt>
      <dd>{count(seq)}</dd>
      <dt>Answer</dt>
      <dd>
        {refused === null ? (
          <Badge tone="good">{events?.length === 0 ? "accepted, and nothing changes" : "accepted"}</Badge>
        ) : (
          <Badge tone="bad">refused</Badge>
        )}
      </dd>
      <dt>Would send</dt>
      <dd>{pendingStep === null ? "nothing" : <code>{pendingStep}</code>}</dd>
      <dt>Timer then</dt>
      <dd>{timerAt === null ? "none" : time(timerAt)}</dd>
    </dl>
    {refused === null ? null : <JsonView label="Why it would be refused" value={refused} />}
    {events === null || events.length === 0 ? null : <JsonView label="Events that it would write" value={events} />}
    {refused === null ? <Changes items={changes} label="What would change" /> : null}
  </div>
)
