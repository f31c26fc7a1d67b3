import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import type { Details } from "./Details.ts"

const own = (name: string): string => readFileSync(new URL(`page/${name}`, import.meta.url), "utf8")
const library = (): string =>
  readFileSync(createRequire(import.meta.url).resolve("echarts/dist/echarts.min.js"), "utf8")

/** No text ends the script that it stands in. */
const inScript = (text: string): string => text.replaceAll("</", "<\\/").replaceAll("<!--", "<\\!--")

/** A report on one page that needs nothing else: styles, library, figures and what draws them are inside. */
export const html = (details: Details): string => {
  const parts: Readonly<Record<string, string>> = {
    style: own("style.css"),
    library: inScript(library()),
    data: inScript(JSON.stringify(details)),
    draw: inScript(own("draw.js"))
  }
  return own("page.html").replaceAll(/\/\*\{(\w+)\}\*\//g, (_, name: string) => parts[name] ?? "")
}
