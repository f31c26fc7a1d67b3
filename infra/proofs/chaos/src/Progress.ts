import { Console } from "effect"

/** A line for who waits, on stderr: stdout has the result only. */
export const say = (line: string) => Console.error(`  ${line}`)

/** What is done from now on, and how long the program has run. */
export const phase = (what: string) => Console.error(`${(performance.now() / 1_000).toFixed(1)} s: ${what}`)
