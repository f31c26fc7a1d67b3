import { colour } from "../Scheme.ts"
import type { Shard } from "../ShardBoard.ts"

export type By = "owner" | "load" | "lag" | "age"

/** Steps of the scale, from calm to loud. */
export const ramp = [0, 1, 2, 3, 4, 5] as const
const owners = 8
const lagLoudMs = 30_000
const ageOldMs = 3_600_000
/** A shard that changed hands is seen for so long. */
export const moveMs = 1_600

export interface Palette {
  readonly owners: ReadonlyArray<string>
  readonly ramp: ReadonlyArray<string>
  readonly none: string
  readonly ink: string
  readonly card: string
  readonly bad: string
}

/** The style sheet's colours, as strings that a canvas takes. */
export const palette = (): Palette => ({
  owners: Array.from({ length: owners }, (_, index) => colour(`o${index}`)),
  ramp: ramp.map((step) => colour(`s${step}`)),
  none: colour("none"),
  ink: colour("ink"),
  card: colour("card"),
  bad: colour("bad")
})

/** Cells in rows that fill the width, in whole rows where that is near. */
export interface Layout {
  readonly columns: number
  readonly cell: number
  readonly gap: number
  readonly height: number
}

const cellMax = 36

export const layoutOf = (shards: number, width: number): Layout => {
  const gap = shards > 300 ? 1 : 3
  const wanted = shards > 2_000 ? 10 : shards > 300 ? 14 : 24
  const most = Math.max(1, Math.floor((width + gap) / (wanted + gap)))
  const whole = Array.from({ length: Math.ceil(most / 2) }, (_, less) => most - less).find(
    (columns) => shards % columns === 0
  )
  const columns = whole ?? most
  const cell = Math.min(cellMax, Math.floor((width + gap) / columns) - gap)
  return { columns, cell, gap, height: Math.ceil(shards / columns) * (cell + gap) }
}

const step = (share: number): number => Math.min(ramp.length - 1, Math.max(0, Math.round(share * (ramp.length - 1))))

/** Colour by the square root, so that small loads differ too. */
const shareOf = (shard: Shard, by: Exclude<By, "owner">, busiest: number): number => {
  if (by === "load") return busiest === 0 ? 0 : Math.sqrt(shard.callsPerSecond / busiest)
  if (by === "lag") return Math.sqrt(shard.lagMs / lagLoudMs)
  return shard.epochAgeMs === null ? 0 : 1 - Math.sqrt(Math.min(1, shard.epochAgeMs / ageOldMs))
}

interface Scene {
  readonly shards: ReadonlyArray<Shard>
  readonly by: By
  readonly runners: ReadonlyArray<string>
  readonly chosen: number | null
  readonly width: number
  readonly colours: Palette
}

const fillOf = ({ by, colours, runners }: Scene, shard: Shard, busiest: number): string => {
  if (shard.runner === null || shard.holder !== shard.runner) return colours.none
  if (by !== "owner") return colours.ramp[step(shareOf(shard, by, busiest))]!
  return colours.owners[Math.max(0, runners.indexOf(shard.runner)) % owners]!
}

/** Draws all cells; says whether one still moves, so that another frame is due. */
export const paint = (canvas: HTMLCanvasElement, scene: Scene, now: number): boolean => {
  const { chosen, colours, shards, width } = scene
  const { cell, columns, gap, height } = layoutOf(shards.length, width)
  const scale = devicePixelRatio
  const wide = Math.round(width * scale)
  const high = Math.round(height * scale)
  // A canvas that is given its own size again is cleared and laid out anew, which costs a frame.
  if (canvas.width !== wide || canvas.height !== high) {
    canvas.width = wide
    canvas.height = high
    canvas.style.height = `${height}px`
  }
  const context = canvas.getContext("2d")!
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  const busiest = scene.by === "load" ? shards.reduce((most, one) => Math.max(most, one.callsPerSecond), 0) : 0
  let moves = false
  for (const [index, shard] of shards.entries()) {
    const x = (index % columns) * (cell + gap)
    const y = Math.floor(index / columns) * (cell + gap)
    context.fillStyle = fillOf(scene, shard, busiest)
    context.fillRect(x, y, cell, cell)
    const ago = shard.movedAt === 0 ? moveMs : now - shard.movedAt
    if (ago < moveMs) {
      moves = true
      context.globalAlpha = 1 - ago / moveMs
      context.strokeStyle = colours.ink
      context.lineWidth = 2
      const inset = (ago / moveMs) * (cell / 2 - 2)
      context.strokeRect(x + inset, y + inset, cell - 2 * inset, cell - 2 * inset)
      context.globalAlpha = 1
    }
    if (shard.parked > 0) {
      context.fillStyle = colours.card
      context.fillRect(x + cell / 4, y + cell / 4, cell / 2, cell / 2)
      context.fillStyle = colours.bad
      context.fillRect(x + cell / 3, y + cell / 3, cell / 3, cell / 3)
    }
    if (shard.shard === chosen) {
      context.strokeStyle = colours.ink
      context.lineWidth = 2
      context.strokeRect(x + 1, y + 1, cell - 2, cell - 2)
    }
  }
  return moves
}
