/** A browser without a screen or JavaScript: it keeps cookies by path, follows redirects of its site, and sends forms. */
export class Browser {
  #cookies = new Map<string, { readonly value: string; readonly path: string }>()
  readonly #address: string
  url = ""
  html = ""
  status = 0
  /** Where it was sent beyond the site, as the application would see it. */
  left: URL | null = null

  constructor(address = "test-browser") {
    this.#address = address
  }

  async open(url: string, init: RequestInit = {}): Promise<this> {
    let next = new URL(url, this.url === "" ? undefined : this.url)
    let request = init
    this.left = null
    for (let hops = 0; hops < 15; hops++) {
      const cookie = [...this.#cookies]
        .filter(
          ([, { path }]) => next.pathname === path || next.pathname.startsWith(path.endsWith("/") ? path : `${path}/`)
        )
        .map(([name, { value }]) => `${name.split("|")[0]}=${value}`)
        .join("; ")
      const response = await fetch(next, {
        ...request,
        redirect: "manual",
        headers: { "user-agent": this.#address, ...(cookie === "" ? {} : { cookie }), ...(request.headers as object) }
      })
      for (const line of response.headers.getSetCookie()) this.#keep(line)
      const location = response.headers.get("location")
      if (location === null) {
        this.url = next.href
        this.status = response.status
        this.html = await response.text()
        return this
      }
      await response.arrayBuffer()
      const target = new URL(location, next)
      if (this.url !== "" && target.origin !== new URL(this.url).origin && target.origin !== next.origin) {
        this.left = target
        return this
      }
      if (this.url === "" && target.origin !== next.origin) {
        this.left = target
        return this
      }
      next = target
      request = {}
    }
    throw new Error(`redirected too often, last to ${next.href}`)
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

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split(";").map((part) => part.trim())
    const at = pair.indexOf("=")
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? "/"
    const past = attributes.some((attribute) => /^expires=Thu, 01 Jan 1970/i.test(attribute))
    const key = `${pair.slice(0, at)}|${path}`
    if (past || pair.slice(at + 1) === "") this.#cookies.delete(key)
    else this.#cookies.set(key, { value: pair.slice(at + 1), path })
  }
}

const decode = (text: string): string =>
  text
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&")
