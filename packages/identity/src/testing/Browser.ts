/** A browser without a screen or JavaScript: it keeps cookies by path, follows redirects of its site, and sends forms. */
export class Browser {
  #cookies = new Map<string, { readonly value: string; readonly path: string; readonly host: string }>()
  readonly #agent: string
  readonly #sites = new Set<string>()
  url = ""
  html = ""
  status = 0
  /** Where it was sent beyond the sites that it was opened for, as the application would see it. */
  left: URL | null = null

  constructor(agent = "test-browser") {
    this.#agent = agent
  }

  async open(url: string, init: RequestInit = {}): Promise<this> {
    let next = new URL(url, this.url === "" ? undefined : this.url)
    let request = init
    this.left = null
    this.#sites.add(next.origin)
    for (let hops = 0; hops < 20; hops++) {
      const cookie = [...this.#cookies]
        .filter(([, { host }]) => host === next.host)
        .filter(([, { path }]) => `${next.pathname}/`.startsWith(path.endsWith("/") ? path : `${path}/`))
        .map(([key, { value }]) => `${key.split("|")[0]}=${value}`)
        .join("; ")
      const response = await fetch(next, {
        ...request,
        redirect: "manual",
        headers: { "user-agent": this.#agent, ...(cookie === "" ? {} : { cookie }) }
      })
      for (const line of response.headers.getSetCookie()) this.#keep(line, next.host)
      const location = response.headers.get("location")
      if (location === null) {
        this.url = next.href
        this.status = response.status
        this.html = await response.text()
        return this
      }
      await response.arrayBuffer()
      next = new URL(location, next)
      request = {}
      if (!this.#sites.has(next.origin)) {
        this.left = next
        return this
      }
    }
    throw new Error(`redirected too often, last to ${next.href}`)
  }

  /** All that it would send to the page that it shows. */
  cookies(): string {
    return [...this.#cookies]
      .filter(([, { host }]) => host === new URL(this.url).host)
      .map(([key, { value }]) => `${key.split("|")[0]}=${value}`)
      .join("; ")
  }

  /** Sites that it follows redirects to, beside those that it was opened for. */
  visits(...origins: ReadonlyArray<string>): this {
    for (const origin of origins) this.#sites.add(origin)
    return this
  }

  /** Sends the form whose action ends with `action`, with its own hidden fields and the given ones. */
  async submit(action: string, fields: Readonly<Record<string, string>> = {}): Promise<this> {
    const form = [...this.html.matchAll(/<form[^>]*action="([^"]*)"[^>]*>([\s\S]*?)<\/form>/g)].find(([, to]) =>
      decode(to ?? "").endsWith(action)
    )
    if (form === undefined) throw new Error(`no form ${action} on ${this.url} (${this.status}): ${this.text}`)
    const own = [...(form[2] ?? "").matchAll(/<input\b[^>]*>/g)].flatMap(([input]) => {
      const name = /\bname="([^"]*)"/.exec(input)?.[1]
      const value = /\bvalue="([^"]*)"/.exec(input)?.[1]
      return name === undefined || !input.includes('type="hidden"') ? [] : [[name, decode(value ?? "")] as const]
    })
    return this.open(decode(form[1] ?? ""), {
      method: "POST",
      body: new URLSearchParams({ ...Object.fromEntries(own), ...fields })
    })
  }

  get text(): string {
    return decode(this.html.replaceAll(/<[^>]+>/g, " ").replaceAll(/\s+/g, " ")).trim()
  }

  get title(): string {
    return decode(/<h1>([^<]*)<\/h1>/.exec(this.html)?.[1] ?? "")
  }

  #keep(line: string, host: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim())
    const at = pair.indexOf("=")
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/"
    const past = attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))
    const key = `${pair.slice(0, at)}|${path}|${host}`
    if (past || pair.slice(at + 1) === "") this.#cookies.delete(key)
    else this.#cookies.set(key, { value: pair.slice(at + 1), path, host })
  }
}

const decode = (text: string): string =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
