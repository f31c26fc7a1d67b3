import { Config, Context, Effect, Layer } from "effect"
import { existsSync } from "node:fs"
import { type Browser, chromium } from "playwright-core"

const places = ["/usr/bin/chromium", "/usr/bin/google-chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"]

/** A real Chromium: that of `HALLES_TEST_CHROMIUM_BIN`, which `npm test` sets, or one where machines have it. */
export class ChromiumTest extends Context.Service<ChromiumTest, Browser>()("@halles/chromium/ChromiumTest") {
  static readonly layer = Layer.effect(
    ChromiumTest,
    Effect.gen(function* () {
      const given = yield* Config.String("HALLES_TEST_CHROMIUM_BIN").pipe(Config.withDefault(""))
      const executablePath = [given, ...places].find((path) => path !== "" && existsSync(path))
      if (executablePath === undefined)
        return yield* Effect.die(
          new Error("no Chromium on this machine: apt-get install chromium, or name one in HALLES_TEST_CHROMIUM_BIN")
        )
      // Its sandbox needs rights that a container or root does not have; it opens our own pages only.
      const args = ["--no-sandbox", "--disable-dev-shm-usage"]
      return yield* Effect.acquireRelease(
        Effect.promise(() => chromium.launch({ executablePath, args })),
        (browser) => Effect.promise(() => browser.close())
      )
    })
  )
}

/** A page in a context of its own, and its complaints: errors of its own, and what its policy refused. */
export const openPage = async (chromium: Browser, options: Parameters<Browser["newContext"]>[0] = {}) => {
  const context = await chromium.newContext({ viewport: { width: 1_366, height: 860 }, ...options })
  // Below the time limit of any test, so that a wait that hangs says what it waited for.
  context.setDefaultTimeout(50_000)
  const page = await context.newPage()
  const complaints: Array<string> = []
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) complaints.push(message.text())
  })
  return { page, complaints, close: () => context.close() }
}
