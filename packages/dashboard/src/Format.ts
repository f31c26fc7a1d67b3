const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 })
const tenths = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" })
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" })

/** What is not known. */
export const nothing = "–"

export const count = (value: number | null): string => (value === null ? nothing : whole.format(value))

/** `1,250` or `3.4`: a tenth matters below ten only. */
export const rate = (value: number | null): string =>
  value === null ? nothing : value === 0 || value >= 10 ? whole.format(value) : tenths.format(value)

/** `12 ms`, `3.4 s`, `41 s`, `5 min`, `2 h`, `4 d`. */
export const duration = (ms: number | null): string => {
  if (ms === null) return nothing
  const size = Math.abs(ms)
  if (size < 1) return ms === 0 ? "0 ms" : `${ms.toFixed(2)} ms`
  if (size < 10) return `${tenths.format(ms)} ms`
  if (size < 1_000) return `${whole.format(ms)} ms`
  if (size < 10_000) return `${tenths.format(ms / 1_000)} s`
  if (size < 60_000) return `${whole.format(ms / 1_000)} s`
  if (size < 3_600_000) return `${whole.format(ms / 60_000)} min`
  if (size < 172_800_000) return `${whole.format(ms / 3_600_000)} h`
  return `${whole.format(ms / 86_400_000)} d`
}

const units = ["B", "kB", "MB", "GB", "TB"] as const

export const bytes = (value: number | null): string => {
  if (value === null) return nothing
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  return `${power === 0 ? whole.format(value) : rate(value / 1_000 ** power)} ${units[power]}`
}

export const percent = (share: number | null): string =>
  share === null ? nothing : `${share < 0.1 ? tenths.format(share * 100) : whole.format(share * 100)} %`

/** `14:03:09` today, with the day before it otherwise. */
export const time = (at: number | string | Date): string => {
  const date = new Date(at)
  const today = date.toDateString() === new Date().toDateString()
  return today ? clock.format(date) : `${day.format(date)} ${clock.format(date)}`
}

/** `14:03:09.250`: for what happens many times a second. */
export const instant = (at: number): string => `${time(at)}.${String(at % 1_000).padStart(3, "0")}`

/** Minor units as a string, as all money of Halles is written. */
export const money = (amount: string | number | bigint, currency: string): string => {
  const format = new Intl.NumberFormat("en-GB", { style: "currency", currency })
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(Number(amount) / 10 ** digits)
}

/** `3 runners`, `1 runner`. */
export const many = (value: number, one: string, more = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : more}`
