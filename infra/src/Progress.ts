/** Says what is being done: on a terminal one line that changes while it lasts, else a line a step. Everything goes to stderr. */
export interface Progress {
  /** What is being done from now on; saying it again changes nothing. */
  readonly step: (what: string) => void
  readonly done: () => void
}

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]

export const progress = (): Progress => {
  const terminal = process.stderr.isTTY
  let current: string | null = null
  let since = 0
  let frame = 0
  let timer: NodeJS.Timeout | undefined
  const seconds = () => `${((performance.now() - since) / 1000).toFixed(1)} s`
  const draw = () => {
    frame = (frame + 1) % frames.length
    process.stderr.write(`\r\u001b[K${frames[frame]} ${current} (${seconds()})`)
  }
  const finish = () => {
    clearInterval(timer)
    if (current !== null && terminal) process.stderr.write(`\r\u001b[K✓ ${current} (${seconds()})\n`)
    current = null
  }
  return {
    step: (what) => {
      if (what === current) return
      finish()
      current = what
      since = performance.now()
      if (terminal) timer = setInterval(draw, 100)
      else process.stderr.write(`${what}\n`)
    },
    done: finish
  }
}
