/** Each first attempt earns a tenth of a second one; so many are saved up at the most. */
export const earned = 0.1
export const savedMax = 200

/** Second attempts that are left. Over any number of calls there are at most a tenth as many retries, and what was saved. */
export interface RetryBudget {
  readonly earn: () => void
  /** Whether one may be made; if so it is taken. */
  readonly take: () => boolean
}

export const make = (): RetryBudget => {
  let saved = savedMax
  return {
    earn: () => {
      saved = Math.min(savedMax, saved + earned)
    },
    take: () => {
      if (saved < 1) return false
      saved -= 1
      return true
    }
  }
}
