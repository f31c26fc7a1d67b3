import { useEffect, useRef } from "preact/hooks"
import UPlot from "uplot"
import "uplot/dist/uPlot.min.css"
import { colour, isDark } from "../Scheme.ts"

export interface Line {
  readonly label: string
  /** A colour of the style sheet. */
  readonly colour: string
}

interface ChartProps {
  readonly label: string
  readonly lines: ReadonlyArray<Line>
  readonly data: [Array<number>, ...Array<Array<number | null>>]
  readonly format: (value: number) => string
  readonly height?: number
}

/** The axis covers this much at least, so that the first seconds are not spread over the whole width. */
const secondsMin = 120

const last = (times: ArrayLike<number>): number => times[times.length - 1] ?? Date.now() / 1_000

const optionsOf = ({ format, height = 180, lines }: ChartProps, width: number): UPlot.Options => {
  const axis = { stroke: colour("soft"), grid: { stroke: colour("line"), width: 1 }, ticks: { show: false } }
  const font = "12px system-ui, sans-serif"
  return {
    width,
    height,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: { points: { size: 6 }, y: false },
    scales: {
      // By the points themselves: of a single one uPlot would make a day.
      x: { time: true, range: ({ data: [times] }) => [Math.min(times[0] ?? 0, last(times) - secondsMin), last(times)] },
      y: { range: (_, __, max) => [0, Math.max(1, max * 1.15)] }
    },
    axes: [
      { ...axis, font, size: 30, grid: { show: false }, space: 90, values: "{HH}:{mm}:{ss}" },
      { ...axis, font, size: 62, space: 34, values: (_, ticks) => ticks.map((tick) => format(tick)) }
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colour(line.colour),
        width: 1.75,
        points: { show: false },
        spanGaps: true
      }))
    ]
  }
}

/** A line a region over time; beneath it the newest figures in words, for who sees no chart. */
export const Chart = (props: ChartProps) => {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot | null>(null)
  const dark = isDark()
  useEffect(() => {
    const element = place.current!
    const made = new UPlot(optionsOf(props, element.clientWidth), props.data, element)
    plot.current = made
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: props.height ?? 180 }))
    observer.observe(element)
    return () => {
      observer.disconnect()
      made.destroy()
    }
  }, [dark])
  useEffect(() => plot.current?.setData(props.data), [props.data])
  const newest = props.lines.map(({ colour, label }, index) => ({
    label,
    colour,
    value: props.data[index + 1]?.at(-1) ?? null
  }))
  return (
    <figure>
      <div ref={place} role="img" aria-label={props.label} />
      <figcaption class="legend">
        {newest.map(({ colour, label, value }) => (
          <span key={label}>
            <span class={`swatch ${colour}`} />
            {label} {value === null ? "" : props.format(value)}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
