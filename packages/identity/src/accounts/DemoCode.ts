import { Effect } from "effect"
import { generate } from "otplib"

const stepSeconds = 30

/** What the app of the demo operator would show now, and for how many seconds more. */
export const demoCode = (secret: string): Effect.Effect<{ readonly code: string; readonly secondsLeft: number }> =>
  Effect.promise(async () => {
    const epoch = Math.floor(Date.now() / 1_000)
    return { code: await generate({ secret, epoch }), secondsLeft: stepSeconds - (epoch % stepSeconds) }
  })
