interface ChoiceProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly options: Readonly<Record<Value, string>>
  readonly choose: (value: Value) => void
}

/** One of a few, all in sight. */
export const Choice = <Value extends string>({ choose, label, options, value }: ChoiceProps<Value>) => (
  <div class="choice" role="group" aria-label={label}>
    {(Object.entries(options) as Array<[Value, string]>).map(([option, text]) => (
      <button key={option} type="button" aria-pressed={option === value} onClick={() => choose(option)}>
        {text}
      </button>
    ))}
  </div>
)
