import { useEffect, useMemo, useRef, useState } from "preact/hooks"
import { duration, rate } from "../Format.ts"
import { board, runners } from "../Live.ts"
import { regionName } from "../Regions.ts"
import { isDark } from "../Scheme.ts"
import type { Shard } from "../ShardBoard.ts"
import { type By, layoutOf, paint, palette } from "./Paint.ts"

interface ShardMapProps {
  readonly region: string
  readonly by: By
  readonly chosen: number | null
  readonly choose: (shard: number) => void
}

const describe = ({ callsPerSecond, epoch, holder, lagMs, runner, shard }: Shard): string =>
  `Shard ${shard}: ${runner ?? "no owner"}${holder === runner ? "" : `, held by ${holder ?? "nobody"}`}, epoch ${epoch ?? "–"}, ${rate(callsPerSecond)} calls/s, lag ${duration(lagMs)}`

/** One region's shards on a canvas, at most one drawing a frame however many changes arrive. */
export const ShardMap = ({ by, choose, chosen, region }: ShardMapProps) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [cursor, setCursor] = useState<number | null>(null)
  /** As the last key or move of the mouse left it: keys may come faster than frames. */
  const latest = useRef<number | null>(null)
  const point = (shard: number | null) => {
    latest.current = shard
    setCursor(shard)
  }
  const dark = isDark()
  const colours = useMemo(palette, [dark])
  const shards = board.of(region)
  const names = useMemo(
    () => (runners.value ?? []).map(({ id }) => id).toSorted((a, b) => a.localeCompare(b)),
    [runners.value]
  )
  useEffect(() => {
    const element = canvas.current!
    const observer = new ResizeObserver(() => setWidth(element.clientWidth))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  useEffect(() => {
    if (width === 0) return undefined
    const draw = (now: number) => {
      const element = canvas.current
      // Frames are given up a moment after the screen is.
      if (element === null) return
      const scene = { shards: board.of(region), by, runners: names, chosen: chosen ?? cursor, width, colours }
      if (paint(element, scene, now)) frame = requestAnimationFrame(draw)
    }
    let frame = requestAnimationFrame(draw)
    return () => cancelAnimationFrame(frame)
  })
  const { cell, columns, gap } = layoutOf(shards.length, Math.max(1, width))
  const under = (event: MouseEvent): Shard | undefined => {
    const column = Math.floor(event.offsetX / (cell + gap))
    return column < columns ? shards[Math.floor(event.offsetY / (cell + gap)) * columns + column] : undefined
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === "Enter" && latest.current !== null) return choose(latest.current)
    const { columns: down } = layoutOf(shards.length, Math.max(1, canvas.current?.clientWidth ?? width))
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: 1,
      ArrowLeft: -1,
      ArrowDown: down,
      ArrowUp: -down,
      Home: -shards.length,
      End: shards.length
    }
    const by = steps[event.key]
    if (by === undefined) return
    event.preventDefault()
    const at = shards.findIndex(({ shard }) => shard === latest.current)
    point(shards[Math.min(shards.length - 1, Math.max(0, at + by))]?.shard ?? null)
  }
  const described = shards.find(({ shard }) => shard === (cursor ?? chosen))
  return (
    <div
      class="cells"
      tabIndex={0}
      role="application"
      aria-label={`Shards of ${regionName(region)}; arrow keys choose, Enter opens`}
      onKeyDown={press}
    >
      <canvas
        ref={canvas}
        class="map"
        onMouseMove={(event) => point(under(event)?.shard ?? null)}
        onMouseLeave={() => point(null)}
        onClick={(event) => {
          const shard = under(event)
          if (shard !== undefined) choose(shard.shard)
        }}
      />
      <p class="soft told" aria-live="polite">
        {described === undefined ? "Point at a cell to read it." : describe(described)}
      </p>
    </div>
  )
}
