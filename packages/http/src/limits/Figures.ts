/** Bounds as people read them: `8,192`, `64 MiB`, `1.5 s`. */
export const count = (figure: number): string => figure.toLocaleString("en-US")

export const bytes = (figure: number): string => {
  if (figure >= 1024 ** 2 && figure % 1024 === 0) return `${count(figure / 1024 ** 2)} MiB`
  return figure >= 1024 && figure % 1024 === 0 ? `${count(figure / 1024)} KiB` : `${count(figure)} bytes`
}

/** Lengths of texts: `8 Mi characters`. */
export const characters = (figure: number): string => `${bytes(figure).replace("iB", "i")} characters`

const units = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1_000, "s"]
] as const

export const time = (ms: number): string => {
  const unit = units.find(([size]) => ms >= size && Number.isInteger((ms * 10) / size))
  return unit === undefined ? `${count(ms)} ms` : `${count(ms / unit[0])} ${unit[1]}`
}

export const percent = (share: number): string => `${Math.round(share * 100)} %`
