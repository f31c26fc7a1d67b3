import { randomBytes } from "node:crypto"
import type { Scene, Sender, Subject } from "./Scene.ts"
import type { Answer, Question } from "./Verdict.ts"

const keysOfOne = 4
const hex = (bytes: number): string => randomBytes(bytes).toString("hex")
const any = <A>(among: ReadonlyArray<A>): A => among[Math.floor(Math.random() * among.length)]!
const chance = (share: number): boolean => Math.random() < share

/** What a good answer shows; the operator process names the operator who asks. */
const visibleTo = (sender: Sender, subject: Subject): ReadonlyArray<string> =>
  subject.name === "who one is" ? [`"account-${sender.name}"`] : subject.shows

/** Questions of all senders about all things, in a random order, with what each was answered when it was asked alone. */
export class Questions {
  readonly #scene: Scene
  readonly #run = hex(4)
  /** By sender and subject. */
  readonly #statuses = new Map<string, number>()
  readonly #etags = new Map<string, string>()
  /** By sender and key: the cart that was opened under it. */
  readonly #opened = new Map<string, string>()
  #count = 0

  constructor(scene: Scene) {
    this.#scene = scene
  }

  #ask(sender: Sender, name: string, method: string, path: string): Question {
    this.#count += 1
    const id = `${this.#run}-${this.#count}`
    const traceId = hex(16)
    return {
      id,
      traceId,
      sender: sender.name,
      name,
      method,
      path,
      headers: { "request-id": id, traceparent: `00-${traceId}-${hex(8)}-00`, ...sender.headers() },
      statuses: [],
      shows: [],
      mayShow: new Set()
    }
  }

  #look(sender: Sender, subject: Subject, method = "GET"): Question {
    const status = this.#statuses.get(`${sender.name} ${subject.name}`)
    const shows = visibleTo(sender, subject)
    return {
      ...this.#ask(sender, subject.name, method, subject.path),
      statuses: status === undefined ? [] : [status],
      shows,
      mayShow: new Set(status === undefined || status < 400 ? shows : [])
    }
  }

  /** Every pair of sender and subject once, to be asked alone. */
  *alone(): Generator<readonly [Subject, Question]> {
    for (const subject of this.#scene.subjects)
      for (const sender of this.#scene.senders) yield [subject, this.#look(sender, subject)]
  }

  /** What it was answered alone is what it is to be answered from now on; says what is wrong with it already. */
  learn(subject: Subject, { sender: name }: Question, { status }: Answer): string | undefined {
    this.#statuses.set(`${name} ${subject.name}`, status)
    const sender = this.#scene.senders.find((one) => one.name === name)!
    if (subject.customer === undefined) return undefined
    const isOwn = sender.customer === subject.customer
    if (isOwn && status !== 200) return `${name} is refused ${subject.name}: ${status}`
    // Staff may, by their roles.
    const isStranger = !isOwn && !/^(support|operator)/.test(name)
    return isStranger && status < 400 ? `${name} sees ${subject.name}: ${status}` : undefined
  }

  /** What the answer tells for questions that come later; says so when it contradicts what was told before. */
  note(question: Question, { body, headers, status }: Answer): string | undefined {
    const { etag } = headers
    if (status === 200 && etag !== undefined) this.#etags.set(`${question.sender} ${question.name}`, etag)
    const key = question.headers["idempotency-key"]
    if (key === undefined || status !== 201) return undefined
    const id = (JSON.parse(body) as { readonly id: string }).id
    const place = `${question.sender} ${key}`
    const before = this.#opened.get(place)
    this.#opened.set(place, id)
    if (before !== undefined && before !== id) return `opened ${id}, and ${before} under the same key before`
    const other = [...this.#opened].find(([at, opened]) => at !== place && opened === id)
    return other === undefined ? undefined : `opened ${id}, which is that of ${other[0]}`
  }

  /** One more for this listener. */
  next(at: Subject["at"]): Question {
    const { carts, products, senders, subjects } = this.#scene
    if (at === "edge" && chance(0.06))
      return this.#write(any(senders.filter(({ customer }) => customer !== undefined)), carts, products)
    if (at === "edge" && chance(0.01)) return this.#tooLarge(any(senders))
    const sender = any(senders)
    const subject = any(subjects.filter((one) => one.at === at))
    if (chance(0.08)) return this.#look(sender, subject, "HEAD")
    const question = this.#look(sender, subject)
    const etag = this.#etags.get(`${sender.name} ${subject.name}`)
    if (etag === undefined || !chance(0.2)) return question
    return {
      ...question,
      headers: { ...question.headers, "if-none-match": etag },
      statuses: [...question.statuses, 304]
    }
  }

  #write(sender: Sender, carts: Scene["carts"], products: Scene["products"]): Question {
    const json = { "content-type": "application/json" }
    if (chance(0.5)) {
      const cart = carts[sender.customer!]!
      const question = this.#ask(sender, "a line", "PUT", `/v1/carts/${cart}/lines/${any(products)}`)
      const body = JSON.stringify({ quantity: 1 + Math.floor(Math.random() * 9) })
      return { ...question, headers: { ...question.headers, ...json }, body, statuses: [200], shows: [cart] }
    }
    const question = this.#ask(sender, "a new cart", "POST", "/v1/carts")
    // Made of the run, so that another run has other carts; the same of all senders, whose carts are to differ.
    const key = `${this.#run}-0123456789abcdef0123456789abcdef-${Math.floor(Math.random() * keysOfOne)}`
    const body = JSON.stringify({ region: "eu", currency: "GBP" })
    // One key may be under way twice.
    const headers = { ...question.headers, ...json, "idempotency-key": key }
    return { ...question, headers, body, statuses: [201, 409], shows: ['"id"'] }
  }

  /** A body that is refused before it is read: what follows it on the connection is not to be taken for a request. */
  #tooLarge(sender: Sender): Question {
    const question = this.#ask(sender, "too large a body", "POST", "/v1/carts")
    const smuggled = `GET /v1/carts/eu_smuggled HTTP/1.1\r\nHost: a\r\n\r\n`
    return {
      ...question,
      headers: { ...question.headers, "content-type": "application/json" },
      body: smuggled.repeat(6_000),
      statuses: [400, 401, 413]
    }
  }
}
