import type { Region } from "@halles/shared/Region"
import type { Redacted } from "effect"
import { Context, Redacted as Secret, Schema } from "effect"
import { createHmac, timingSafeEqual } from "node:crypto"
import { type Content, contentName, isPicture, contentTypeOf } from "./MediaContent.ts"

const thousandths = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000 }))
/** The point that stays in the picture when it is cropped, in thousandths of its width and height from the top left. */
export const Focus = Schema.Struct({ x: thousandths, y: thousandths })
export type Focus = typeof Focus.Type
export const centre: Focus = { x: 500, y: 500 }

/** The longest side of what is made of a picture. */
export const madeSideMax = 4_096
export const Side = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: madeSideMax }))
/** `inside`: all of it, within the box. `cover`: the whole box, around the focus. */
export const Fit = Schema.Literals(["inside", "cover"])
/** With `auto` the media process chooses by the header `Accept`. */
export const Format = Schema.Literals(["auto", "webp", "avif", "jpeg", "png"])

/** How the media process makes one picture of another. It never makes one larger than the original. */
export const Transform = Schema.Struct({ width: Side, height: Side, fit: Fit, focus: Focus, format: Format })
export type Transform = typeof Transform.Type

/** `w640-h480-cover-x500-y250-auto`: one text for one transform. */
export const textOf = ({ fit, focus, format, height, width }: Transform): string =>
  `w${width}-h${height}-${fit}-x${focus.x}-y${focus.y}-${format}`

const form = /^w([1-9]\d{0,3})-h([1-9]\d{0,3})-(inside|cover)-x(\d{1,4})-y(\d{1,4})-(auto|webp|avif|jpeg|png)$/
const isTransform = Schema.is(Transform)
export const ofText = (text: string): Transform | undefined => {
  const [, width, height, fit, x, y, format] = form.exec(text) ?? []
  const transform = { width: Number(width), height: Number(height), fit, focus: { x: Number(x), y: Number(y) }, format }
  return isTransform(transform) && textOf(transform) === text ? transform : undefined
}

/** Sizes for the pages of a shop; the view of a picture has an address for each. */
export const presets = {
  thumbnail: { width: 160, height: 160, fit: "cover" },
  card: { width: 480, height: 480, fit: "cover" },
  detail: { width: 1_200, height: 1_200, fit: "inside" },
  zoom: { width: 2_400, height: 2_400, fit: "inside" },
  banner: { width: 1_600, height: 600, fit: "cover" }
} as const satisfies Readonly<Record<string, Pick<Transform, "width" | "height" | "fit">>>

/** Stands in a path in place of a transform, for the content as it is stored. */
export const original = "original"

/** 132 bits of HMAC-SHA-256 over what follows them in the path. */
const signature = (key: Redacted.Redacted, signed: string): string =>
  createHmac("sha256", Secret.value(key)).update(`halles media\n${signed}`).digest("base64url").slice(0, 22)

/** `/media/<signature>/<transform>/<name>`. The path alone determines the bytes of the answer, so caches may keep it for ever. */
export const pathOf = (key: Redacted.Redacted, what: string, name: string): string =>
  `/media/${signature(key, `${what}/${name}`)}/${what}/${name}`

export interface Wanted {
  readonly name: string
  readonly transform: Transform | null
}

/** What a path asks for; `undefined` if its signature is not ours. */
export const wantedOf = (key: Redacted.Redacted, given: string, what: string, name: string): Wanted | undefined => {
  const expected = Buffer.from(signature(key, `${what}/${name}`))
  const sent = Buffer.from(given)
  if (sent.length !== expected.length || !timingSafeEqual(sent, expected)) return undefined
  const transform = what === original ? null : ofText(what)
  return transform === undefined || contentTypeOf(name) === undefined ? undefined : { name, transform }
}

/** The addresses of content: one as it is stored, and one for each preset if it is a picture. */
export const Links = Schema.Struct({ original: Schema.String, pictures: Schema.Record(Schema.String, Schema.String) })
export type Links = typeof Links.Type

/** Makes addresses of content, below the public address of the media process. */
export interface Linker {
  readonly links: (region: Region, content: Content, focus: Focus) => Links
  readonly link: (region: Region, content: Content, transform: Transform) => string
}

export const linker = (base: string, key: Redacted.Redacted): Linker => {
  const link = (region: Region, content: Content, transform: Transform): string =>
    `${base}${pathOf(key, textOf(transform), contentName(region, content))}`
  return {
    link,
    links: (region, content, focus) => ({
      original: `${base}${pathOf(key, original, contentName(region, content))}`,
      pictures: isPicture(content.type)
        ? Object.fromEntries(
            Object.entries(presets).map(([name, preset]) => [
              name,
              link(region, content, { ...preset, focus, format: "auto" })
            ])
          )
        : {}
    })
  }
}

/** The linker of this process; `null` in a deployment without a media process, where content has no address. */
export const MediaLinks = Context.Reference<Linker | null>("@halles/entities/media/MediaLinks", {
  defaultValue: () => null
})
