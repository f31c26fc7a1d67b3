import { Schema } from "effect"

/** Where the shop sells: on the web, in its app, through partners, at the counter. */
export const Channel = Schema.Literals(["web", "mobile", "partner", "pos"])
export type Channel = typeof Channel.Type

export const Channels = Schema.Array(Channel).check(Schema.isMaxLength(Channel.literals.length), Schema.isUnique())

/** Whether a product or a category with these channels is shown in the channel. Without channels of its own it is shown in all. */
export const isIn = (channels: ReadonlyArray<Channel> | undefined, channel: Channel | undefined): boolean =>
  channel === undefined || channels === undefined || channels.includes(channel)
